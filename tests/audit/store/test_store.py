from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from dbusers import ConfigurationError, ServerError, Unauthorized
from dbusers.audit.findings import DatabasePolicy, Severity
from dbusers.audit.records import DatabaseRecord, Listed, NotListed, NotRead, Read, UserRecord
from dbusers.audit.report.model import AccountCoverage, DatabaseRow
from dbusers.audit.store import Store
from tests.audit.stored_fleet import (
    ACCOUNTS,
    HOUR,
    STARTED,
    database,
    facts_of,
    fleet,
    listed,
    outcome,
    read_once,
    users,
)

BROKEN = ServerError("out of order", status=503, retryable=True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "audit.db") as opened:
        yield opened


def test_what_was_read_comes_back_as_it_was(store: Store) -> None:
    run = store.begin(STARTED, ACCOUNTS)

    for each in fleet(12):
        store.add(run, each)

    rows = {row.database.id: row for row in store.databases(run)}
    assert rows["id-prod-00001"] == DatabaseRow(database(1), users(1))
    assert rows["id-test-00007"] == DatabaseRow(
        database(7, "test"), skipped="redis has no user management"
    )
    assert rows["id-agency-00011"] == DatabaseRow(
        database(11, "agency"),
        error="503: out of order",
        error_type="ServerError",
        retryable=True,
    )
    assert len(rows) == 36


def test_databases_and_facts_come_by_account_provider_and_id_however_they_were_read(
    store: Store,
) -> None:
    names = [("b", "P", "1"), ("a", "P", "2"), ("a", "P", "10"), ("a", "O", "3"), ("ä", "P", "1")]
    run = read_once(store, {DatabaseRecord(p, i, "same", account=a): () for a, p, i in names})

    rows = [(r.account, r.provider, r.id) for r in (row.database for row in store.databases(run))]

    assert rows == sorted(names)
    assert [facts.database for facts in facts_of(store, run)] == [
        row.database for row in store.databases(run)
    ]


def test_a_run_is_complete_when_all_is_listed_and_read(store: Store) -> None:
    assert read_once(store, {database(1): users(1)}).complete
    assert read_once(store, {}).complete


@pytest.mark.parametrize("gap", ["failed", "not reached", "not listed", "account never reached"])
def test_a_run_with_a_gap_is_not_complete(store: Store, gap: str) -> None:
    run = store.begin(STARTED, {"prod": "DigitalOcean"})
    if gap == "not listed":
        store.add(run, NotListed("DigitalOcean", BROKEN, account="prod"))
    elif gap != "account never reached":
        store.add(run, Listed("DigitalOcean", (database(1), database(2)), account="prod"))
        store.add(run, Read(database(1), users(1)))
    if gap == "failed":
        store.add(run, NotRead(database(2), BROKEN))

    assert not store.finish(run, STARTED + HOUR).complete


def test_a_run_that_was_interrupted_is_neither_finished_nor_complete(store: Store) -> None:
    run = store.begin(STARTED, {"prod": "DigitalOcean"})
    store.add(run, listed(1))
    store.add(run, Read(database(0), ()))

    assert store.latest() == run
    assert run.finished is None
    assert not run.complete


def test_resuming_finds_what_is_listed_and_not_read(store: Store) -> None:
    run = store.begin(STARTED, ACCOUNTS)
    store.add(run, listed(5))
    store.add(run, listed(2, "test"))
    for number in (0, 2):
        store.add(run, outcome(number))
    store.add(run, NotRead(database(3), BROKEN))

    assert [each.id for each in store.pending(run)] == [
        "id-prod-00001",
        "id-prod-00004",
        "id-test-00000",
        "id-test-00001",
    ]
    assert list(store.pending(run, "prod")) == [database(1), database(4)]
    assert list(store.pending(run, "prod", failed=True)) == [database(n) for n in (1, 3, 4)]
    assert store.listed(run) == {"prod", "test"}


