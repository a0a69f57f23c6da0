"""A fleet in memory whose outcomes are always the same, to be put into stores."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dbusers import ServerError
from dbusers.audit.findings import NO_POLICY, DatabasePolicy, Facts
from dbusers.audit.records import (
    DatabaseRecord,
    Engine,
    Grant,
    GrantKind,
    Listed,
    NotRead,
    Outcome,
    Read,
    Skipped,
    UserRecord,
)
from dbusers.audit.store import Run, Store

STARTED = datetime(2026, 9, 21, 13, 33, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
ACCOUNTS = {"prod": "DigitalOcean", "test": "DigitalOcean", "agency": "Scalingo"}


def database(number: int, account: str = "prod") -> DatabaseRecord:
    engine = Engine.REDIS if number % 7 == 0 else Engine.KAFKA
    return DatabaseRecord(
        ACCOUNTS.get(account, "DigitalOcean"),
        f"id-{account}-{number:05}",
        f"name-{number % 10}",
        account=account,
        engine=engine,
        tags=frozenset({"a", "b"}),
        has_users=engine is not Engine.REDIS,
    )


def users(number: int, count: int = 10) -> tuple[UserRecord, ...]:
    grant = Grant(GrantKind.TOPIC, f"orders-{number}", "consume")
    return tuple(
        UserRecord(f"user-{number}-{each}", built_in=each == 0, grants=(grant,))
        for each in range(count)
    )


def outcome(number: int, account: str = "prod") -> Outcome:
    """Return a skipped one, one that failed, or one that was read."""
    record = database(number, account)
    if not record.has_users:
        return Skipped(record, "redis has no user management")
    if number % 11 == 0:
        return NotRead(record, ServerError("out of order", status=503, retryable=True))
    return Read(record, users(number))


def listed(count: int, account: str = "prod") -> Listed:
    records = tuple(database(number, account) for number in range(count))
    return Listed(ACCOUNTS.get(account, "DigitalOcean"), records, account=account)


def fleet(count: int) -> Iterator[Outcome]:
    """Yield all outcomes of three accounts with so many databases each, mixed."""
    for account in ACCOUNTS:
        yield listed(count, account)
    for number in range(count):
        for account in reversed(ACCOUNTS):
            yield outcome(number, account)


def read_once(
    store: Store,
    databases: dict[DatabaseRecord, tuple[UserRecord, ...]],
    *,
    missing: tuple[DatabaseRecord, ...] = (),
    started: datetime = STARTED,
    partial: bool = False,
) -> Run:
    """Put a whole run into a store, with these databases and users; `missing` were not read."""
    records = (*databases, *missing)
    run = store.begin(started, {each.account: each.provider for each in records})
    for account, provider in {each.account: each.provider for each in records}.items():
        mine = tuple(each for each in records if each.account == account)
        store.add(run, Listed(provider, mine, account=account))
    for record, names in databases.items():
        store.add(run, Read(record, names), partial=partial)
    for record in missing:
        store.add(run, NotRead(record, ServerError("out of order", status=503)))
    return store.finish(run, started + HOUR)


def facts_of(store: Store, run: Run) -> list[Facts]:
    return list(store.facts(run, nobodys_policy, STARTED))


def nobodys_policy(_: DatabaseRecord) -> DatabasePolicy:
    return NO_POLICY


def everything_in(path: Path) -> tuple[object, ...]:
    """Return all that the last run of a store says of its databases."""
    with Store.open(path) as store:
        run = store.latest()
        assert run is not None
        return run.complete, store.coverage(run), list(store.databases(run)), facts_of(store, run)
