"""What is written of a measurement: ratios within rounds, the table, the picture, the page."""

from functools import partial
from typing import Final
from xml.etree import ElementTree

import pytest

from tests.benchmarks.page import BEGIN, END, PAGE, with_measured
from tests.benchmarks.plot import plot
from tests.benchmarks.rounds import Costs, Quartiles, interleaved
from tests.benchmarks.rows import OURS, Row
from tests.benchmarks.table import table

ROWS: Final = [
    Row(
        "one",
        {OURS: Quartiles(1.1, 1.2, 1.3), "other": Quartiles(9, 10.4, 11)},
        "8 ms",
        "9 ms",
        1.2,
    ),
    Row(
        "two", {OURS: Quartiles.exactly(1.5), "other": Quartiles.exactly(0.5)}, "7 MB", "8 MB", 1.4
    ),
]


def test_a_ratio_is_that_of_the_same_round() -> None:
    costs = Costs({"slow": [2.0, 20.0, 4.0], "fast": [1.0, 10.0, 1.0]})

    assert costs.ratio("slow", "fast") == Quartiles(2, 2, 3)


def test_every_candidate_runs_once_in_each_round_and_before() -> None:
    runs: list[str] = []

    def sample(name: str) -> float:
        runs.append(name)
        return len(runs)

    costs = interleaved({n: partial(sample, n) for n in "abc"}, 10)
    rounds = [runs[n : n + 3] for n in range(0, len(runs), 3)]

    assert len(rounds) == 11
    assert all(sorted(each) == ["a", "b", "c"] for each in rounds)
    assert rounds[1:] != [["a", "b", "c"]] * 10
    assert [len(each) for each in costs.samples.values()] == [10] * 3


def test_those_of_a_pair_run_one_right_after_the_other() -> None:
    runs: list[str] = []

    def sample(name: str) -> float:
        runs.append(name)
        return 1.0

    candidates = {n: partial(sample, n) for n in "abcde"}
    interleaved(candidates, 20, pairs=[("a", "d"), ("b", "e")])
    rounds = [runs[n : n + 5] for n in range(5, len(runs), 5)]

    assert all(sorted(each) == [*"abcde"] for each in rounds)
    assert all(abs(each.index("a") - each.index("d")) == 1 for each in rounds)
    assert all(abs(each.index("b") - each.index("e")) == 1 for each in rounds)
    assert len({each.index("a") < each.index("d") for each in rounds}) == 2


def test_the_table_says_what_is_reached() -> None:
    assert table(ROWS).splitlines() == [
        "| what | floor | dbusers | ratio (quartiles)       | goal          | other |",
        "| ---- | ----- | ------- | ----------------------- | ------------- | ----- |",
        "| one  | 8 ms  | 9 ms    | **1.20** (1.10 to 1.30) | 1.20: reached | 10    |",
        "| two  | 7 MB  | 8 MB    | **1.50**                | 1.40: missed  | 0.50  |",
    ]


def test_the_picture_has_a_dot_for_each_client_of_each_row() -> None:
    picture = ElementTree.fromstring(plot("A & B", ROWS))
    dots = [
        dot for dot in picture.findall(".//{*}circle") if dot.get("cy") != "18"
    ]  # 18: the legend

    assert picture.findtext("{*}title") == "A & B"
    assert len(dots) == 4
    assert float(dots[0].attrib["cx"]) < float(dots[1].attrib["cx"])


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    page = PAGE.read_text()
    again = with_measured(with_measured(page, "old"), "new")

    assert again == page[: page.index(BEGIN)] + f"{BEGIN}\nnew\n\n{END}" + page.partition(END)[2]
    with pytest.raises(AssertionError, match="marker"):
        with_measured("nothing", "new")