def test_listing_only_the_pending_again_leaves_what_was_read(store: Store) -> None:
    run = store.begin(STARTED, {"prod": "DigitalOcean"})
    store.add(run, listed(2))
    store.add(run, Read(database(0), users(0)))

    again = store.resume(run)
    store.add(again, Listed("DigitalOcean", tuple(store.pending(run)), account="prod"))
    store.add(again, listed(2))
    store.add(again, Read(database(1), users(1)))

    assert [row.users for row in store.databases(run)] == [users(0), users(1)]
    assert store.finish(again, STARTED + HOUR).complete


def test_retrying_what_failed_makes_a_finished_run_complete(store: Store) -> None:
    run = read_once(store, {database(1): users(1)}, missing=(database(2),))
    assert not run.complete

    again = store.resume(run)
    assert again.finished is None
    store.add(again, Read(database(2), users(2)))

    finished = store.finish(again, STARTED + 2 * HOUR)
    assert finished == attrs.evolve(run, complete=True, finished=STARTED + 2 * HOUR)
    assert [row.error for row in store.databases(run)] == [None, None]


def test_an_account_that_is_listed_at_the_second_try_has_no_error_left(store: Store) -> None:
    run = store.begin(STARTED, {"prod": "DigitalOcean"})
    store.add(run, NotListed("DigitalOcean", BROKEN, account="prod"))
    assert store.listed(run) == frozenset()

    store.add(run, listed(1))

    (coverage,) = store.coverage(run)
    assert coverage.error is None
    assert store.listed(run) == {"prod"}


def test_coverage_counts_each_account_and_says_which_was_not_reached(store: Store) -> None:
    run = store.begin(STARTED, {**ACCOUNTS, "late": "Scalingo", "empty": "Scalingo"})
    for each in (listed(12), *(outcome(number) for number in range(11))):
        store.add(run, each)
    error = Unauthorized("no such token", status=401)
    store.add(run, NotListed("Scalingo", error, account="agency"))
    store.add(run, Listed("Scalingo", (), account="empty"))
    store.add(run, listed(1, "test"))
    store.add_requests(run, "prod", 12)
    store.add_requests(run, "prod", 3)

    not_listed = "not listed: the run ended before"
    assert store.coverage(run) == (
        AccountCoverage("agency", "Scalingo", error="401: no such token"),
        AccountCoverage("empty", "Scalingo"),
        AccountCoverage("late", "Scalingo", error=not_listed),
        AccountCoverage("prod", "DigitalOcean", 12, 9, 0, 2, 90, requests=15),
        AccountCoverage("test", "DigitalOcean", 1),
    )
    assert store.coverage(run)[3].not_reached == 1


def test_facts_tell_what_was_read_failed_skipped_and_never_tried(store: Store) -> None:
    run = store.begin(STARTED, {"prod": "DigitalOcean"})
    store.add(run, listed(12))
    for number in (0, 1, 11):
        store.add(run, outcome(number))

    facts = {each.database.id[-2:]: each for each in facts_of(store, run)}

    assert facts["00"].skipped == "redis has no user management"
    assert (facts["00"].users, facts["00"].error) == (None, None)
    assert facts["01"].users == users(1)
    assert (facts["01"].error, facts["01"].skipped) == (None, None)
    assert facts["11"].error == "503: out of order"
    assert facts["02"].error == "not read: the run ended before"
    assert facts["02"].users is None
    assert len(facts) == 12


def test_a_database_without_any_user_was_read_all_the_same(store: Store) -> None:
    run = read_once(store, {database(1): ()})

    (facts,) = facts_of(store, run)
    assert facts.users == ()
    assert facts.error is None


