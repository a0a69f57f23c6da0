"""What grows with the fleet stays in the file."""

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dbusers.audit.differences import differences
from dbusers.audit.records import DatabaseRecord
from dbusers.audit.store import Run, Store
from tests.audit.stored_fleet import STARTED, database, listed, nobodys_policy, outcome, users

COUNT = 600  # databases of ten users; as records they take more than 1.5 MB
LIMIT = 200_000  # bytes


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("memory") / "audit.db"
    with Store.open(path) as store:
        for _ in range(2):
            run = store.begin(STARTED, {"prod": "DigitalOcean"})
            with store.all_or_nothing():
                store.add(run, listed(COUNT))
                for number in range(COUNT):
                    store.add(run, outcome(number))
            store.finish(run, STARTED)
            store.begin(STARTED, {})
    return path


def peak_of(work: Callable[[], object]) -> int:
    """Return how many bytes Python took for `work`, at most at one time."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def last(records: Iterator[object]) -> None:
    for _ in records:
        pass


@pytest.mark.parametrize(
    "read",
    [
        lambda store, run, _: store.databases(run),
        lambda store, run, _: store.pending(run, failed=True),
        lambda store, run, _: store.facts(run, nobodys_policy, STARTED),
        lambda store, run, before: differences(store, before, run),
    ],
    ids=["databases", "pending", "facts", "differences"],
)
def test_going_through_a_run_takes_memory_for_one_database(
    path: Path, read: Callable[[Store, Run, Run], Iterator[object]]
) -> None:
    with Store.open(path) as store:
        before, _, run, _ = store.runs()

        peak = peak_of(lambda: last(read(store, run, before)))

    assert peak < LIMIT


def test_adding_outcomes_takes_memory_for_one_database(tmp_path: Path) -> None:
    with Store.open(tmp_path / "audit.db") as store:
        run = store.begin(STARTED, {"prod": "DigitalOcean"})

        def add_all() -> None:
            with store.all_or_nothing():
                for number in range(COUNT):
                    store.add(run, outcome(number))

        assert peak_of(add_all) < LIMIT


def test_the_limit_is_a_fraction_of_the_fleet() -> None:
    fleet: dict[DatabaseRecord, object] = {}

    def hold_all() -> None:
        fleet.update((database(number), users(number)) for number in range(COUNT))

    assert peak_of(hold_all) > 6 * LIMIT
