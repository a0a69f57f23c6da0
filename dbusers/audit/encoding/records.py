"""Records as JSON, and back: what the store and JSON Lines hold.

Every field has a key of its name, and unknown is null. Reading takes a missing key for null, so
that what was written before a field came up can still be read; what must be known may not miss.
A store's columns say the same in fewer bytes, as writing them is most of what a store costs.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from operator import attrgetter
from typing import Any, Final

import attrs
import orjson

from dbusers.audit.encoding.values import flag, instance, maybe, moment, text
from dbusers.audit.records import DatabaseRecord, Engine, Grant, GrantKind, UserRecord

ENGINES: Final[Mapping[str, Engine]] = {engine.value: engine for engine in Engine}
GRANT_KINDS: Final[Mapping[str, GrantKind]] = {kind.value: kind for kind in GrantKind}

# Their order is that of the values in a store: a field that comes up is put at the end.
DATABASE_FIELDS: Final = tuple(field.name for field in attrs.fields(DatabaseRecord))
USER_FIELDS: Final = tuple(field.name for field in attrs.fields(UserRecord))
GRANT_FIELDS: Final = tuple(field.name for field in attrs.fields(Grant))

_database_values = attrgetter(*DATABASE_FIELDS)
_user_values = attrgetter(*USER_FIELDS)
_grant_values = attrgetter(*GRANT_FIELDS)


def database_to_json(database: DatabaseRecord) -> dict[str, Any]:
    """Return what is known of a database; the tags in order."""
    tags, end_of_life = database.tags, database.end_of_life
    return {
        "provider": database.provider,
        "account": database.account,
        "id": database.id,
        "name": database.name,
        "engine": None if database.engine is None else str(database.engine),
        "version": database.version,
        "region": database.region,
        "status": database.status,
        "tags": None if tags is None else sorted(tags),
        "open_to_world": database.open_to_world,
        "end_of_life": None if end_of_life is None else end_of_life.isoformat(),
        "has_users": database.has_users,
    }


def database_from_json(value: object) -> DatabaseRecord:
    """Return the database; raises `ValueError` that says which key is wrong, and not its value."""
    known = instance(dict, value, "database")
    engine = maybe(known, "engine", text)
    return DatabaseRecord(
        provider=text(known.get("provider"), "provider"),
        account=text(known.get("account"), "account"),
        id=text(known.get("id"), "id"),
        name=text(known.get("name"), "name"),
        engine=None if engine is None else ENGINES.get(engine, engine),
        version=maybe(known, "version", text),
        region=maybe(known, "region", text),
        status=maybe(known, "status", text),
        tags=maybe(known, "tags", _tags),
        open_to_world=maybe(known, "open_to_world", flag),
        end_of_life=maybe(known, "end_of_life", _day),
        has_users=flag(known.get("has_users"), "has_users"),
    )


def user_to_json(user: UserRecord) -> dict[str, Any]:
    """Return what is known of a user; the grants in the provider's order."""
    grants, expires = user.grants, user.certificate_expires
    return {
        "name": user.name,
        "built_in": user.built_in,
        "password_encryption": user.password_encryption,
        "auth_plugin": user.auth_plugin,
        "superuser": user.superuser,
        "replication": user.replication,
        "read_only": user.read_only,
        "grants": None if grants is None else [_grant_to_json(grant) for grant in grants],
        "certificate_expires": None if expires is None else expires.isoformat(),
        "secrets_visible": user.secrets_visible,
    }


def user_from_json(value: object) -> UserRecord:
    """Return the user; raises `ValueError` that says which key is wrong, and not its value."""
    known = instance(dict, value, "user")
    return UserRecord(
        name=text(known.get("name"), "name"),
        built_in=maybe(known, "built_in", flag),
        password_encryption=maybe(known, "password_encryption", text),
        auth_plugin=maybe(known, "auth_plugin", text),
        superuser=maybe(known, "superuser", flag),
        replication=maybe(known, "replication", flag),
        read_only=maybe(known, "read_only", flag),
        grants=maybe(known, "grants", _grants),
        certificate_expires=maybe(known, "certificate_expires", moment),
        secrets_visible=flag(known.get("secrets_visible"), "secrets_visible"),
    )


def database_to_column(database: DatabaseRecord) -> str:
    """Return a database as the JSON of a store's column: its values, in the order of the fields."""
    return orjson.dumps(_database_values(database), default=sorted).decode()  # the set of tags


def database_from_column(column: str) -> DatabaseRecord:
    """Return the database; raises `ValueError` as `database_from_json` does."""
    return database_from_json(_keyed(DATABASE_FIELDS, orjson.loads(column)))


def users_to_column(users: Iterable[UserRecord]) -> str:
    """Return users as the JSON of a store's column: the values of each."""
    return orjson.dumps([_user_values(user) for user in users], default=_grant_values).decode()


def users_from_column(column: str) -> tuple[UserRecord, ...]:
    """Return the users; raises `ValueError` as `user_from_json` does."""
    return tuple(map(_user_from_values, instance(list, orjson.loads(column), "users")))


def _user_from_values(values: object) -> UserRecord:
    user = _keyed(USER_FIELDS, values)
    if isinstance(user, dict) and isinstance(user.get("grants"), list):
        user["grants"] = [_keyed(GRANT_FIELDS, grant) for grant in user["grants"]]
    return user_from_json(user)


def _keyed(fields: Iterable[str], values: object) -> object:
    """Return values by their fields, as JSON Lines have them and the first stores had."""
    # Fields may have come up since it was written.
    return dict(zip(fields, values, strict=False)) if isinstance(values, list) else values


def _grant_to_json(grant: Grant) -> dict[str, Any]:
    return {
        "kind": str(grant.kind),
        "pattern": grant.pattern,
        "permission": grant.permission,
    }


def _grant_from_json(value: object, key: str) -> Grant:
    known = instance(dict, value, key)
    kind = text(known.get("kind"), "kind")
    if kind not in GRANT_KINDS:
        raise ValueError(f"kind: not one of {', '.join(GRANT_KINDS)}")
    return Grant(GRANT_KINDS[kind], maybe(known, "pattern", text), maybe(known, "permission", text))


def _tags(value: object, key: str) -> frozenset[str]:
    return frozenset(text(tag, key) for tag in instance(list, value, key))


def _grants(value: object, key: str) -> tuple[Grant, ...]:
    return tuple(_grant_from_json(grant, key) for grant in instance(list, value, key))


def _day(value: object, key: str) -> date:
    try:
        return date.fromisoformat(text(value, key))
    except ValueError:
        raise ValueError(f"{key}: not a date") from None
