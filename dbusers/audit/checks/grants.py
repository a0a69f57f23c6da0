"""Whether a user holds a right: what the checks of grants ask."""

from dbusers.audit.findings import FAIL, PASS, SKIP, UNKNOWN, Judgement, Said
from dbusers.audit.records import Grant, GrantKind, UserRecord
from dbusers.audit.rights import Right, is_for_all, rights_of


def holds(
    user: UserRecord,
    kind: GrantKind,
    right: Right,
    *,
    for_all: bool = True,
    unless: Right | None = None,
) -> Said:
    """Fail a user who holds a right on everything, or with `for_all=False` on a part of it.

    The built-in user is meant to hold every right. A right on everything that comes with the
    greater right `unless` is skipped: the check of that one tells it.
    """
    if user.built_in:
        return PASS
    if user.grants is None:
        return UNKNOWN
    wrong: Grant | None = None
    unclear = False
    for grant in user.grants:
        if grant.kind is not kind:
            continue
        rights, reaches_all = rights_of(grant), is_for_all(grant)
        if reaches_all is (not for_all) or (rights is not None and right not in rights):
            continue
        if rights is None or reaches_all is None:
            unclear = True
        elif unless in rights:
            return Judgement(SKIP, detail=f"has {described(grant)}")
        else:
            wrong = wrong or grant
    if wrong:
        return Judgement(FAIL, detail=described(wrong))
    return UNKNOWN if unclear else PASS


def described(grant: Grant) -> str:
    """Return a grant as words."""
    return f"{grant.permission or 'an unknown permission'} on {grant.pattern or 'unknown names'}"
