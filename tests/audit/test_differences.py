from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from dbusers.audit.differences import Difference, DifferenceKind, differences
from dbusers.audit.drift import Change, ChangeKind
from dbusers.audit.records import DatabaseRecord, Listed, Read, Skipped, UserRecord
from dbusers.audit.store import Store
from tests.audit.stored_fleet import STARTED, database, read_once

A, B, C = database(1), database(2), database(3)
APP, OPS = UserRecord("app", replication=False), UserRecord("ops")
WIDER = attrs.evolve(APP, replication=True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "audit.db") as opened:
        yield opened


def test_what_is_as_it_was_is_left_out(store: Store) -> None:
    fleet = {A: (APP, OPS), B: (APP,)}
    old, new = read_once(store, fleet), read_once(store, fleet)

    assert list(differences(store, old, new)) == []


def test_users_that_came_went_and_changed_are_told_by_database(store: Store) -> None:
    old = read_once(store, {A: (APP,), B: (APP, OPS), C: (APP,)})
    new = read_once(store, {A: (APP, OPS), B: (WIDER,), C: (APP,)})

    first, second = differences(store, old, new)

    assert first == Difference(A, DifferenceKind.CHANGED, (Change("ops", ChangeKind.ADDED),))
    assert second.database == B
    assert [(each.user, each.kind) for each in second.changes] == [
        ("app", ChangeKind.WIDENED),
        ("ops", ChangeKind.REMOVED),
    ]


def test_databases_that_came_and_went_are_told_with_their_users(store: Store) -> None:
    old = read_once(store, {A: (APP,), B: (OPS,)})
    new = read_once(store, {B: (OPS,), C: (APP,)})

    assert list(differences(store, old, new)) == [
        Difference(C, DifferenceKind.ADDED, (Change("app", ChangeKind.ADDED),)),
        Difference(A, DifferenceKind.REMOVED, (Change("app", ChangeKind.REMOVED),)),
    ]


@pytest.mark.parametrize("unread_is_old", [True, False])
def test_of_a_database_that_one_run_did_not_read_nothing_is_known(
    store: Store, unread_is_old: bool
) -> None:
    unread = read_once(store, {}, missing=(A,))
    read = read_once(store, {A: (APP,)})

    (found,) = differences(store, *((unread, read) if unread_is_old else (read, unread)))

    assert found.kind is DifferenceKind.UNKNOWN
    assert found.changes == ()
    assert found.detail == f"not read by {unread.id}: 503: out of order"


def test_a_run_that_ended_before_a_database_says_so(store: Store) -> None:
    old = read_once(store, {A: (APP,)})
    new = store.begin(STARTED, {})
    store.add(new, Listed(A.provider, (A,), account=A.account))

    (found,) = differences(store, old, new)

    assert found.detail == f"not read by {new.id}: it ended before"


def test_an_embedded_list_may_lack_users_so_nothing_is_known(store: Store) -> None:
    old = read_once(store, {A: (APP, OPS)})
    new = read_once(store, {A: (APP,)}, partial=True)

    (found,) = differences(store, old, new)

    assert found.kind is DifferenceKind.UNKNOWN
    assert "need not have all users" in found.detail


def test_what_was_skipped_in_both_has_not_changed(store: Store) -> None:
    runs = [store.begin(STARTED, {}) for _ in range(2)]
    for run in runs:
        store.add(run, Skipped(A, "no users"))

    assert list(differences(store, *runs)) == []


def test_an_account_that_was_renamed_has_not_changed(store: Store) -> None:
    old = read_once(store, {A: (APP,)})
    new = read_once(store, {attrs.evolve(A, account="production"): (APP,)})

    assert list(differences(store, old, new)) == []


def test_a_database_that_two_accounts_see_is_compared_with_its_own_account(store: Store) -> None:
    shared = attrs.evolve(A, account="shared")
    fleet: dict[DatabaseRecord, tuple[UserRecord, ...]] = {A: (APP,), shared: (OPS,)}
    old, new = read_once(store, fleet), read_once(store, fleet)

    assert list(differences(store, old, new)) == []


def test_differences_come_one_at_a_time(store: Store) -> None:
    old = read_once(store, {})
    new = read_once(store, {A: (APP,), B: (APP,)})

    first = next(differences(store, old, new))
    store.add(new, Read(C, (APP,)))

    assert first.database == A
