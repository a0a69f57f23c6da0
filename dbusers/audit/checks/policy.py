"""Checks of users against the policy: who may exist, who must, and who may only read."""

from collections.abc import Iterator
from typing import Final

from dbusers.audit.checks import remedies
from dbusers.audit.findings import (
    FAIL,
    PASS,
    SKIP,
    UNKNOWN,
    AllowedUser,
    Check,
    DatabasePolicy,
    Facts,
    Judgement,
    Severity,
    Verdict,
    check,
    make_judgement,
)
from dbusers.audit.patterns import is_wild, matches, unescaped
from dbusers.audit.records import UserRecord
from dbusers.audit.rights import may_write

ACCOUNTS: Final = 'NIST SP 800-53, AC-2 "Account Management"'
READERS: Final = "readers"
SILENT: Final = Judgement(SKIP, detail="the policy does not say who may exist")
NONE_REQUIRED: Final = Judgement(SKIP, detail="the policy requires no user")


@check(
    "PO001",
    "User who is not in the policy",
    Severity.HIGH,
    rationale="Nobody has said that the user may exist, so nobody will notice what it does.",
    remedy="Find out who uses it, then remove it, or name it in the policy.",
    source=ACCOUNTS,
    call=remedies.DELETE,
    command="dbusers users delete {database} {user}",
)
def not_allowed(facts: Facts) -> Iterator[Judgement]:
    """Fail a user whom no pattern of the policy matches; the built-in one needs none."""
    if facts.policy.allowed is None:
        yield SILENT
        return
    for user in facts.users or ():
        is_known = user.built_in or _entry_of(facts.policy, user) is not None
        yield make_judgement(Verdict.fail_if(not is_known), user.name)


@check(
    "PO002",
    "User whom the policy requires is missing",
    Severity.MEDIUM,
    rationale="What should log in as this user does not work, or logs in as another.",
    remedy="Create the user, or take it out of the policy's required users.",
    source=ACCOUNTS,
    call=remedies.create("{user}"),
    command="dbusers users create {database} {user}",
)
def missing(facts: Facts) -> Iterator[Judgement]:
    """Fail a required name, or pattern of names, that no user has."""
    required = [entry for entry in facts.policy.allowed or () if entry.required]
    if not required:
        yield NONE_REQUIRED
        return
    names = [user.name for user in facts.users or ()]
    for entry in required:
        if any(matches(entry.pattern, name) for name in names):
            verdict = PASS
        else:
            verdict = UNKNOWN if facts.partial else FAIL
        name = entry.pattern if is_wild(entry.pattern) else unescaped(entry.pattern)
        yield Judgement(verdict, name, anchor=entry.anchor)


@check(
    "PO006",
    "Reader who may write",
    Severity.HIGH,
    rationale="The policy has the user among the readers, whose passwords are trusted to machines "
    "and people who shall change nothing.",
    remedy="Replace the user by a read-only one, or move it to another class of the policy.",
    source='NIST SP 800-53, AC-6 "Least Privilege"',
    call=remedies.DELETE,
    command="dbusers users delete {database} {user}",
)
def reader_writes(facts: Facts) -> Iterator[Judgement]:
    """Fail a user of the class `readers` who is not limited to reading."""
    if facts.policy.allowed is None:
        yield SILENT
        return
    for user in facts.users or ():
        entry = _entry_of(facts.policy, user)
        if entry is None or entry.kind != READERS:
            continue
        writes = True if user.built_in else may_write(user)
        verdict = Verdict.fail_if(writes)
        # The providers refuse to remove a built-in user.
        yield Judgement(verdict, user.name, anchor=entry.anchor, by_hand=user.built_in is True)


def _entry_of(policy: DatabasePolicy, user: UserRecord) -> AllowedUser | None:
    """Return the first entry that matches the user: it decides the class."""
    return next((e for e in policy.allowed or () if matches(e.pattern, user.name)), None)


CHECKS: Final[tuple[Check, ...]] = (not_allowed, missing, reader_writes)
