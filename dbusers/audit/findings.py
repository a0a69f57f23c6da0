"""What a check is told, and what it says.

A check is one pure function from `Facts` to `Judgement`s; the decorator `check` gives it its name,
severity and advice, and `each_user` makes one of a function of one user. `judging` makes `Finding`s
of what checks say.
"""

import enum
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Final, Self

import attrs

from dbusers.audit.records import DatabaseRecord, Engine, NotRead, Read, Skipped, UserRecord
from dbusers.unfrozen import maker


class Verdict(enum.StrEnum):
    """What a check says of a database or a user.

    `UNKNOWN`: the answer did not have the field. `ERROR`: the database was not read. Neither is
    ever taken for `PASS`. `SKIP`: there is nothing to judge.
    """

    PASS = "pass"  # noqa: S105  (a verdict, not a password)
    FAIL = "fail"
    UNKNOWN = "unknown"
    ERROR = "error"
    SKIP = "skip"

    @staticmethod
    def fail_if(wrong: bool | None) -> "Verdict":
        """Return `FAIL` if it is wrong, `PASS` if it is not, `UNKNOWN` if that is not known."""
        return _VERDICTS[wrong]


# To be imported: on Python 3.11, finding a member in its class takes longer than most checks do.
PASS: Final = Verdict.PASS
FAIL: Final = Verdict.FAIL
UNKNOWN: Final = Verdict.UNKNOWN
ERROR: Final = Verdict.ERROR
SKIP: Final = Verdict.SKIP

_VERDICTS: Final[Mapping[bool | None, Verdict]] = {
    True: FAIL,
    False: PASS,
    None: UNKNOWN,
}


