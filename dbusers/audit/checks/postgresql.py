"""Checks of PostgreSQL users."""

from collections.abc import Iterator
from typing import Final

from dbusers.audit.checks import remedies
from dbusers.audit.findings import (
    PASS,
    UNKNOWN,
    Check,
    Facts,
    Judgement,
    Severity,
    Verdict,
    check,
    each_user,
    make_judgement,
)
from dbusers.audit.patterns import matches
from dbusers.audit.records import Engine, UserRecord
from dbusers.openenum import normal_form


@check(
    "PG001",
    "Password kept as an MD5 hash",
    Severity.HIGH,
    engines={Engine.POSTGRESQL},
    rationale="Who sees the hash can log in with it, and it is cheap to guess the password from.",
    remedy="Set password_encryption to scram-sha-256, then give the user a new password.",
    source='PostgreSQL documentation, "Password Authentication"',
    call=remedies.RESET_PASSWORD,
    command="dbusers users reset {database} {user}",
)
@each_user
def md5_password(facts: Facts, user: UserRecord) -> Verdict:
    """Fail a password that is kept as MD5."""
    if user.password_encryption is None:
        return UNKNOWN
    return Verdict.fail_if(normal_form(user.password_encryption) == "md5")


@check(
    "PG002",
    "Replication right that nobody expects",
    Severity.HIGH,
    engines={Engine.POSTGRESQL},
    rationale="A replication connection gets every change of every table, past all grants.",
    remedy="Take the right away, or name the user in the policy's may_replicate.",
    source='PostgreSQL documentation, "Role Attributes"',
    call=remedies.update("pg_allow_replication=False"),
    command="dbusers users update --no-replication {database} {user}",
)
@each_user
def unexpected_replication(facts: Facts, user: UserRecord) -> Verdict:
    """Fail the replication right of all but the built-in user and those whom the policy names."""
    if user.replication is False or user.built_in or _may_replicate(facts, user):
        return PASS
    return Verdict.fail_if(user.replication)


@check(
    "PG003",
    "Replication by the primary user, or by one who is shared",
    Severity.HIGH,
    engines={Engine.POSTGRESQL},
    rationale="What replicates keeps the password: whoever gets at it there is administrator, or "
    "may do all that the applications may.",
    remedy="Replicate as a user who does nothing else, and take the right away from this one.",
    source='PostgreSQL documentation, "Logical Replication: Security"',
    call=remedies.update("pg_allow_replication=False"),
    command="dbusers users update --no-replication {database} {user}",
)
def shared_replication(facts: Facts) -> Iterator[Judgement]:
    """Fail the replication right of the built-in user, and of the only other one.

    Where there is one ordinary user, the applications log in as that one; unless the policy has it
    replicate.
    """
    users = facts.users or ()
    alone = sum(user.built_in is not True for user in users) == 1 and not facts.partial
    for user in users:
        verdict = _shared(facts, user, alone=alone)
        # The providers refuse to change a built-in user.
        yield make_judgement(verdict, user.name, by_hand=user.built_in is True)


def _shared(facts: Facts, user: UserRecord, *, alone: bool) -> Verdict:
    if user.replication is False:
        return PASS
    if user.built_in is True or (alone and not _may_replicate(facts, user)):
        return Verdict.fail_if(user.replication)
    if user.built_in is None or (facts.partial and not _may_replicate(facts, user)):
        return UNKNOWN
    return PASS


def _may_replicate(facts: Facts, user: UserRecord) -> bool:
    return any(matches(pattern, user.name) for pattern in facts.policy.may_replicate)


CHECKS: Final[tuple[Check, ...]] = (md5_password, unexpected_replication, shared_replication)
