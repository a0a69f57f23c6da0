"""What the soak takes for a leak, of resources or of secrets."""

import logging
import warnings

import attrs
import pytest

from tests.soak.leaks import Leaks, prove
from tests.soak.watch import LATE, Listener, Sample, not_flat, not_given_back

IDLE = Sample(descriptors=11, tasks=1, objects=40_000, resident=50_000_000)
BUSY = attrs.evolve(IDLE, descriptors=60, tasks=101, objects=52_000)


def growing(**by: int) -> list[Sample]:
    return [
        attrs.evolve(BUSY, **{name: getattr(BUSY, name) + n * step for name, step in by.items()})
        for n in range(10)
    ]


def test_a_steady_run_is_flat() -> None:
    assert list(not_flat(growing(objects=100, resident=100_000), IDLE, concurrency=50)) == []
    assert list(not_given_back(IDLE, attrs.evolve(IDLE, objects=40_100))) == []


@pytest.mark.parametrize(
    "by",
    [{"descriptors": 10}, {"tasks": 1}, {"objects": 1_000}, {"resident": 2_000_000}],
)
def test_what_grows_is_not_flat(by: dict[str, int]) -> None:
    assert list(not_flat(growing(**by), IDLE, concurrency=50))


@pytest.mark.parametrize("left", [{"descriptors": 12}, {"tasks": 2}, {"objects": 42_000}])
def test_what_is_left_was_not_given_back(left: dict[str, int]) -> None:
    assert len(list(not_given_back(IDLE, attrs.evolve(IDLE, **left)))) == 1


def test_a_system_that_does_not_tell_is_not_judged() -> None:
    unknown = [attrs.evolve(BUSY, descriptors=None, resident=None)] * 10

    assert list(not_flat(unknown, attrs.evolve(IDLE, descriptors=None), concurrency=50)) == []


async def test_a_sample_counts_what_there_is() -> None:
    before = Sample.take()
    kept = [[number] for number in range(1_000)]
    sample = Sample.take()

    assert sample.tasks == 1
    assert sample.objects - before.objects >= len(kept)


def test_the_search_finds_what_is_planted() -> None:
    assert list(prove()) == []


def test_the_search_finds_a_password_that_was_cut_short() -> None:
    leaks = Leaks()
    leaks.learn(b'{"database_user":{"name":"app","password":"kX3-Qm_9ZtR7vLw0bYc2NdHs5JfGpAeU"}}')

    leaks.search("seen: kX3-Qm_9ZtR7vL and more")
    assert leaks.found == ["seen: … and more"]


def test_the_search_finds_nothing_in_ordinary_lines() -> None:
    leaks = Leaks()
    leaks.learn(b'{"database_user":{"name":"app","password":"kX3-Qm_9ZtR7vLw0bYc2NdHs5JfGpAeU"}}')

    leaks.search("no answer within 2.0 s\nno user 'soak-d1-000001' in 'ad-3f1c'\nkX3-Qm_9")
    assert leaks.found == []


def test_the_listener_hears_logs_and_warnings() -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    searched: list[str] = []
    listener = Listener(searched.append)
    with warnings.catch_warnings():
        try:
            listener.listen()
            logging.getLogger("asyncio").debug("quiet")
            logging.getLogger("aiohttp").warning("loud")
            logging.getLogger("dbusers.ratelimit").warning("provoked")
            warnings.warn("old", DeprecationWarning, stacklevel=1)
        finally:
            logging.captureWarnings(capture=False)
            root.handlers[:] = handlers
            root.setLevel(level)

    listener.finish()
    assert (listener.heard, len(searched)) == (4, 1)
    assert ["loud" in line for line in listener.complaints] == [True, False]


def test_the_listener_has_every_line_searched_once_and_keeps_few() -> None:
    searched: list[str] = []
    listener = Listener(searched.append)
    lines = [f"line {number}" for number in range(3 * LATE)]

    for line in lines:
        listener.emit(logging.LogRecord("dbusers", logging.INFO, "", 0, line, None, None))
    assert len(searched) == 2
    listener.finish()
    assert "\n".join(searched).splitlines() == [f"INFO dbusers: {line}" for line in lines]
