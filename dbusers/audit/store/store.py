"""`Store`: what there is to call.

Each outcome is one transaction, so a run that is killed at any moment loses only what was under way
and can be resumed. Findings are not stored: they are judged anew from what was read. Everything
that grows with the fleet is an iterator, one database at a time.

The calls are synchronous, also for an event loop. Keeping an outcome takes about a tenth of a
millisecond, no more than handing it to a thread and back would; some thirty milliseconds now and
then, when SQLite moves its log into the file. Reading 50 databases at a time does not notice.
"""

import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dbusers.audit.encoding.records import users_to_column
from dbusers.audit.findings import DatabasePolicy, Facts, Severity
from dbusers.audit.records import DatabaseRecord, Listed, NotListed, Outcome, UserRecord
from dbusers.audit.report.model import AccountCoverage, DatabaseRow, PastRun
from dbusers.audit.store import queries
from dbusers.audit.store.file import in_our_words, open_file, transaction
from dbusers.audit.store.rows import (
    Run,
    listed_row,
    outcome_row,
    read_coverage,
    read_database,
    read_facts,
    read_outcome,
    read_run,
    read_users,
    row_of,
    storable,
)
from dbusers.errors import ConfigurationError


class Store:
    """The runs of a store file, which is locked until `close`, or the end of `with`.

    Every method raises `ConfigurationError` if the file cannot be read or written any more.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open the store at `path`; it is made, with its folder, where there is none.

        Raises `ConfigurationError` if another audit is using it, or if it is no store of audits or
        that of a newer version.
        """
        return cls(Path(path), open_file(Path(path)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let others use the file."""
        self._connection.close()

    # What is written, as a run goes on

    def begin(
        self,
        started: datetime,
        accounts: Mapping[str, str],
        *,
        source: str = "users",
        version: str = "",
        shard: str | None = None,
        filtered: bool = False,
    ) -> Run:
        """Begin a run that is to read `accounts`: the provider's name by the account's.

        `filtered`: not all of their databases.
        """
        run_id = f"{started:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        values = (run_id, started.isoformat(), source, version, shard, filtered)
        with self.all_or_nothing():
            (row,) = self._connection.execute(queries.BEGIN, values).fetchall()
            run = read_run(row)
            expected = ((run.number, account, provider) for account, provider in accounts.items())
            self._connection.executemany(queries.EXPECT, expected)
        return run

    def resume(self, run: Run) -> Run:
        """Go on with a run, be it one that was interrupted or one that finished incomplete."""
        with self.all_or_nothing():
            (row,) = self._connection.execute(queries.RESUME, (run.number,)).fetchall()
        return read_run(row)

    def add(self, run: Run, outcome: Outcome, *, partial: bool = False) -> None:
        """Keep an outcome; one that is there already for the same database is replaced.

        What was read of an account stays when it is listed again. `partial`: the users come from a
        list that need not have all of them.
        """
        match outcome:
            case Listed():
                self._listed(run, outcome)
            case NotListed():
                self._account(run, outcome.account, outcome.provider, str(outcome.error))
            case _:
                self.put(run, row_of(outcome, partial=partial))

    def put(
        self, run: Run, reading: DatabaseRow, *, requests: int | None = None, seconds: float = 0.0
    ) -> None:
        """Keep how reading a database came out, as `add` does; what it took is added up.

        `requests` and `seconds` are those of the database's account since its last outcome.
        """
        values = (*outcome_row(run, reading), requests, seconds)
        with in_our_words(self.path):
            # A statement is a transaction of its own, unless it stands in another.
            self._connection.execute(queries.PUT, values)

    def add_requests(self, run: Run, account: str, requests: int, seconds: float = 0.0) -> None:
        """Count requests that were sent for an account, on top of those counted before.

        `seconds`: how long that took.
        """
        with self.all_or_nothing():
            values = (requests, seconds, run.number, account)
            self._connection.execute(queries.ADD_REQUESTS, values)

    def set_plan(self, run: Run, account: str, requests: int, floor: float) -> None:
        """Keep how many requests an account takes, and how long its token takes at least."""
        with self.all_or_nothing():
            values = (requests, floor, run.number, account)
            self._connection.execute(queries.SET_PLAN, values)

    def finish(self, run: Run, finished: datetime) -> Run:
        """End a run; the one that is returned says whether it is complete."""
        with self.all_or_nothing():
            (row,) = self._connection.execute(
                queries.FINISH, (finished.isoformat(), run.number)
            ).fetchall()
        return read_run(row)

    def judged(self, run: Run, by_severity: Mapping[Severity, int], drift: int) -> None:
        """Keep how many findings of each severity a run has, and how many of them are drift."""
        with self.all_or_nothing():
            counts = ((run.number, int(severity), n) for severity, n in by_severity.items())
            self._connection.execute(queries.FORGET_SEVERITIES, (run.number,))
            self._connection.executemany(queries.ADD_SEVERITY, counts)
            self._connection.execute(queries.SET_DRIFT, (drift, run.number))

    def keep(self, newest: int) -> int:
        """Remove all runs but the newest, and the last complete one; return how many went."""
        with self.all_or_nothing():
            return self._connection.execute(queries.REMOVE, (newest,)).rowcount

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Keep all that is written inside, or nothing of it; one inside another is part of that."""
        with in_our_words(self.path):
            if self._connection.in_transaction:
                yield
            else:
                with transaction(self._connection):
                    yield

    def _listed(self, run: Run, outcome: Listed) -> None:
        with self.all_or_nothing():
            self._account(run, outcome.account, outcome.provider, None)
            rows = (listed_row(run, database) for database in outcome.databases)
            self._connection.executemany(queries.LIST, rows)

    def _account(self, run: Run, account: str, provider: str, error: str | None) -> None:
        said = None if error is None else storable(error)
        with self.all_or_nothing():
            values = (run.number, account, provider, error is None, said)
            self._connection.execute(queries.SET_ACCOUNT, values)

    # What is asked of it

    def runs(self) -> tuple[Run, ...]:
        """Return all runs, the oldest first."""
        return tuple(map(read_run, self._rows(queries.RUNS)))

    def latest(self) -> Run | None:
        """Return the run that began last."""
        return next(reversed(self.runs()), None)

    def find(self, beginning: str) -> Run:
        """Return the run whose id is, or begins with, a text.

        Raises `ConfigurationError` where none does, or several do.
        """
        runs = self.runs()
        found = [run for run in runs if run.id.startswith(beginning)]
        if len(found) == 1:
            return found[0]
        said = "several runs begin" if found else "no run begins"
        ids = ", ".join(run.id for run in found or runs) or "none"
        raise ConfigurationError(f"{self.path}: {said} with {beginning!r}; there are: {ids}")

    def listed(self, run: Run) -> frozenset[str]:
        """Return the accounts whose databases are known: the others are to be listed anew."""
        rows = self._rows(queries.LISTED_ACCOUNTS, run.number)
        return frozenset(account for (account,) in rows)

    def pending(
        self, run: Run, account: str | None = None, *, failed: bool = False
    ) -> Iterator[DatabaseRecord]:
        """Yield the databases that are still to be read; `failed`: and those that failed."""
        rows = self._rows(queries.PENDING, run.number, account, failed)
        return (read_database(record) for (record,) in rows)

    def databases(self, run: Run, *, failed: bool = False) -> Iterator[DatabaseRow]:
        """Yield how reading each database came out, in order of account, provider and id.

        `failed`: only those that could not be read.
        """
        rows = self._rows(queries.OUTCOMES, run.number, failed)
        return (read_outcome(columns) for columns in rows)

    def facts(
        self, run: Run, policy_of: Callable[[DatabaseRecord], DatabasePolicy], now: datetime
    ) -> Iterator[Facts]:
        """Yield what the checks are told of each database, in order of account, provider and id.

        `before` is from the last complete run that read the database.
        """
        rows = self._rows(queries.FACTS, run.number)
        return (read_facts(columns, policy_of, now) for columns in rows)

    def before(self, run: Run, row: DatabaseRow) -> tuple[UserRecord, ...] | None:
        """Return the users of a database as the last complete run before this one read them.

        None if there was none, or it did not read the database.
        """
        key = (row.database.provider, row.database.id, run.number)
        (text,) = next(self._rows(queries.BEFORE, *key), (None,))
        if row.users is not None and text == users_to_column(row.users):
            return row.users  # as most are; comparing is cheaper than reading
        return read_users(text)

    def with_counterparts(
        self, run: Run, other: Run
    ) -> Iterator[tuple[DatabaseRow, DatabaseRow | None]]:
        """Yield each database of a run, and what it was in another one."""
        wanted = (other.number, other.number, run.number)
        for columns in self._rows(queries.WITH_COUNTERPARTS, *wanted):
            half = len(columns) // 2
            row, counterpart = columns[:half], columns[half:]
            is_there = counterpart[0] is not None
            yield read_outcome(row), read_outcome(counterpart) if is_there else None

    def coverage(self, run: Run) -> tuple[AccountCoverage, ...]:
        """Return how much of each account was read, in order of account and provider."""
        return tuple(map(read_coverage, self._rows(queries.COVERAGE, run.number)))

    def history(self, run: Run) -> tuple[PastRun, ...]:
        """Return the runs up to this one in figures, the oldest first."""
        severities: dict[int, dict[Severity, int]] = {}
        for number, severity, count in self._rows(queries.SEVERITIES):
            severities.setdefault(number, {})[Severity(severity)] = count
        return tuple(
            PastRun(
                id=run_id,
                started=datetime.fromisoformat(started),
                databases=databases,
                not_read=not_read,
                by_severity=severities.get(number, {}),
                drift=drift,
            )
            for number, run_id, started, databases, not_read, drift in self._rows(
                queries.HISTORY, run.number
            )
        )

    def _rows(self, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        with in_our_words(self.path):
            yield from self._connection.execute(query, values)
