"""What in a policy no longer serves: it should be mended, lest it hide something later.

These checks are about the file, not about a database: `Policy.unused` makes their findings once in
a run. They stand on a record of the file itself, whose provider is "policy".
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final

import attrs

from dbusers.audit.findings import (
    Anchor,
    Check,
    Facts,
    Finding,
    Judgement,
    Severity,
    Suppression,
    Verdict,
    check,
)
from dbusers.audit.policy.contents import Contents
from dbusers.audit.records import DatabaseRecord

PROVIDER: Final = "policy"

_SOURCE = "the policy's own rules: every exception has a reason and an end"


def _of_no_database(facts: Facts) -> Iterable[Judgement]:
    """Say nothing: what these checks are about is in no database."""
    return ()


EXPIRED = check(
    "PO003",
    "Suppression expired",
    Severity.MEDIUM,
    rationale="What was accepted for a time is accepted no longer, and nobody decided anew.",
    remedy="Mend what was accepted, or decide again: give the suppression a new day and reason.",
    source=_SOURCE,
)(_of_no_database)

UNUSED = check(
    "PO004",
    "Suppression without a finding",
    Severity.LOW,
    rationale="What was accepted is gone. If it comes back, nobody will hear of it.",
    remedy="Remove the suppression from the policy.",
    source=_SOURCE,
)(_of_no_database)

IDLE = check(
    "PO005",
    "Policy entry that governs no database",
    Severity.LOW,
    rationale="The databases that it was written for are gone, are called otherwise, or are "
    "governed by an earlier entry: rules that somebody relies on may not hold.",
    remedy="Mend what the entry selects by, move it before the one that fits first, or remove it.",
    source=_SOURCE,
)(_of_no_database)

POLICY_CHECKS: Final = (EXPIRED, UNUSED, IDLE)


def findings(
    contents: Contents,
    now: datetime,
    *,
    used: Collection[Suppression],
    governing: Collection[int | None],
    complete: bool,
) -> Iterator[Finding]:
    """Yield what no longer serves, in the order of what it is about.

    `governing` are the positions of the entries that govern a database of the run.
    """
    found = list(_expired(contents, now))
    if complete:
        found += _unused(contents, now, used)
        found += _idle(contents, governing)
    else:
        found += _undecided(contents)
    yield from sorted(found, key=attrgetter("database.id", "check.id"))


def _expired(contents: Contents, now: datetime) -> Iterator[Finding]:
    for each in contents.suppressions:
        if _has_expired(each, now):
            detail = f"{_name(each)}: expired on {each.expires}"
            yield _finding(contents, EXPIRED, _name(each), detail, each.anchor)


def _unused(contents: Contents, now: datetime, used: Collection[Suppression]) -> Iterator[Finding]:
    for each in contents.suppressions:
        if each not in used and not _has_expired(each, now):
            detail = f"{_name(each)}: there is no such finding"
            yield _finding(contents, UNUSED, _name(each), detail, each.anchor)


def _idle(contents: Contents, governing: Collection[int | None]) -> Iterator[Finding]:
    for position, entry in enumerate(contents.entries):
        if position not in governing:
            name = f"databases: {entry.selector}"
            detail = f"{name}: governs none"
            yield _finding(contents, IDLE, name, detail, entry.policy.anchor)


def _undecided(contents: Contents) -> Iterator[Finding]:
    detail = "not everything was audited, so it is not known what is unused"
    for about, concerned in ((UNUSED, contents.suppressions), (IDLE, contents.entries)):
        if concerned:
            found = _finding(contents, about, "", detail, contents.defaults.anchor)
            yield attrs.evolve(found, verdict=Verdict.UNKNOWN)


def _has_expired(suppression: Suppression, now: datetime) -> bool:
    return suppression.expires is not None and now.astimezone(UTC).date() >= suppression.expires


def _name(suppression: Suppression) -> str:
    """Return what a suppression is called; it stays the same when lines move."""
    of_user = "" if suppression.user == "*" else f" of {suppression.user}"
    return f"suppression: {suppression.check}{of_user} on {suppression.database}"


def _finding(
    contents: Contents, about: Check, name: str, detail: str, anchor: Anchor | None
) -> Finding:
    severity = contents.defaults.severities.get(about.id, about.severity)
    # An account without a name sorts before those that have one, as reports want it.
    file = DatabaseRecord(PROVIDER, name, contents.file, account="", has_users=False)
    return Finding(about, Verdict.FAIL, severity, file, detail=detail, anchor=anchor)
