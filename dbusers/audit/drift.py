"""What changed between two readings of a database's users."""

import enum
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from dbusers.audit.records import Grant, UserRecord
from dbusers.audit.rights import covers, is_denial
from dbusers.openenum import normal_form


class ChangeKind(enum.StrEnum):
    """What became of a user.

    `WIDENED`: may do more, or is easier to impersonate. `UNCLEAR`: one of the readings lacks what
    it takes to rule that out. `CHANGED`: neither more nor less.
    """

    ADDED = "added"
    REMOVED = "removed"
    WIDENED = "widened"
    UNCLEAR = "unclear"
    CHANGED = "changed"
    NARROWED = "narrowed"


@attrs.frozen
class Change:
    """What became of one user; `details` say it of each field that changed."""

    user: str
    kind: ChangeKind
    details: tuple[str, ...] = ()


# A user whose fields changed in several ways is told by the first of these.
_WORST_FIRST: Final = (
    ChangeKind.WIDENED,
    ChangeKind.UNCLEAR,
    ChangeKind.CHANGED,
    ChangeKind.NARROWED,
)
# The value of a field with which a user may do more, or is easier to impersonate.
_WIDE: Final[dict[str, bool | str]] = {
    "built_in": True,
    "superuser": True,
    "replication": True,
    "read_only": False,
    "password_encryption": normal_form("MD5"),
    "auth_plugin": normal_form("mysql_native_password"),
}

_Step = tuple[ChangeKind, str]


def changes(before: Iterable[UserRecord], after: Iterable[UserRecord]) -> Iterator[Change]:
    """Yield what became of each user who is not as before, by name.

    When a certificate expires and which secrets the token saw are not compared: the first changes
    with every rotation, and the second is about the token.
    """
    if before is after:  # as `Store.before` says of users who are the same
        return
    old, new = ({user.name: user for user in users} for users in (before, after))
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield Change(name, ChangeKind.ADDED)
        elif name not in new:
            yield Change(name, ChangeKind.REMOVED)
        elif old[name] != new[name] and (steps := list(_steps(old[name], new[name]))):
            kinds = {kind for kind, _ in steps}
            kind = next(kind for kind in _WORST_FIRST if kind in kinds)
            yield Change(name, kind, tuple(detail for _, detail in steps))


def _steps(old: UserRecord, new: UserRecord) -> Iterator[_Step]:
    for field, wide in _WIDE.items():
        was, now = getattr(old, field), getattr(new, field)
        if kind := _kind(_compared(was), _compared(now), wide):
            yield kind, f"{field}: {_told(was)} → {_told(now)}"
    yield from _compare_grants(old.grants, new.grants)


def _kind(was: bool | str | None, now: bool | str | None, wide: bool | str) -> ChangeKind | None:
    if was == now:
        return None
    if (was is None and now == wide) or (now is None and was != wide):
        return ChangeKind.UNCLEAR
    if was is None or now is None:
        return None  # whatever the other one was, it was not less
    if wide in (was, now):
        return ChangeKind.WIDENED if now == wide else ChangeKind.NARROWED
    return ChangeKind.CHANGED


def _compared(value: bool | str | None) -> bool | str | None:
    return normal_form(value) if isinstance(value, str) else value


def _compare_grants(
    old: tuple[Grant, ...] | None, new: tuple[Grant, ...] | None
) -> Iterator[_Step]:
    if old == new:
        return
    if old is None or new is None:
        yield ChangeKind.UNCLEAR, f"rules: {_rules(old)} → {_rules(new)}"
        return
    if not new:
        # What a user without any rule may do is the cluster's default.
        yield ChangeKind.UNCLEAR, "no rules left"
    for grant in new:
        if not _is_in(grant, old):
            kind = ChangeKind.NARROWED if is_denial(grant) else ChangeKind.WIDENED
            yield kind, f"new: {_rule(grant)}"
    for grant in old:
        if not _is_in(grant, new):
            kind = ChangeKind.WIDENED if is_denial(grant) else ChangeKind.NARROWED
            yield kind, f"gone: {_rule(grant)}"


def _is_in(grant: Grant, grants: tuple[Grant, ...]) -> bool:
    if is_denial(grant):
        return any(is_denial(one) and one.pattern == grant.pattern for one in grants)
    return grant in grants or any(covers(one, grant) for one in grants)


def _told(value: object) -> str:
    match value:
        case None:
            return "unknown"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def _rules(grants: tuple[Grant, ...] | None) -> str:
    return "unknown" if grants is None else ", ".join(map(_rule, grants)) or "none"


def _rule(grant: Grant) -> str:
    return f"{grant.permission or 'unknown'} on {grant.pattern or 'unknown'}"
