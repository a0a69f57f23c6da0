"""The check of the engine's version."""

from collections.abc import Iterator
from datetime import UTC
from typing import Final

from dbusers.audit.findings import (
    FAIL,
    PASS,
    UNKNOWN,
    Check,
    Facts,
    Judgement,
    Said,
    Severity,
    check,
)


@check(
    "CL001",
    "Engine version past its end of life",
    Severity.HIGH,
    rationale="Holes that are found in it from then on are not closed.",
    remedy="Upgrade the database to a version that is still maintained.",
    source='DigitalOcean API reference, "Retrieve an Existing Database Cluster"',
    needs_users=False,
)
def end_of_life(facts: Facts) -> Iterator[Said]:
    """Fail a version that gets no more fixes on the day of the run."""
    day, version = facts.database.end_of_life, facts.database.version
    if day is None:
        yield UNKNOWN
    elif day <= facts.now.astimezone(UTC).date():
        yield Judgement(FAIL, detail=f"{version or 'its version'}, since {day}")
    else:
        yield PASS


CHECKS: Final[tuple[Check, ...]] = (end_of_life,)
