"""What a reading that is under way puts into the store and asks of it, database by database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbusers.audit.report.model import DatabaseRow
from dbusers.audit.store import Store
from tests.audit.stored_fleet import STARTED, database, listed, read_once, users


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "audit.db") as opened:
        yield opened


def test_what_reading_took_is_added_up_over_databases_and_repetitions(store: Store) -> None:
    run = store.begin(STARTED, {"prod": "DigitalOcean", "test": "DigitalOcean"})
    store.add(run, listed(2))
    store.add(run, listed(1, "test"))
    store.add_requests(run, "prod", 2, 0.5)
    store.put(run, DatabaseRow(database(1), users(1)), requests=3, seconds=1.5)
    store.put(run, DatabaseRow(database(1), users(1)), requests=1, seconds=0.25)
    store.put(run, DatabaseRow(database(0), users(1)), requests=0)
    store.put(run, DatabaseRow(database(0, "test"), users(1)))

    prod, test = store.coverage(run)

    assert (prod.requests, prod.seconds) == (6, 2.25)
    assert (test.requests, test.seconds) == (None, 0.0)  # nobody counts


def test_users_before_are_those_of_the_last_complete_run(store: Store) -> None:
    first = read_once(store, {database(1): users(1)})
    incomplete = read_once(store, {database(1): users(2)}, missing=(database(2),))
    now = store.begin(STARTED, {"prod": "DigitalOcean"})
    same, changed = DatabaseRow(database(1), users(1)), DatabaseRow(database(1), users(3))

    assert store.before(now, same) is same.users  # not read anew
    assert store.before(now, changed) == users(1)
    assert store.before(now, DatabaseRow(database(1), error="503")) == users(1)
    assert store.before(now, DatabaseRow(database(4), users(4))) is None
    assert store.before(incomplete, changed) == users(1)
    assert store.before(first, changed) is None


def test_users_that_need_not_have_been_all_are_no_base(store: Store) -> None:
    read_once(store, {database(1): users(1)}, partial=True)
    now = store.begin(STARTED, {"prod": "DigitalOcean"})

    assert store.before(now, DatabaseRow(database(1), users(1))) is None
