"""What the rows of a store mean: runs, databases with their outcomes, facts."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import attrs
import orjson

from dbusers.audit.encoding.records import (
    database_from_json,
    database_to_json,
    user_from_json,
    user_to_json,
)
from dbusers.audit.findings import DatabasePolicy, Facts
from dbusers.audit.records import DatabaseRecord, UserRecord
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
    account, provider, databases, read, failed, skipped, users, listed, error, requests = columns
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
    )


def listed_row(run: Run, database: DatabaseRecord) -> tuple[object, ...]:
    """Return the key of a database, and its record."""
    record = _json(database_to_json(database))
    return run.number, database.account, database.provider, database.id, record


def outcome_row(run: Run, row: DatabaseRow) -> tuple[object, ...]:
    """Return all columns of a database and its outcome."""
    state, users, reason = "listed", None, None
    if row.users is not None:
        state, users = "read", _json([user_to_json(user) for user in row.users])
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
        return database_from_json(orjson.loads(record))
    except ValueError as error:
        raise _damaged(error) from None


def read_outcome(columns: Sequence[Any]) -> DatabaseRow:
    """Return the database and its outcome of the columns `OUTCOME` of a query."""
    record, state, users, reason, error_type, retryable, partial = columns
    return DatabaseRow(
        database=read_database(record),
        users=_users(users),
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
    untried = row.users is None and row.skipped is None
    return Facts(
        database=row.database,
        users=row.users,
        now=now,
        error=row.error or (NOT_REACHED if untried else None),
        skipped=row.skipped,
        policy=policy_of(row.database),
        before=_users(before),
        partial=row.partial,
    )


def _users(text: str | None) -> tuple[UserRecord, ...] | None:
    if text is None:
        return None
    try:
        return tuple(map(user_from_json, orjson.loads(text)))
    except ValueError as error:
        raise _damaged(error) from None


def _damaged(error: ValueError) -> ConfigurationError:
    return ConfigurationError(f"this store is damaged: move it away, and audit anew ({error})")


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
