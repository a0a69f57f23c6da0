"""Makes findings of what checks say: what fits, how bad it is here, and what is accepted."""

from collections.abc import Iterable, Iterator
from datetime import UTC

from dbusers.audit.checks import CHECKS
from dbusers.audit.findings import (
    Check,
    Facts,
    Finding,
    Judgement,
    Severity,
    Suppression,
    Verdict,
)
from dbusers.audit.patterns import matches

ACCEPTABLE = frozenset({Verdict.FAIL, Verdict.UNKNOWN})


def judge(
    facts: Facts, checks: Iterable[Check] = CHECKS, *, used: set[Suppression] | None = None
) -> Iterator[Finding]:
    """Yield what each check that fits the database's engine says of it and its users.

    Where users were not read, each check that needs them says `ERROR`, or `SKIP` where there are
    none to read. A failure is one level worse where the database is open to the world; a severity
    that the policy states is final. Findings that the policy accepts are `suppressed`, and the
    suppressions by which they are get into `used`.
    """
    in_force = _in_force(facts)
    for check in checks:
        if not check.fits(facts.database):
            continue
        for judgement in _judgements(facts, check):
            suppression = _suppression(in_force, check, judgement) if in_force else None
            if suppression and used is not None:
                used.add(suppression)
            yield Finding(
                check,
                judgement.verdict,
                _severity(facts, check, judgement),
                facts.database,
                judgement.user,
                judgement.detail,
                judgement.anchor or facts.policy.anchor,
                suppression.reason if suppression else None,
            )


def _judgements(facts: Facts, check: Check) -> Iterable[Judgement]:
    if facts.users is not None or not check.needs_users:
        return check.judge(facts)
    if facts.skipped is not None:
        return [Judgement(Verdict.SKIP, detail=facts.skipped)]
    return [Judgement(Verdict.ERROR, detail=facts.error or "not read")]


def _severity(facts: Facts, check: Check, judgement: Judgement) -> Severity:
    stated = facts.policy.severities.get(check.id)
    if stated is not None:
        return stated
    severity = judgement.severity or check.severity
    is_worse = judgement.verdict is Verdict.FAIL and facts.database.open_to_world is True
    return severity.worse if is_worse else severity


def _in_force(facts: Facts) -> tuple[Suppression, ...]:
    """Return the policy's suppressions that have not expired; `expires` is the first day after."""
    today = facts.now.astimezone(UTC).date()
    return tuple(
        one for one in facts.policy.suppressions if one.expires is None or today < one.expires
    )


def _suppression(
    in_force: Iterable[Suppression], check: Check, judgement: Judgement
) -> Suppression | None:
    """Return the first one that accepts the judgement; that something was not read is not accepted.

    The policy of a database holds only those for it, so their `database` is not looked at. What is
    said of the database as a whole is accepted only for all users.
    """
    if judgement.verdict not in ACCEPTABLE:
        return None
    for one in in_force:
        of_user = one.user == "*" or (
            judgement.user is not None and matches(one.user, judgement.user)
        )
        if of_user and matches(one.check, check.id):
            return one
    return None
