"""A first policy, written from what exists now."""

from collections.abc import Iterable, Iterator, Sequence

from dbusers.audit.patterns import literal
from dbusers.audit.policy.contents import CLASSES
from dbusers.audit.records import DatabaseRecord, UserRecord

_HEAD = """\
# Who may exist in which database. Written from what exists now: read it before you rely on it,
# and take out who should not be there. Rights are not accepted by being here: only users are.
#
# [[databases]] selects databases by provider, account, id, name, engine, version, region or tag;
# the first entry that fits governs a database. In all names * stands for any characters and ? for
# one; a backslash takes their meaning away. The classes of users:
#   administrators   may do everything
#   applications     read and write
#   readers          must be read-only
#   required         must exist; may stand in another class as well

[defaults]
# In a database that has no entry below, nobody may exist: a new one is a finding until it has one.
users = {}
# max_writers = 3                     # users of one database that may write

# [severities]
# PG001 = "critical"                  # low, medium, high or critical

# [[suppressions]]                    # a finding that is accepted
# check = "PG002"
# database = "orders"                 # a name or an id
# user = "debezium"
# reason = "change data capture, ticket 123"
# expires = 2027-01-31                # the first day on which it no longer counts
"""
_WIDTH = 100


def policy_of(databases: Iterable[tuple[DatabaseRecord, Sequence[UserRecord]]]) -> str:
    """Return a policy file that allows exactly the users that these databases have now.

    Databases stand in the order of provider, account, name and id, users in that of their names, so
    that two files can be compared.
    """
    ordered = sorted(databases, key=lambda each: _place(each[0]))
    return _HEAD + "".join(_entry(database, users) for database, users in ordered)


def _place(database: DatabaseRecord) -> tuple[str, ...]:
    return database.provider, database.account, database.name, database.id


def _entry(database: DatabaseRecord, users: Sequence[UserRecord]) -> str:
    names: dict[str, set[str]] = {}
    for user in users:
        names.setdefault(_class_of(user), set()).add(user.name)
    lines = [f"# {_described(database)}", "[[databases]]", f"id = {_quoted(literal(database.id))}"]
    for kind in reversed(CLASSES):
        if kind in names:
            lines += _list(f"users.{kind}", sorted(names[kind]))
    if not names:
        lines.append("users = {}")
    return "\n" + "\n".join(lines) + "\n"


def _class_of(user: UserRecord) -> str:
    if user.built_in or user.superuser:
        return "administrators"
    return "readers" if user.read_only else "applications"


def _described(database: DatabaseRecord) -> str:
    what = " ".join(part for part in (database.engine, database.version) if part)
    known = [each for each in (what, database.region, database.account) if each]
    return ", ".join([_quoted(database.name), *map(_printable, known)])


def _list(key: str, names: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a key with a list: one if it fits, else one for each name."""
    quoted = [_quoted(literal(name)) for name in names]
    line = f"{key} = [{', '.join(quoted)}]"
    if len(line) <= _WIDTH:
        yield line
        return
    yield f"{key} = ["
    yield from (f"  {name}," for name in quoted)
    yield "]"


def _quoted(text: str) -> str:
    """Return a basic string of TOML; what is not printable is escaped, so that all is seen."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_printable(escaped)}"'


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else f"\\U{ord(each):08X}" for each in text)
