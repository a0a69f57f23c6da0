"""What holds for all formats: coverage first, hostile names, size, and the same from run to run."""

import itertools
import re
import time
import tracemalloc
import unicodedata
from typing import Final

import attrs
import pytest

from dbusers.audit.report import (
    FORMATS,
    AccountCoverage,
    DatabaseRow,
    NotReadDatabase,
    Report,
    write,
)
from dbusers.audit.report.coverage import headline, missing
from tests.audit.report.fleet import (
    a_database,
    a_report,
    clean,
    hostile,
    incomplete,
    large,
    mixed,
    not_read,
    read,
    written,
)

# The page has tests of its own.
NAMES: Final = [name for name in FORMATS if name != "html"]
LINES: Final = ("table", "csv", "markdown", "junit")  # where a name must not begin a line
FEW, MANY = 1_000, 8_000  # findings
MOST_TIME: Final = 0.0006  # seconds for a finding, on a slow machine; about a tenth of it


class Sink:
    """Takes what is written, and counts it."""

    def __init__(self) -> None:
        self.length = 0

    def write(self, text: str) -> int:
        self.length += len(text)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def isatty(self) -> bool:
        return False

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("name", NAMES)
def test_an_incomplete_run_says_so_before_anything_it_found(name: str) -> None:
    text = written(incomplete(), name)

    says_so = re.search(r'INCOMPLETE|"complete":false|"error"|errors="[1-9]', text)
    found = text.index("Password kept as an MD5 hash: user" if name == "sarif" else "PG001")
    assert says_so
    if name != "sarif":  # there the rules come first
        assert says_so.start() < found
    for what in ("id-000002", "503 unavailable: try later", "401 unauthorized: token is revoked"):
        assert what.replace(":", r"\:") in text or what in text


@pytest.mark.parametrize("name", NAMES)
def test_every_database_that_was_not_read_is_named(name: str) -> None:
    rows = [not_read(a_database(number)) for number in range(300)]
    report = attrs.evolve(
        incomplete(),
        databases=lambda: iter(rows),
        not_read=tuple(
            attrs.evolve(incomplete().not_read[0], database=row.database) for row in rows
        ),
        findings=lambda: iter(()),
    )

    text = written(report, name)

    assert not [row.database.id for row in rows if row.database.id not in text]


def an_interrupted_run() -> Report:
    """Of three databases one was read, and the store names those that were not reached."""
    account = AccountCoverage("prod", "DigitalOcean", databases=3, read=1, users=1)
    not_reached = tuple(
        NotReadDatabase(a_database(number), "the run ended before", "NotReached")
        for number in (2, 3)
    )
    rows = [read(a_database(1), "app-01"), *(DatabaseRow(one.database) for one in not_reached)]
    return a_report(
        rows, accounts=(account,), not_read=not_reached, interrupted=True, finished=None
    )


def test_what_was_not_reached_is_counted_once() -> None:
    report = an_interrupted_run()

    assert [one.database and one.database.id for one in missing(report)] == [
        "id-000002",
        "id-000003",
    ]
    assert headline(report) == (
        "INCOMPLETE: 2 databases not reached, a run that was interrupted; nothing is known of them."
        " 3 databases of 1 account; 1 read, 0 without users to read"
    )
    unnamed = attrs.evolve(report, not_read=())
    assert [one.error for one in missing(unnamed)] == [
        "2 databases not reached: the run ended before"
    ]


def test_a_shard_is_not_taken_for_the_fleet() -> None:
    report = attrs.evolve(clean(), shard="2/4")

    assert headline(report).startswith("Complete: shard 2/4 with 3 databases of 1 account;")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_was_named_moves_a_terminal_or_turns_a_line_around(name: str) -> None:
    text = written(hostile(), name)

    allowed = {"\n", "\r"} if name == "csv" else {"\n"}
    categories = {c: unicodedata.category(c) for c in set(text) - allowed}
    assert not {c for c, category in categories.items() if category in {"Cc", "Cf", "Zl", "Zp"}}


@pytest.mark.parametrize("name", LINES)
def test_no_name_begins_a_line_of_its_own(name: str) -> None:
    assert not re.search(r"^\W*lines\b", written(hostile(), name), re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [clean, mixed, incomplete, hostile])
def test_the_same_report_is_written_the_same_way(name: str, make: object) -> None:
    assert callable(make)
    assert written(make(), name) == written(make(), name)


@pytest.mark.parametrize("name", NAMES)
def test_a_report_without_findings_says_that_all_was_read(name: str) -> None:
    text = written(clean(), name)

    assert clean().exit_code == 0
    if name == "csv":
        assert len(text.splitlines()) == 1
    else:
        complete = r'Complete: 3 databases of 1 account|"complete":true'
        assert re.search(complete, text)
        assert "INCOMPLETE" not in text


@pytest.mark.parametrize("name", NAMES)
def test_the_time_grows_with_the_findings_and_no_faster(name: str) -> None:
    written(mixed(), name)  # what is loaded on first use
    times = []
    for findings in (FEW, MANY):
        report, sink = large(findings), Sink()
        assert report.exit_code == 1  # counts them: what is measured is the writing
        started = time.process_time()
        write(report, name, sink)  # type: ignore[arg-type]  # a text file as far as it goes
        times.append(time.process_time() - started)
        assert sink.length > 1000

    few, many = times
    assert many < 3 * (MANY / FEW) * few + 0.1, f"{few:.3f} and {many:.3f} s"  # with its noise
    assert many < MANY * MOST_TIME


@pytest.mark.parametrize("name", NAMES)
def test_memory_does_not_grow_with_the_fleet(name: str) -> None:
    written(mixed(), name)  # what is loaded on first use
    peaks = []
    for findings in (250, 1_500):  # which take a megabyte
        report = large(findings)
        tracemalloc.start()
        write(report, name, Sink())  # type: ignore[arg-type]  # a text file as far as it goes
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    small, big = peaks
    assert big < 1.5 * small + 50_000, f"{small:,} and {big:,} bytes"


def test_a_report_can_be_gone_through_any_number_of_times() -> None:
    report = large(100)

    passes = [len(list(report.findings())) for _ in itertools.repeat(None, 2)]

    assert passes == [100, 100]
