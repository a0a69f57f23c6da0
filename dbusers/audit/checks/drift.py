"""The check of what changed since the last complete run."""

from collections.abc import Iterator
from typing import Final

from dbusers.audit.checks import remedies
from dbusers.audit.drift import ChangeKind, changes
from dbusers.audit.findings import (
    FAIL,
    PASS,
    SKIP,
    UNKNOWN,
    Check,
    Facts,
    Judgement,
    Said,
    Severity,
    check,
)

SEVERITIES: Final = {
    ChangeKind.WIDENED: Severity.HIGH,
    ChangeKind.ADDED: Severity.MEDIUM,
    ChangeKind.REMOVED: Severity.LOW,
}

NO_BASE: Final = Judgement(SKIP, detail="no complete run before this one has read it")


@check(
    "DR001",
    "Drift since the last complete run",
    Severity.HIGH,
    rationale="Rights grow one at a time, and each step looks harmless; what nobody planned is a "
    "mistake or an intruder.",
    remedy="Find out who made the change, and undo it where nobody knows.",
    source='NIST SP 800-53, CM-3 "Configuration Change Control"',
    call=remedies.LIST,
    command="dbusers users list {database}",
)
def drift(facts: Facts) -> Iterator[Said]:
    """Fail users who may do more than before, are new, or are gone; with less, they pass."""
    if facts.before is None:
        yield NO_BASE
        return
    calm = True
    for change in changes(facts.before, facts.users or ()):
        verdict, severity = FAIL, SEVERITIES.get(change.kind)
        if change.kind is ChangeKind.UNCLEAR or (
            change.kind is ChangeKind.REMOVED and facts.partial
        ):
            verdict, severity = UNKNOWN, None
        elif severity is None:
            continue
        calm = False
        detail = "; ".join((change.kind.value, *change.details))
        yield Judgement(verdict, change.user, detail, severity)
    if calm:
        yield UNKNOWN if facts.partial else PASS


CHECKS: Final[tuple[Check, ...]] = (drift,)