def test_facts_carry_the_policy_of_each_database_and_the_time(store: Store) -> None:
    run = read_once(store, {database(1): (), database(2): ()})

    def policy_of(record: DatabaseRecord) -> DatabasePolicy:
        return DatabasePolicy(max_writers=int(record.id[-1]))

    facts = list(store.facts(run, policy_of, STARTED + HOUR))

    assert [each.policy.max_writers for each in facts] == [1, 2]
    assert {each.now for each in facts} == {STARTED + HOUR}


def before(store: Store, run_id: str) -> dict[str, tuple[UserRecord, ...] | None]:
    return {each.database.id[-1]: each.before for each in facts_of(store, store.find(run_id))}


def test_before_is_what_the_last_complete_run_read(store: Store) -> None:
    a, b = database(1), database(2)
    first = read_once(store, {a: users(1, 1), b: users(2, 1)})
    second = read_once(store, {a: users(1, 2), b: users(2, 2)})
    incomplete = read_once(store, {a: users(1, 3)}, missing=(b,))
    last = read_once(store, {a: users(1, 4), b: users(2, 4)})

    assert before(store, first.id) == {"1": None, "2": None}
    assert before(store, second.id) == {"1": users(1, 1), "2": users(2, 1)}
    assert before(store, incomplete.id) == {"1": users(1, 2), "2": users(2, 2)}
    assert before(store, last.id) == {"1": users(1, 2), "2": users(2, 2)}


def test_a_run_that_did_not_look_at_a_database_does_not_hide_what_was_before(store: Store) -> None:
    a, b = database(1), database(2)
    read_once(store, {a: users(1, 1), b: users(2, 1)})
    read_once(store, {b: users(2, 2)})
    last = read_once(store, {a: (), b: ()})

    assert before(store, last.id) == {"1": users(1, 1), "2": users(2, 2)}


def test_a_partial_reading_is_marked_and_is_no_before(store: Store) -> None:
    a = database(1)
    read_once(store, {a: users(1, 1)})
    partial = read_once(store, {a: users(1, 2)}, partial=True)
    last = read_once(store, {a: users(1, 3)})

    assert before(store, last.id) == {"1": users(1, 1)}
    assert [each.partial for each in facts_of(store, partial)] == [True]
    assert [each.partial for each in facts_of(store, last)] == [False]


def test_an_account_that_was_renamed_keeps_what_was_before(store: Store) -> None:
    read_once(store, {database(1): users(1)})
    renamed = read_once(store, {attrs.evolve(database(1), account="production"): ()})

    assert before(store, renamed.id) == {"1": users(1)}


def test_the_same_database_in_two_accounts_is_two(store: Store) -> None:
    one = database(1)
    other = attrs.evolve(one, account="shared")

    run = read_once(store, {one: users(1), other: users(2)})

    assert [row.users for row in store.databases(run)] == [users(1), users(2)]


def test_runs_are_told_oldest_first_and_found_by_how_their_id_begins(store: Store) -> None:
    first = read_once(store, {})
    second = read_once(store, {}, started=STARTED + 24 * HOUR)

    assert store.runs() == (first, second)
    assert store.latest() == second
    assert store.find(second.id) == second
    assert store.find("20260922") == second
    assert first.id.startswith("20260921-133320-")


@pytest.mark.parametrize(
    ("beginning", "problem"),
    [("2026092", "several runs begin with '2026092'"), ("x", "no run begins with 'x'")],
)
def test_a_run_that_cannot_be_found_is_refused_with_those_there_are(
    store: Store, beginning: str, problem: str
) -> None:
    runs = [read_once(store, {}), read_once(store, {}, started=STARTED + 24 * HOUR)]

    with pytest.raises(ConfigurationError, match=problem) as caught:
        store.find(beginning)

    assert all(run.id in str(caught.value) for run in runs)


def test_a_new_store_has_no_run(store: Store) -> None:
    assert store.runs() == ()
    assert store.latest() is None
    with pytest.raises(ConfigurationError, match="there are: none"):
        store.find("2026")


