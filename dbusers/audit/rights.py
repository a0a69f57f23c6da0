"""What grants amount to, whatever an engine calls them: rights to read, write and administer."""

import enum
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from dbusers.audit.records import Grant, GrantKind, UserRecord
from dbusers.openenum import normal_form


class Right(enum.StrEnum):
    """What a permission lets a user do."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


READ: Final = Right.READ
WRITE: Final = Right.WRITE
ADMIN: Final = Right.ADMIN

_READ: Final = frozenset({READ})
_WRITE: Final = frozenset({WRITE})
_ALL: Final = frozenset(Right)
_CHANGES: Final = frozenset({WRITE, ADMIN})

# By a permission's normal form. Sources: DigitalOcean API reference, "Update a Database User";
# MongoDB manual, "Built-In Roles": dbAdmin drops what it does not read.
RIGHTS: Final[Mapping[GrantKind, Mapping[str, frozenset[Right]]]] = {
    GrantKind.TOPIC: {
        "admin": _ALL,
        "consume": _READ,
        "produce": _WRITE,
        "produceconsume": _READ | _WRITE,
    },
    GrantKind.INDEX: {
        "admin": _ALL,
        "read": _READ,
        "write": _WRITE,
        "readwrite": _READ | _WRITE,
        "deny": frozenset(),
    },
    GrantKind.DATABASE: {
        "readonly": _READ,
        "readwrite": _READ | _WRITE,
        "dbadmin": frozenset({ADMIN}),
    },
}
# MongoDB's database admin stands for all databases.
EVERYTHING: Final[Mapping[GrantKind, frozenset[str]]] = {
    GrantKind.TOPIC: frozenset({"*", ".*"}),
    GrantKind.INDEX: frozenset({"*", ".*"}),
    GrantKind.DATABASE: frozenset({"admin"}),
}


def rights_of(grant: Grant) -> frozenset[Right] | None:
    """Return what a grant lets the user do; None where its permission is absent or a new word."""
    if grant.permission is None:
        return None
    return _rights(grant.kind, grant.permission)


@lru_cache(maxsize=1024)  # a fleet has some twenty, each a thousand times
def _rights(kind: GrantKind, permission: str) -> frozenset[Right] | None:
    return RIGHTS[kind].get(normal_form(permission))


def is_for_all(grant: Grant) -> bool | None:
    """Tell whether a grant is for every topic, index or database; None where that is unknown."""
    return None if grant.pattern is None else grant.pattern in EVERYTHING[grant.kind]


def covers(broad: Grant, narrow: Grant) -> bool:
    """Tell whether `broad` surely allows all that `narrow` does.

    Patterns are compared as they stand: which names one of them matches is the server's affair.
    """
    if broad.kind is not narrow.kind or broad.pattern is None or narrow.pattern is None:
        return False
    if broad.pattern != narrow.pattern and not is_for_all(broad):
        return False
    has, needs = rights_of(broad), rights_of(narrow)
    if has is None or needs is None:
        return _is_same_word(broad.permission, narrow.permission)
    return needs <= has


def _is_same_word(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and normal_form(one) == normal_form(other)


def is_denial(grant: Grant) -> bool:
    """Tell whether a grant takes away instead of giving."""
    return rights_of(grant) == frozenset()


def may_write(user: UserRecord) -> bool | None:
    """Tell whether a user may change data; None where that is unknown."""
    if user.superuser:
        return True
    if user.read_only is not None:
        return not user.read_only
    # What a user without any rule may do is the cluster's default, which the answers do not tell.
    unclear = not user.grants
    for grant in user.grants or ():
        rights = rights_of(grant)
        if rights is None:
            unclear = True
        elif rights & _CHANGES:
            return True
    return None if unclear else False


def may_only_read(user: UserRecord) -> bool | None:
    """Tell whether a user may read data and not change it; None where that is unknown."""
    writes = may_write(user)
    if writes is not False:
        return None if writes is None else False
    reads = (READ in (rights_of(grant) or ()) for grant in user.grants or ())
    return bool(user.read_only) or any(reads)
