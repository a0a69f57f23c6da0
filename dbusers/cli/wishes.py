"""What a caller wishes a user to be, as the options say it, and the change that follows."""

from typing import Any

import attrs

from dbusers.errors import InvalidRequest
from dbusers.secret import Secret

Rule = tuple[str, str]
"""A topic or index, and a permission on it."""


@attrs.frozen
class Wishes:
    """The settings named on the command line; None is one that was not named."""

    replication: bool | None = None
    auth_plugin: str | None = None
    acl: tuple[Rule, ...] | None = None
    index: tuple[Rule, ...] | None = None
    mongo_databases: tuple[str, ...] | None = None
    mongo_role: str | None = None
    read_only: bool | None = None
    password: Secret | None = None

    def refuse_all_but(self, *names: str, because: str) -> None:
        """Raise `InvalidRequest` if a setting is named that is none of `names`."""
        for field in attrs.fields(type(self)):
            if field.name not in names and getattr(self, field.name) is not None:
                raise InvalidRequest(f"{OPTIONS[field.name]}: {because}")


OPTIONS = {
    "replication": "--replication",
    "auth_plugin": "--auth-plugin",
    "acl": "--acl",
    "index": "--index",
    "mongo_databases": "--mongo-database",
    "mongo_role": "--mongo-role",
    "read_only": "--read-only",
    "password": "--password-stdin",
}


@attrs.frozen
class Change:
    """An update to be made: its body, in words what the user loses by it, and what it makes."""

    body: Any = attrs.field(repr=False)
    loses: tuple[str, ...] = ()
    makes_a_password: bool = False


def rules(texts: list[str] | None, option: str) -> tuple[Rule, ...] | None:
    """Return `NAME=PERMISSION` texts as rules. Raises `InvalidRequest` for another form."""
    if not texts:
        return None
    found = []
    for text in texts:
        name, _, permission = text.rpartition("=")
        if not name or not permission:
            raise InvalidRequest(f"{option} {text!r}: write it as NAME=PERMISSION")
        found.append((name, permission))
    return tuple(found)
