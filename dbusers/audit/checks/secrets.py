"""The check of the token that the audit itself uses."""

from collections.abc import Iterator
from typing import Final

from dbusers.audit.findings import (
    FAIL,
    PASS,
    SKIP,
    Check,
    Facts,
    Judgement,
    Said,
    Severity,
    check,
)


@check(
    "SE001",
    "The token can see secrets",
    Severity.MEDIUM,
    rationale="An audit needs no passwords; who gets at its token has them all.",
    remedy="Give the audit a token that may read databases and not view their credentials: at "
    "DigitalOcean database:read without database:view_credentials.",
    source='DigitalOcean API reference, "Databases: scopes"',
)
def secrets_visible(facts: Facts) -> Iterator[Said]:
    """Fail a database of which some user came with password or key."""
    users = facts.users or ()
    seen = sum(user.secrets_visible for user in users)
    if seen:
        yield Judgement(FAIL, detail=f"the secrets of {seen} of {len(users)} users")
    elif users:
        yield PASS
    else:
        yield Judgement(SKIP, detail="there are no users")


CHECKS: Final[tuple[Check, ...]] = (secrets_visible,)