def test_a_run_keeps_what_it_was_begun_with(store: Store) -> None:
    begun = store.begin(
        STARTED, ACCOUNTS, source="embedded", version="1.2.3", shard="2/4", filtered=True
    )

    assert (begun.source, begun.version, begun.shard) == ("embedded", "1.2.3", "2/4")
    assert (begun.started, begun.filtered) == (STARTED, True)
    assert store.find(begun.id) == begun


def test_old_runs_go_but_the_last_complete_one_stays(store: Store) -> None:
    a = database(1)
    read_once(store, {a: users(1, 1)})
    complete = read_once(store, {a: users(1, 2)})
    broken = [read_once(store, {}, missing=(a,)) for _ in range(3)]

    assert store.keep(2) == 2

    assert store.runs() == (complete, *broken[1:])
    assert before(store, broken[2].id) == {"1": users(1, 2)}
    assert len(list(store.databases(complete))) == 1


def test_a_store_shrinks_when_runs_go(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    with Store.open(path) as store:
        for _ in range(4):
            read_once(store, {database(n): users(n, 20) for n in range(1, 50)})
    full = path.stat().st_size

    with Store.open(path) as store:
        store.keep(1)

    assert path.stat().st_size < full / 2


def test_history_has_the_figures_of_each_run_up_to_this_one(store: Store) -> None:
    first = read_once(store, {database(1): ()}, missing=(database(2), database(3)))
    second = read_once(store, {database(1): ()}, started=STARTED + 24 * HOUR)
    read_once(store, {})
    store.judged(first, {Severity.HIGH: 1}, drift=9)
    store.judged(first, {Severity.CRITICAL: 3, Severity.LOW: 2}, drift=1)

    past, this = store.history(second)

    assert (past.id, past.started, past.databases, past.not_read) == (first.id, STARTED, 3, 2)
    assert past.by_severity == {Severity.CRITICAL: 3, Severity.LOW: 2}
    assert past.drift == 1
    assert (this.id, this.databases, this.not_read, this.drift) == (second.id, 1, 0, 0)
    assert this.by_severity == {}


def test_all_or_nothing_takes_back_everything_that_was_written_inside(store: Store) -> None:
    run = store.begin(STARTED, {"prod": "DigitalOcean"})
    store.add(run, listed(2))

    def read_one_and_break() -> None:
        with store.all_or_nothing():
            store.add(run, Read(database(0), users(0)))
            store.begin(STARTED, ACCOUNTS)
            raise KeyError

    with pytest.raises(KeyError):
        read_one_and_break()

    assert store.runs() == (run,)
    assert len(list(store.pending(run))) == 2


@pytest.mark.parametrize(
    "name", ["", "\0", "a\0b", "'; DROP TABLE runs; --", "\x1b[31m", "𐍈 é \u202e", "x" * 5_000]
)
def test_any_name_comes_back_as_it_was(store: Store, name: str) -> None:
    record = DatabaseRecord(name, name, name, account=name, version=name)
    run = read_once(store, {record: (UserRecord(name),)})

    (row,) = store.databases(run)
    assert row == DatabaseRow(record, (UserRecord(name),))
    assert list(store.pending(run, name)) == []
    assert store.listed(run) == {name}


def test_an_error_that_quotes_bytes_of_a_header_can_be_kept(store: Store) -> None:
    run = store.begin(STARTED, {"prod": "DigitalOcean"})

    store.add(run, NotRead(database(1), ServerError("trace \udce9", status=500)))

    (row,) = store.databases(run)
    assert row.error == "500: trace \\udce9"


def test_two_readers_of_one_run_do_not_disturb_each_other(store: Store) -> None:
    run = read_once(store, {database(n): users(n) for n in range(1, 6)})

    slow, fast = store.databases(run), store.databases(run)

    first = next(slow)
    assert len(list(fast)) == 5
    store.judged(run, {Severity.LOW: 1}, drift=0)
    assert [first, *slow] == list(store.databases(run))