class Severity(enum.IntEnum):
    """How bad it is; they compare, the worst is the greatest."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def worse(self) -> "Severity":
        """Return the next one up, or the worst itself."""
        return Severity(min(self + 1, Severity.CRITICAL))


@attrs.frozen
class Anchor:
    """A line of the policy, counted from 1."""

    file: str
    line: int


@attrs.frozen
class AllowedUser:
    """Who may exist: names that match `pattern` (`*` and `?`), in a class of the policy."""

    pattern: str
    kind: str
    required: bool = False
    anchor: Anchor | None = None


@attrs.frozen
class Suppression:
    """Findings that are accepted, for a `reason` and until `expires`.

    `check`, `database` and `user` are patterns (`*` and `?`) of ids and names.
    """

    check: str
    reason: str
    database: str = "*"
    user: str = "*"
    expires: date | None = None
    anchor: Anchor | None = None


@attrs.frozen
class DatabasePolicy:
    """What the policy says of one database; a field that is None or empty says nothing."""

    allowed: tuple[AllowedUser, ...] | None = None
    max_writers: int | None = None
    may_replicate: frozenset[str] = frozenset()
    severities: Mapping[str, Severity] = MappingProxyType({})
    suppressions: tuple[Suppression, ...] = ()
    anchor: Anchor | None = None


NO_POLICY: Final = DatabasePolicy()


@attrs.frozen(weakref_slot=False)
class Facts:
    """All that is known of one database when it is judged.

    `users` is None if they were not read: for `error`, or because there are none to read, for the
    reason `skipped`. `partial`: they come from a list that need not be complete, so a user who is
    not among them may still exist. `before` is what the last complete run read, None if there was
    none or it did not read this database. `now` is the time of the run.
    """

    database: DatabaseRecord
    users: tuple[UserRecord, ...] | None
    now: datetime
    error: str | None = None
    skipped: str | None = None
    policy: DatabasePolicy = NO_POLICY
    before: tuple[UserRecord, ...] | None = None
    partial: bool = False

    @classmethod
    def of(
        cls,
        outcome: Read | NotRead | Skipped,
        *,
        now: datetime,
        policy: DatabasePolicy = NO_POLICY,
        before: tuple[UserRecord, ...] | None = None,
        partial: bool = False,
    ) -> Self:
        """Return the facts that come of reading a database."""
        return cls(
            database=outcome.database,
            users=outcome.users if isinstance(outcome, Read) else None,
            now=now,
            error=str(outcome.error) if isinstance(outcome, NotRead) else None,
            skipped=outcome.reason if isinstance(outcome, Skipped) else None,
            policy=policy,
            before=before,
            partial=partial,
        )


make_facts: Final = maker(Facts)


@attrs.frozen(weakref_slot=False)
class Judgement:
    """A verdict on a user, or on the database where `user` is None.

    `detail` says what was found, in a few words and without a secret. `severity` replaces the
    check's own; `anchor` is the policy's line that it is about, if that is not the database's.
    `by_hand`: the check's call and command would be refused here, so that only its remedy holds.
    """

    verdict: Verdict
    user: str | None = None
    detail: str = ""
    severity: Severity | None = None
    anchor: Anchor | None = None
    by_hand: bool = False


make_judgement: Final = maker(Judgement)

Said = Judgement | Verdict
"""What a check says; a verdict alone is about the database, or the user who was asked about."""

Judge = Callable[[Facts], Iterable[Said]]
UserJudge = Callable[[Facts, UserRecord], Said]


@attrs.frozen
class Check:
    """One thing that can be wrong: what it is called, why it matters, and what to do about it.

    `engines` are those that it is about; empty means all. `call` and `command` are the remedy as
    the SDK's call and as the command's, with `{database}` and `{user}` to be filled in; empty where
    there is none. `needs_users` is False for what the database's record alone tells, so that it is
    judged even where no users were read.
    """

    id: str
    title: str
    severity: Severity
    rationale: str
    remedy: str
    source: str
    engines: frozenset[Engine]
    call: str
    command: str
    judge: Judge = attrs.field(repr=False)
    needs_users: bool = True

    def fits(self, database: DatabaseRecord) -> bool:
        """Tell whether the check is about databases of this engine."""
        return not self.engines or database.engine in self.engines


@attrs.frozen(weakref_slot=False)
class Finding:
    """What a check says of one database or user, with the policy applied.

    `severity` is the effective one. `suppressed` is the reason for which the policy accepts it.
    `anchor` is the policy's line that governs it. `by_hand`: there is no call or command for it.
    """

    check: Check
    verdict: Verdict
    severity: Severity
    database: DatabaseRecord
    user: str | None = None
    detail: str = ""
    anchor: Anchor | None = None
    suppressed: str | None = None
    by_hand: bool = False

    @property
    def fingerprint(self) -> str:
        """Return what identifies the finding in every run: 32 hexadecimal digits."""
        parts = (self.check.id, self.database.provider, self.database.id, self.user or "")
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


make_finding: Final = maker(Finding)


def check(
    id: str,  # noqa: A002  (what a check's identifier is called in every report)
    title: str,
    severity: Severity,
    *,
    rationale: str,
    remedy: str,
    source: str,
    engines: Iterable[Engine] = (),
    call: str = "",
    command: str = "",
    needs_users: bool = True,
) -> Callable[[Judge], Check]:
    """Make a function from facts to judgements into a `Check`."""
    return lambda judge: Check(
        id=id,
        title=title,
        severity=severity,
        rationale=rationale,
        remedy=remedy,
        source=source,
        engines=frozenset(engines),
        call=call,
        command=command,
        judge=judge,
        needs_users=needs_users,
    )


@attrs.frozen
class EachUser:
    """A check's function of one user, asked about all who were read."""

    judge: UserJudge

    def __call__(self, facts: Facts) -> Iterator[Judgement]:
        """Yield what it says of each of them."""
        for user in facts.users or ():
            said = self.judge(facts, user)
            if isinstance(said, Verdict):
                yield Judgement(said, user.name)
            else:
                yield attrs.evolve(said, user=user.name)


def each_user(judge: UserJudge) -> EachUser:
    """Make a function of one user into one of all users that were read."""
    return EachUser(judge)
