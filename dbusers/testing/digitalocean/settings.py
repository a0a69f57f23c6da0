"""The settings of a DigitalOcean database user: what a request may say, and what is then kept.

Everything is refused that the provider's documentation does not name for the cluster's engine. A
few fields are known here that an SDK may not know yet (`_NEWER_…`): the fleet hands them out, and a
client that reads settings and writes them back has to return them.
"""

from collections.abc import Callable, Iterable
from typing import Any

from dbusers.testing.digitalocean.problem import Problem
from dbusers.testing.wire import JsonObject

POSTGRESQL = frozenset({"pg", "advanced_pg"})
MYSQL = frozenset({"mysql", "advanced_mysql"})
WITHOUT_USERS = frozenset({"redis", "valkey"})
UPDATABLE = POSTGRESQL | {"kafka", "opensearch"}  # others: 422; API reference, "Update a User"

AUTH_PLUGINS = ("mysql_native_password", "caching_sha2_password")
DEFAULT_AUTH_PLUGIN = "caching_sha2_password"  # since MySQL 8.0
KAFKA_PERMISSIONS = ("admin", "consume", "produce", "produceconsume")
OPENSEARCH_PERMISSIONS = ("deny", "admin", "read", "readwrite", "write")
MONGODB_ROLES = ("readOnly", "readWrite", "dbAdmin")

_ENGINES_OF_SETTING = {
    "pg_allow_replication": POSTGRESQL,
    "acl": frozenset({"kafka"}),
    "opensearch_acl": frozenset({"opensearch"}),
    "mongo_user_settings": frozenset({"mongodb"}),
}
_NEWER_SETTINGS = {"pg_connection_limit": POSTGRESQL}
_NEWER_KAFKA_FIELDS = frozenset({"pattern_type"})
_NEWER_OPENSEARCH_FIELDS = frozenset({"field_masking"})

NewId = Callable[[], str]


def read_settings(raw: object, engine: str, new_id: NewId) -> JsonObject:
    """Return the settings to keep in place of the old ones.

    What is left out falls back to its default. Raises `Problem` 422 for what is unknown, of the
    wrong type or meant for another engine.
    """
    settings = _object(raw, "settings")
    engines_of_setting = {**_ENGINES_OF_SETTING, **_NEWER_SETTINGS}
    for name in settings:
        if name not in engines_of_setting:
            raise Problem(422, f"unknown field: settings.{name}")
        if engine not in engines_of_setting[name]:
            raise Problem(422, f"settings.{name} is not supported for the engine {engine}")
    kept = dict(settings)
    if engine in POSTGRESQL:
        kept["pg_allow_replication"] = _flag(settings, "pg_allow_replication", "settings")
    elif engine == "kafka":
        kept["acl"] = _kafka_acl(settings.get("acl"), new_id)
    elif engine == "opensearch":
        kept["opensearch_acl"] = _opensearch_acl(settings.get("opensearch_acl"))
    elif settings.get("mongo_user_settings") is not None:
        kept["mongo_user_settings"] = _mongo_user_settings(settings["mongo_user_settings"])
    return kept


def read_mysql_settings(raw: object, engine: str) -> JsonObject:
    """Return the MySQL settings in a request; raises `Problem` 422."""
    if engine not in MYSQL:
        raise Problem(422, f"mysql_settings is not supported for the engine {engine}")
    settings = _object(raw, "mysql_settings")
    refuse_unknown(settings, {"auth_plugin"}, "mysql_settings")
    if settings.get("auth_plugin") not in AUTH_PLUGINS:
        raise Problem(422, f"mysql_settings.auth_plugin must be one of {', '.join(AUTH_PLUGINS)}")
    return settings


def refuse_unknown(body: JsonObject, known: Iterable[str], place: str = "") -> None:
    """Raise `Problem` 422 if the object has a key that is not known."""
    unknown = sorted(set(body) - set(known))
    if unknown:
        raise Problem(422, f"unknown field: {place + '.' if place else ''}{unknown[0]}")


def _kafka_acl(raw: object, new_id: NewId) -> list[JsonObject]:
    place = "settings.acl"
    entries = _entries(raw, place, {"id", "topic", "permission", *_NEWER_KAFKA_FIELDS})
    ids: set[str] = set()
    kept = []
    for entry in entries:
        _text(entry, "topic", place)
        _one_of(entry, "permission", KAFKA_PERMISSIONS, place)
        given = entry.get("id")
        if given is not None and not isinstance(given, str):
            raise Problem(422, f"{place}.id must be a string")
        acl_id = given or new_id()
        if acl_id in ids:
            raise Problem(422, f"{place}.id is used twice")
        ids.add(acl_id)
        kept.append({**entry, "id": acl_id})
    return kept


def _opensearch_acl(raw: object) -> list[JsonObject]:
    place = "settings.opensearch_acl"
    entries = _entries(raw, place, {"index", "permission", *_NEWER_OPENSEARCH_FIELDS})
    kept = []
    for entry in entries:
        complete = {"permission": "deny", **entry}  # the documented default
        _text(complete, "index", place)
        _one_of(complete, "permission", OPENSEARCH_PERMISSIONS, place)
        kept.append(complete)
    return kept


def _mongo_user_settings(raw: object) -> JsonObject:
    place = "settings.mongo_user_settings"
    settings = _object(raw, place)
    refuse_unknown(settings, {"databases", "role"}, place)
    databases = settings.get("databases", [])
    if not isinstance(databases, list) or not all(isinstance(name, str) for name in databases):
        raise Problem(422, f"{place}.databases must be a list of strings")
    if settings.get("role") is not None:
        _one_of(settings, "role", MONGODB_ROLES, place)
    return settings


def _object(raw: object, place: str) -> JsonObject:
    if not isinstance(raw, dict):
        raise Problem(422, f"{place} must be an object")
    return raw


def _entries(raw: object, place: str, known: set[str]) -> list[JsonObject]:
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise Problem(422, f"{place} must be a list")
    entries = [_object(entry, f"{place} entry") for entry in raw]
    for entry in entries:
        refuse_unknown(entry, known, place)
    return entries


def _flag(body: JsonObject, name: str, place: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise Problem(422, f"{place}.{name} must be a boolean")
    return bool(value)


def _text(body: JsonObject, name: str, place: str) -> None:
    if not isinstance(body.get(name), str) or not body[name]:
        raise Problem(422, f"{place}.{name} is required and must be a string")


def _one_of(body: JsonObject, name: str, choices: tuple[str, ...], place: str) -> None:
    # The provider is seen to hand out other spellings (`produce_consume`, upper case); what it
    # hands out it has to take back.
    if _normal(body.get(name)) not in {_normal(choice) for choice in choices}:
        raise Problem(422, f"{place}.{name} must be one of {', '.join(choices)}")


def _normal(value: Any) -> str | None:
    return value.lower().replace("_", "").replace("-", "") if isinstance(value, str) else None
