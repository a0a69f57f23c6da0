"""What every format tells: how much was read, what was found, and how the command ends.

A `Report` is made once for a run and handed to any number of formats. What grows with the fleet
(findings, databases) is a function that returns a new iterator, so a format that streams needs no
memory for it. The exit code is computed here and nowhere else.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import IntEnum
from functools import cached_property

import attrs

from dbusers.audit.findings import Check, Finding, Severity, Verdict
from dbusers.audit.records import DatabaseRecord, UserRecord


class ExitCode(IntEnum):
    """How an audit ends; incomplete outranks findings."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3
    INTERRUPTED = 130


@attrs.frozen
class AccountCoverage:
    """How much of one account was read, in databases.

    `error` says why its databases could not be listed: then nothing is known of it.

    Of the plan, made when they were listed: `planned` is how many requests the account takes, and
    `floor` how many seconds its token takes at least under its limits; both None where it was not
    listed. And the truth: `requests`, None if nobody counted, and `seconds`; several readings of a
    run are added up, the time between them is not.
    """

    account: str
    provider: str
    databases: int = 0
    read: int = 0
    failed: int = 0
    skipped: int = 0
    users: int = 0
    error: str | None = None
    requests: int | None = None
    planned: int | None = None
    floor: float | None = None
    seconds: float = 0.0

    @property
    def not_reached(self) -> int:
        """Return how many databases were listed and not tried: the run ended before."""
        return self.databases - self.read - self.failed - self.skipped


@attrs.frozen
class NotReadDatabase:
    """A database whose users are not known; `retryable`: the same may succeed later.

    One that was not even tried has the `error_type` "NotReached".
    """

    database: DatabaseRecord
    error: str
    error_type: str
    retryable: bool = False


@attrs.frozen
class DatabaseRow:
    """A database and how reading it came out.

    Either `users` were read, or `error` says why they were not, or `skipped` why there are none to
    read. None of the three: the run ended before. `partial`: the users came from the list of
    databases, which has names and roles only, and may lack some.
    """

    database: DatabaseRecord
    users: tuple[UserRecord, ...] | None = None
    error: str | None = None
    error_type: str | None = None
    retryable: bool = False
    skipped: str | None = None
    partial: bool = False


@attrs.frozen
class PastRun:
    """One run of the store in figures, for what changed over time."""

    id: str
    started: datetime
    databases: int
    not_read: int
    by_severity: Mapping[Severity, int]
    drift: int


@attrs.frozen
class Tally:
    """How many findings of each kind.

    `failed` counts by severity, and without those that the policy accepts (`suppressed`). `errors`
    are checks that could not judge a database although it was read.
    """

    failed: Mapping[Severity, int]
    unknown: int
    errors: int
    suppressed: int

    @property
    def total(self) -> int:
        """Return how many findings there are to show."""
        return sum(self.failed.values()) + self.unknown + self.errors + self.suppressed


@attrs.frozen
class Report:
    """A run and what was found, for the formats.

    - `source`: where users came from: "users", "embedded" or "auto".
    - `findings`: a new iterator at each call, of FAIL, UNKNOWN and ERROR; of PASS and SKIP only
      `counts` tells, by check id and verdict. In the order of `databases`.
    - `databases`: a new iterator at each call, in the order of account, provider and id.
    - `history`: oldest first, this run last.
    - `fail_on`: the least severity that makes the exit code 1.
    - `allow_incomplete`: how many per cent of the databases may be missing before it is 3.
    - `interrupted`: the run was stopped by its user, and can be resumed.
    - `shard`: which part of the fleet it is about, like "2/4"; None is all of it.
    - `filtered`: databases that its accounts' filters leave out were not to be read.
    """

    run_id: str
    started: datetime
    finished: datetime | None
    source: str
    version: str
    accounts: tuple[AccountCoverage, ...]
    findings: Callable[[], Iterator[Finding]]
    counts: Mapping[tuple[str, Verdict], int]
    databases: Callable[[], Iterator[DatabaseRow]]
    not_read: tuple[NotReadDatabase, ...]
    checks: tuple[Check, ...]
    history: tuple[PastRun, ...] = ()
    fail_on: Severity = Severity.LOW
    allow_incomplete: float = 0.0
    interrupted: bool = False
    shard: str | None = None
    filtered: bool = False

    def shown(self) -> Iterator[Finding]:
        """Yield the findings, but not the ERRORs of `not_read`, which says the same only once."""
        not_read = {_key(each.database) for each in self.not_read}
        for finding in self.findings():
            if finding.verdict is not Verdict.ERROR or _key(finding.database) not in not_read:
                yield finding

    @cached_property
    def tally(self) -> Tally:
        """Return how many findings of each kind there are; the first call goes through them all."""
        kinds = Counter(
            "suppressed"
            if finding.suppressed is not None
            else finding.severity
            if finding.verdict is Verdict.FAIL
            else finding.verdict
            for finding in self.shown()
        )
        return Tally(
            failed={severity: kinds[severity] for severity in reversed(Severity)},
            unknown=kinds[Verdict.UNKNOWN],
            errors=kinds[Verdict.ERROR],
            suppressed=kinds["suppressed"],
        )

    @property
    def total(self) -> AccountCoverage:
        """Return the coverage of all accounts together."""
        counted = [each.requests for each in self.accounts if each.requests is not None]
        planned = [each.planned for each in self.accounts if each.planned is not None]
        floors = [each.floor for each in self.accounts if each.floor is not None]
        return AccountCoverage(
            account="all accounts",
            provider="",
            databases=sum(each.databases for each in self.accounts),
            read=sum(each.read for each in self.accounts),
            failed=sum(each.failed for each in self.accounts),
            skipped=sum(each.skipped for each in self.accounts),
            users=sum(each.users for each in self.accounts),
            requests=sum(counted) if counted else None,
            planned=sum(planned) if planned else None,
            floor=max(floors, default=None),
            seconds=max((each.seconds for each in self.accounts), default=0.0),
        )

    @property
    def complete(self) -> bool:
        """Tell whether all of it was read: every account, every database, and by every check."""
        return (
            self.finished is not None
            and not self.interrupted
            and not self.not_read
            and not any(each.error or each.failed or each.not_reached for each in self.accounts)
            and not self.tally.errors
        )

    @property
    def complete_enough(self) -> bool:
        """Tell whether no more is missing than `allow_incomplete` lets pass.

        It is about databases that were tried: how many are in an account that was not listed is
        unknown, and a run that did not finish, or a check that failed, is nobody's percentage.
        """
        if self.complete:
            return True
        unmeasured = (
            self.finished is None
            or self.interrupted
            or self.tally.errors
            or any(each.error or each.not_reached for each in self.accounts)
        )
        if unmeasured:
            return False
        missing = max(self.total.failed, len(self.not_read))
        return missing * 100 <= self.allow_incomplete * self.total.databases

    @property
    def exit_code(self) -> ExitCode:
        """Return how the command ends, whatever the format."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if not self.complete_enough:
            return ExitCode.INCOMPLETE
        failed = self.tally.failed
        found = any(count for severity, count in failed.items() if severity >= self.fail_on)
        return ExitCode.FINDINGS if found else ExitCode.CLEAN


def _key(database: DatabaseRecord) -> tuple[str, str, str]:
    return database.account, database.provider, database.id
