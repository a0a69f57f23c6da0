"""What can be wrong with a user: each check is one pure function from records to a verdict.

A check is made with the decorator `check` and stands in `CHECKS`. Its function is asked only about
databases of its engines, and answers `UNKNOWN` where the record lacks what it needs to know: not
known is not "fine".
"""

import enum
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import attrs

from dbusers.audit.records import DatabaseRecord, Engine, GrantKind, Read, UserRecord
from dbusers.openenum import normal_form

EVERYTHING: Final = frozenset({"*", ".*"})  # Kafka's and OpenSearch's patterns for all names


class Verdict(enum.StrEnum):
    """What a check says of a user."""

    PASS = "pass"  # noqa: S105  (a verdict, not a password)
    FAIL = "fail"
    UNKNOWN = "unknown"


class Severity(enum.IntEnum):
    """How bad it is; they compare, the worst is the greatest."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


Judge = Callable[[DatabaseRecord, UserRecord], Verdict]


@attrs.frozen
class Check:
    """One thing that can be wrong: what it is called, why it matters, and what to do about it."""

    id: str
    title: str
    severity: Severity
    engines: frozenset[Engine]
    rationale: str
    remedy: str
    source: str
    judge: Judge = attrs.field(repr=False)

    def __call__(self, database: DatabaseRecord, user: UserRecord) -> Verdict:
        """Return the verdict on a user of a database of one of `engines`."""
        return self.judge(database, user)


@attrs.frozen
class Finding:
    """The verdict of one check on one user."""

    check: Check
    verdict: Verdict
    database: DatabaseRecord
    user: UserRecord


def check(
    id: str,  # noqa: A002  (what a check's identifier is called in every report)
    title: str,
    severity: Severity,
    *,
    engines: Iterable[Engine],
    rationale: str,
    remedy: str,
    source: str,
) -> Callable[[Judge], Check]:
    """Make a function from a database and a user to a verdict into a `Check`."""
    return lambda judge: Check(
        id, title, severity, frozenset(engines), rationale, remedy, source, judge
    )


@check(
    "PG001",
    "Password kept as an MD5 hash",
    Severity.HIGH,
    engines={Engine.POSTGRESQL},
    rationale="Who sees the hash can log in with it, and it is cheap to guess the password from.",
    remedy="Set password_encryption to scram-sha-256, then rotate the password.",
    source='PostgreSQL documentation, "Password Authentication"',
)
def md5_password(database: DatabaseRecord, user: UserRecord) -> Verdict:
    """Fail a password that is kept as MD5."""
    if user.password_encryption is None:
        return Verdict.UNKNOWN
    return _fail_if(normal_form(user.password_encryption) == "md5")


@check(
    "PG002",
    "Replication right",
    Severity.HIGH,
    engines={Engine.POSTGRESQL},
    rationale="A replication connection gets every change of every table, past all grants.",
    remedy="Take the right away, unless the user feeds a replica or change-data capture.",
    source='PostgreSQL documentation, "Role Attributes"',
)
def replication(database: DatabaseRecord, user: UserRecord) -> Verdict:
    """Fail the replication right, but for the built-in user, who has all rights anyway."""
    if user.built_in:
        return Verdict.PASS
    if user.replication is None:
        return Verdict.UNKNOWN
    return _fail_if(user.replication)


@check(
    "MY001",
    "Login by mysql_native_password",
    Severity.HIGH,
    engines={Engine.MYSQL},
    rationale="Its unsalted SHA-1 is cheap to break, and MySQL 9 does not have it any more.",
    remedy="Reset the user with caching_sha2_password, once its drivers know that.",
    source='MySQL reference manual, "Native Pluggable Authentication"',
)
def native_password(database: DatabaseRecord, user: UserRecord) -> Verdict:
    """Fail a login by the plugin of MySQL 4.1."""
    if user.auth_plugin is None:
        return Verdict.UNKNOWN
    return _fail_if(normal_form(user.auth_plugin) == normal_form("mysql_native_password"))


@check(
    "KA001",
    "Admin on all topics",
    Severity.CRITICAL,
    engines={Engine.KAFKA},
    rationale="The user can read, change and delete every topic.",
    remedy="Name the topics that the user needs, with consume or produce.",
    source='DigitalOcean API reference, "Update a Database User"',
)
def admin_on_all_topics(database: DatabaseRecord, user: UserRecord) -> Verdict:
    """Fail `admin` on a pattern that matches every topic."""
    return _holds(user, GrantKind.TOPIC, EVERYTHING, "admin")


@check(
    "OS001",
    "Admin on all indexes",
    Severity.CRITICAL,
    engines={Engine.OPENSEARCH},
    rationale="The user can read, change and delete every index.",
    remedy="Name the indexes that the user needs, with read or write.",
    source='DigitalOcean API reference, "Update a Database User"',
)
def admin_on_all_indexes(database: DatabaseRecord, user: UserRecord) -> Verdict:
    """Fail `admin` on a pattern that matches every index."""
    return _holds(user, GrantKind.INDEX, EVERYTHING, "admin")


@check(
    "MG001",
    "dbAdmin on the database admin",
    Severity.CRITICAL,
    engines={Engine.MONGODB},
    rationale="The database admin stands for all: the user can drop any collection of any of them.",
    remedy="Create another user with readWrite on its own databases, and remove this one.",
    source='DigitalOcean API reference, "Update a Database User"',
)
def db_admin_everywhere(database: DatabaseRecord, user: UserRecord) -> Verdict:
    """Fail `dbAdmin` on the database `admin`."""
    return _holds(user, GrantKind.DATABASE, frozenset({"admin"}), "dbAdmin")


CHECKS: Final = (
    md5_password,
    replication,
    native_password,
    admin_on_all_topics,
    admin_on_all_indexes,
    db_admin_everywhere,
)


def judge(read: Read, checks: Iterable[Check] = CHECKS) -> Iterator[Finding]:
    """Yield the finding of each check on each user, for the checks of the database's engine."""
    fitting = [check for check in checks if read.database.engine in check.engines]
    for user in read.users:
        for one in fitting:
            yield Finding(one, one(read.database, user), read.database, user)


def _holds(user: UserRecord, kind: GrantKind, patterns: frozenset[str], permission: str) -> Verdict:
    """Fail a user who holds `permission` on one of `patterns`; the built-in one is meant to."""
    if user.built_in:
        return Verdict.PASS
    if user.grants is None:
        return Verdict.UNKNOWN
    unclear = False
    for grant in user.grants:
        if grant.kind is not kind:
            continue
        on_it = None if grant.pattern is None else grant.pattern in patterns
        may = None
        if grant.permission is not None:
            may = normal_form(grant.permission) == normal_form(permission)
        if on_it and may:
            return Verdict.FAIL
        unclear = unclear or (on_it is not False and may is not False)
    return Verdict.UNKNOWN if unclear else Verdict.PASS


def _fail_if(wrong: bool) -> Verdict:
    return Verdict.FAIL if wrong else Verdict.PASS
