"""Checks of who there is in a database, taken together."""

from collections.abc import Iterable, Iterator
from typing import Final

from dbusers.audit.checks import remedies
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
from dbusers.audit.rights import may_only_read, may_write

LEAST_PRIVILEGE: Final = 'NIST SP 800-53, AC-6 "Least Privilege"'
NO_LIMIT: Final = Judgement(SKIP, detail="the policy sets no limit")
MOST_NAMES: Final = 5  # in one detail: more are in the list of users


@check(
    "US001",
    "Only the primary user exists",
    Severity.HIGH,
    rationale="Whatever uses the database logs in as administrator, or nothing uses it.",
    remedy="Create a user for each application, then give the primary user a new password.",
    source=LEAST_PRIVILEGE,
    call=remedies.create('"orders-app"'),
    command="dbusers users create {database} orders-app",
)
def only_primary(facts: Facts) -> Iterator[Said]:
    """Fail a database all of whose users are built in."""
    users = facts.users or ()
    kinds = {user.built_in for user in users}
    if False in kinds:
        yield PASS
    elif None in kinds or facts.partial:
        yield UNKNOWN
    elif users:
        yield Judgement(FAIL, detail=_named(user.name for user in users))
    else:
        yield Judgement(SKIP, detail="there are no users")


@check(
    "US002",
    "More writers than the policy allows",
    Severity.MEDIUM,
    rationale="Each user who may write is one more password by which data can be changed.",
    remedy="Remove users who are not needed, make the others read-only, or raise max_writers.",
    source=LEAST_PRIVILEGE,
    call=remedies.LIST,
    command="dbusers users list {database}",
)
def too_many_writers(facts: Facts) -> Iterator[Said]:
    """Fail a database with more users who may write than `max_writers`, the built-in apart."""
    most = facts.policy.max_writers
    if most is None:
        yield NO_LIMIT
        return
    writers = unclear = 0
    for user in facts.users or ():
        writes = may_write(user)
        if not user.built_in and writes is not False:
            sure = writes is True and user.built_in is False
            writers += sure
            unclear += not sure
    if writers > most:
        yield Judgement(FAIL, detail=f"at least {writers}, where {most} may")
    elif writers + unclear > most or facts.partial:
        detail = f"{writers} to {writers + unclear}, where {most} may"
        yield Judgement(UNKNOWN, detail=detail)
    else:
        yield PASS


@check(
    "US003",
    "No read-only user",
    Severity.LOW,
    rationale="Reports, dashboards and people who look something up do so with the right to write.",
    # How is the provider's own: no one call does it everywhere.
    remedy="Create a user for what only reads: with --read-only at Scalingo, elsewhere with rights "
    "that only read.",
    source=LEAST_PRIVILEGE,
)
def no_reader(facts: Facts) -> Iterator[Said]:
    """Fail a database of whose ordinary users none is limited to reading."""
    others = [user for user in facts.users or () if user.built_in is not True]
    if not others and not facts.partial:
        yield Judgement(SKIP, detail="there is no user but the primary one")
        return
    unclear = facts.partial
    for user in others:
        reads = may_only_read(user)
        if reads:
            yield PASS
            return
        unclear = unclear or reads is None
    if unclear:
        yield UNKNOWN
    else:
        yield Judgement(FAIL, detail=f"{len(others)} users, all may write")


@check(
    "US004",
    "More than one primary user, or a superuser who is not protected",
    Severity.CRITICAL,
    rationale="A second administrator is one that nobody watches, and a way to stay after the "
    "first one's password was changed. Judged by the roles that the provider tells: DigitalOcean "
    "and Scalingo do not tell of a superuser whom somebody made within the database.",
    remedy="Find out who made the user and remove it.",
    source=LEAST_PRIVILEGE,
    call=remedies.LIST,
    command="dbusers users list {database}",
)
def second_administrator(facts: Facts) -> Iterator[Said]:
    """Fail a database with several built-in users, or with another user who is superuser."""
    users = facts.users or ()
    primaries = [user.name for user in users if user.built_in]
    roles = {user.built_in for user in users}
    others = {user.superuser for user in users if not user.built_in}
    superusers = [user.name for user in users if user.superuser and user.built_in is False]
    if len(primaries) > 1:
        yield Judgement(FAIL, detail=f"primary users: {_named(primaries)}")
    elif superusers:
        yield Judgement(FAIL, detail=f"superusers: {_named(superusers)}")
    elif facts.partial or None in roles:
        yield Judgement(UNKNOWN, detail="the answers do not tell every user's role")
    elif None in others and len(others) > 1:
        yield Judgement(UNKNOWN, detail="the answers tell of some who is superuser only")
    else:
        yield PASS


def _named(names: Iterable[str]) -> str:
    found = sorted(names)
    more = len(found) - MOST_NAMES
    return ", ".join(found[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


CHECKS: Final[tuple[Check, ...]] = (only_primary, too_many_writers, no_reader, second_administrator)
