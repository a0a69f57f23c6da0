"""The check of the engine's version."""

from collections.abc import Iterator
from datetime import UTC
from typing import Final

from dbusers.audit.findings import Check, Facts, Judgement, Severity, Verdict, check


@check(
    "CL001",
    "Engine version past its end of life",
    Severity.HIGH,
    rationale="Holes that are found in it from then on are not closed.",
    remedy="Upgrade the database to a version that is still maintained.",
    source='DigitalOcean API reference, "Retrieve an Existing Database Cluster"',
    needs_users=False,
)
def end_of_life(facts: Facts) -> Iterator[Judgement]:
    """Fail a version that gets no more fixes on the day of the run."""
    day, version = facts.database.end_of_life, facts.database.version
    if day is None:
        yield Judgement(Verdict.UNKNOWN)
    elif day <= facts.now.astimezone(UTC).date():
        yield Judgement(Verdict.FAIL, detail=f"{version or 'its version'}, since {day}")
    else:
        yield Judgement(Verdict.PASS)


CHECKS: Final[tuple[Check, ...]] = (end_of_life,)
