"""What the rows of a store mean: runs, databases with their outcomes, facts."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import attrs

from dbusers.audit.encoding.records import (
    database_from_column,
    database_to_column,
    users_from_column,
    users_to_column,
)
from dbusers.audit.findings import DatabasePolicy, Facts, make_facts
from dbusers.audit.records import DatabaseRecord, NotRead, Read, Skipped, UserRecord
from dbusers.audit.report.model import AccountCoverage, DatabaseRow
from dbusers.errors import ConfigurationError

NOT_LISTED: Final = "not listed: the run ended before"
NOT_REACHED: Final = "not read: the run ended before"


@attrs.frozen
class Run:
    """One audit in a store.

    `number` is its place there. `source`: where users came from. `version`: of this package.
    `shard`: "2/4" if it read the second quarter. `filtered`: not every database of its accounts
    was to be read. `finished` is None while it is under way, and after it was interrupted.
    `complete`: it finished, every account was listed, and every database read or skipped.
    """

    number: int
    id: str
    started: datetime
    finished: datetime | None = None
    source: str = "users"
    version: str = ""
    shard: str | None = None
    filtered: bool = False
    complete: bool = False


def read_run(columns: Sequence[Any]) -> Run:
    """Return the run of the columns `RUN` of a query."""
    number, run_id, started, finished, source, version, shard, filtered, complete = columns
    return Run(
        number=number,
        id=run_id,
        started=datetime.fromisoformat(started),
        finished=None if finished is None else datetime.fromisoformat(finished),
        source=source,
        version=version,
        shard=shard,
        filtered=bool(filtered),
        complete=bool(complete),
    )


def read_coverage(columns: Sequence[Any]) -> AccountCoverage:
    """Return how much of an account was read, of the columns `COVERAGE`."""
    account, provider, databases, read, failed, skipped, users, listed, error, *pace = columns
    requests, planned, floor, seconds = pace
    return AccountCoverage(
        account=account,
        provider=provider,
        databases=databases,
        read=read,
        failed=failed,
        skipped=skipped,
        users=users,
        error=error or (None if listed else NOT_LISTED),
        requests=requests,
        planned=planned,
        floor=floor,
        seconds=seconds,
    )


def listed_row(run: Run, database: DatabaseRecord) -> tuple[object, ...]:
    """Return the key of a database, and its record."""
    record = database_to_column(database)
    return run.number, database.account, database.provider, database.id, record


def row_of(outcome: Read | NotRead | Skipped, *, partial: bool = False) -> DatabaseRow:
    """Return an outcome as it is stored."""
    match outcome:
        case Read(database, users):
            return DatabaseRow(database, users, partial=partial)
        case Skipped(database, reason):
            return DatabaseRow(database, skipped=storable(reason))
        case NotRead(database, error):
            kind = type(error).__name__
            return DatabaseRow(database, None, storable(str(error)), kind, error.retryable)


def outcome_row(run: Run, row: DatabaseRow) -> tuple[object, ...]:
    """Return all columns of a database and its outcome."""
    state, users, reason = "listed", None, None
    if row.users is not None:
        state, users = "read", users_to_column(row.users)
    elif row.error is not None:
        state, reason = "failed", storable(row.error)
    elif row.skipped is not None:
        state, reason = "skipped", storable(row.skipped)
    return (
        *listed_row(run, row.database),
        state,
        users,
        len(row.users or ()),
        row.partial,
        reason,
        row.error_type,
        row.retryable,
    )


def storable(text: str) -> str:
    """Return a text without what UTF-8 cannot hold: what a header had may be quoted in an error."""
    return text.encode("utf-8", "backslashreplace").decode()


def read_database(record: str) -> DatabaseRecord:
    """Return the database of a column `record`."""
    try:
        return database_from_column(record)
    except ValueError as error:
        raise _damaged(error) from None


def read_outcome(columns: Sequence[Any]) -> DatabaseRow:
    """Return the database and its outcome of the columns `OUTCOME` of a query."""
    record, state, users, reason, error_type, retryable, partial = columns
    return DatabaseRow(
        database=read_database(record),
        users=read_users(users),
        error=reason if state == "failed" else None,
        error_type=error_type,
        retryable=bool(retryable),
        skipped=reason if state == "skipped" else None,
        partial=bool(partial),
    )


def read_facts(
    columns: Sequence[Any],
    policy_of: Callable[[DatabaseRecord], DatabasePolicy],
    now: datetime,
) -> Facts:
    """Return the facts of the columns `OUTCOME`, and the users before."""
    *outcome, before = columns
    row = read_outcome(outcome)
    return facts_of(row, policy_of(row.database), now, read_users(before))


def facts_of(
    row: DatabaseRow,
    policy: DatabasePolicy,
    now: datetime,
    before: tuple[UserRecord, ...] | None,
) -> Facts:
    """Return what checks are told of a database."""
    untried = row.users is None and row.skipped is None
    return make_facts(
        row.database,
        row.users,
        now,
        row.error or (NOT_REACHED if untried else None),
        row.skipped,
        policy,
        before,
        row.partial,
    )


def read_users(text: str | None) -> tuple[UserRecord, ...] | None:
    """Return the users of a column `users`, None where they were not read."""
    if text is None:
        return None
    try:
        return users_from_column(text)
    except ValueError as error:
        raise _damaged(error) from None


def _damaged(error: ValueError) -> ConfigurationError:
    return ConfigurationError(f"this store is damaged: move it away, and audit anew ({error})")
