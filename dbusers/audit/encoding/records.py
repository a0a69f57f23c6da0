"""Records as plain JSON values, and back: what the store and JSON Lines hold.

Every field has a key of its name, and unknown is null. Reading takes a missing key for null, so
that what was written before a field came up can still be read; what must be known may not miss.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from dbusers.audit.encoding.values import flag, instance, maybe, moment, text
from dbusers.audit.records import DatabaseRecord, Engine, Grant, GrantKind, UserRecord

ENGINES: Final[Mapping[str, Engine]] = {engine.value: engine for engine in Engine}
GRANT_KINDS: Final[Mapping[str, GrantKind]] = {kind.value: kind for kind in GrantKind}


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
