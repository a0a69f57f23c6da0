"""What the commands do at DigitalOcean."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Final, TypeVar

import attrs

from dbusers.absent import ABSENT
from dbusers.cli.output import Columns
from dbusers.cli.wishes import Change, Rule, Wishes
from dbusers.digitalocean.client import DigitalOceanClient
from dbusers.digitalocean.databases import UsersRequestBuilder
from dbusers.digitalocean.models import (
    DatabaseCluster,
    DatabaseUser,
    KafkaAcl,
    KafkaPermission,
    MongoRole,
    MongoUserSettings,
    MySQLSettings,
    OpenSearchAcl,
    OpenSearchPermission,
    ResetAuth,
    UserCreate,
    UserSettings,
    UserUpdate,
)
from dbusers.errors import InvalidRequest
from dbusers.openenum import normal_form

Entry = TypeVar("Entry", KafkaAcl, OpenSearchAcl)

SETTINGS: Final = ("replication", "acl", "index", "mongo_databases", "mongo_role")
NO_PASSWORD: Final = "not in the answer: the token lacks the scope database:view_credentials"  # noqa: S105


@attrs.frozen
class DigitalOceanAccount:
    """An account at DigitalOcean, behind the commands."""

    client: DigitalOceanClient

    database_columns: ClassVar[Columns] = {
        "ID": lambda cluster: cluster.id,
        "Name": lambda cluster: cluster.name,
        "Engine": lambda cluster: f"{cluster.engine} {cluster.version or ''}".rstrip(),
        "Region": lambda cluster: cluster.region or "",
        "Status": lambda cluster: cluster.status or "",
    }
    user_columns: ClassVar[Columns] = {
        "Name": lambda user: user.name,
        "Role": lambda user: user.role or "",
        "Settings": lambda user: ", ".join(_described(user)),
    }
    secret_columns: ClassVar[Columns] = {
        "Password": lambda user: user.password.reveal() if user.password else NO_PASSWORD,
        "Certificate": lambda user: "in --output json" if user.access_key else "",
    }

    async def databases(self) -> list[DatabaseCluster]:
        """Return all clusters."""
        return await self.client.databases.get()

    async def users(self, database: str) -> list[DatabaseUser]:
        """Return all users of a cluster."""
        return await self._users(database).get()

    async def user(self, database: str, name: str) -> DatabaseUser:
        """Return one user."""
        return await self._users(database).by_username(name).get()

    async def create(self, database: str, name: str, wishes: Wishes) -> DatabaseUser:
        """Create a user and return it, with its secrets."""
        wishes.refuse_all_but(*SETTINGS, "auth_plugin", because="not at DigitalOcean")
        changes = _changes(wishes, UserSettings())
        body = UserCreate(
            name=name,
            mysql_settings=_mysql(wishes) or ABSENT,
            settings=UserSettings(**changes) if changes else ABSENT,
        )
        return await self._users(database).post(body)

    async def plan(self, database: str, name: str, wishes: Wishes) -> Change:
        """Return the update that changes what is wished and keeps all else."""
        wishes.refuse_all_but(
            *SETTINGS, because="not a setting that DigitalOcean updates; see `dbusers users reset`"
        )
        user = await self._with_settings(database, name)
        changes = _changes(wishes, _settings(user))
        if not changes:
            raise InvalidRequest("nothing to change: name a setting, such as --replication")
        if user.settings is ABSENT and not user.mongo:
            body = UserUpdate(UserSettings(**changes))
            return Change(body, loses=("whatever it has now: the provider does not show it",))
        body = UserUpdate.keeping(user, **changes)
        kept = set(_rights(body.settings))
        return Change(body, loses=tuple(r for r in _rights(_settings(user)) if r not in kept))

    async def update(self, database: str, name: str, change: Change) -> DatabaseUser:
        """Write the planned settings and return the user."""
        return await self._users(database).by_username(name).put(change.body)

    async def delete(self, database: str, name: str) -> None:
        """Remove a user."""
        await self._users(database).by_username(name).delete()

    async def reset(self, database: str, name: str, wishes: Wishes) -> DatabaseUser:
        """Make new secrets for a user and return it with them."""
        wishes.refuse_all_but("auth_plugin", because="a reset does not change it")
        plugin = _mysql(wishes)
        body = ResetAuth(plugin) if plugin else None
        return await self._users(database).by_username(name).reset_auth.post(body)

    def _users(self, database: str) -> UsersRequestBuilder:
        return self.client.databases.by_id(database).users

    async def _with_settings(self, database: str, name: str) -> DatabaseUser:
        # The read of a single user is known to leave the settings out; the list has them.
        user = await self.user(database, name)
        if user.settings is ABSENT and not user.mongo:
            return next((u for u in await self.users(database) if u.name == name), user)
        return user


def _mysql(wishes: Wishes) -> MySQLSettings | None:
    return MySQLSettings(wishes.auth_plugin) if wishes.auth_plugin else None


def _settings(user: DatabaseUser) -> UserSettings:
    settings = user.settings or UserSettings()
    return attrs.evolve(settings, mongo_user_settings=user.mongo) if user.mongo else settings


def _changes(wishes: Wishes, before: UserSettings) -> dict[str, Any]:
    """Return the fields of the settings that the wishes change."""
    changes: dict[str, Any] = {}
    if wishes.replication is not None:
        changes["pg_allow_replication"] = wishes.replication
    if wishes.acl is not None:
        changes["acl"] = _kept_or_new(wishes.acl, before.acl or (), _kafka_acl)
    if wishes.index is not None:
        changes["opensearch_acl"] = _kept_or_new(
            wishes.index, before.opensearch_acl or (), _opensearch_acl
        )
    mongo: dict[str, Any] = {}
    if wishes.mongo_databases is not None:
        mongo["databases"] = wishes.mongo_databases
    if wishes.mongo_role is not None:
        mongo["role"] = MongoRole.of(wishes.mongo_role) or wishes.mongo_role
    if mongo:
        old = before.mongo_user_settings or MongoUserSettings()
        changes["mongo_user_settings"] = attrs.evolve(old, **mongo)
    return changes


def _kafka_acl(rule: Rule) -> KafkaAcl:
    return KafkaAcl(topic=rule[0], permission=KafkaPermission.of(rule[1]) or rule[1])


def _opensearch_acl(rule: Rule) -> OpenSearchAcl:
    return OpenSearchAcl(index=rule[0], permission=OpenSearchPermission.of(rule[1]) or rule[1])


def _kept_or_new(wished: Iterable[Rule], before: Iterable[Entry], new: Any) -> tuple[Entry, ...]:
    """Return the entries for the rules: those that are there, with their ids and all, or new ones.

    Of two that differ only in what this SDK does not know, both are kept.
    """
    there: dict[tuple[str, str], list[Entry]] = {}
    for entry in before:
        there.setdefault(_key(entry), []).append(entry)
    asked = {_key(entry): entry for entry in map(new, wished)}
    return tuple(kept for key, entry in asked.items() for kept in there.get(key, [entry]))


def _key(entry: KafkaAcl | OpenSearchAcl) -> tuple[str, str]:
    name = entry.topic if isinstance(entry, KafkaAcl) else entry.index
    return name or "", normal_form(entry.permission or "")


def _rights(settings: UserSettings) -> Iterator[str]:
    """Yield what the settings give, in words that compare."""
    if settings.pg_allow_replication:
        yield "replication"
    for acl in settings.acl or ():
        yield f"{acl.topic}={KafkaPermission.of(acl.permission) or acl.permission}"
    for entry in settings.opensearch_acl or ():
        permission = entry.permission or ""
        yield f"{entry.index or ''}={OpenSearchPermission.of(permission) or permission}"
    if settings.mongo_user_settings:
        role = settings.mongo_user_settings.role or ""
        for name in settings.mongo_user_settings.databases or ():
            yield f"{name}={MongoRole.of(role) or role}"


def _described(user: DatabaseUser) -> Iterator[str]:
    if user.mysql_settings:
        yield user.mysql_settings.auth_plugin
    yield from _rights(_settings(user))
