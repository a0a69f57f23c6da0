"""DigitalOcean's databases and users in the audit's words."""

from collections.abc import Iterable
from typing import Final

import attrs

from dbusers.absent import Maybe
from dbusers.audit.records import DatabaseRecord, Grant, GrantKind, UserRecord
from dbusers.audit.records import Engine as AuditedEngine
from dbusers.digitalocean.client import DigitalOceanClient
from dbusers.digitalocean.models import (
    DatabaseCluster,
    DatabaseUser,
    Engine,
    FirewallRule,
    FirewallRuleType,
    UserRole,
    UserSettings,
)

PROVIDER: Final = "DigitalOcean"
ENGINES: Final = {
    Engine.PG: AuditedEngine.POSTGRESQL,
    Engine.ADVANCED_PG: AuditedEngine.POSTGRESQL,
    Engine.MYSQL: AuditedEngine.MYSQL,
    Engine.ADVANCED_MYSQL: AuditedEngine.MYSQL,
    Engine.MONGODB: AuditedEngine.MONGODB,
    Engine.KAFKA: AuditedEngine.KAFKA,
    Engine.OPENSEARCH: AuditedEngine.OPENSEARCH,
    Engine.REDIS: AuditedEngine.REDIS,
    Engine.VALKEY: AuditedEngine.VALKEY,
}
WITHOUT_USERS: Final = frozenset({AuditedEngine.REDIS, AuditedEngine.VALKEY})
ANYWHERE: Final = frozenset({"0.0.0.0/0", "::/0"})


@attrs.frozen
class DigitalOceanInventory:
    """The clusters and users that a client's token can see: one request, and one per cluster."""

    client: DigitalOceanClient = attrs.field(repr=False)

    @property
    def provider(self) -> str:
        """Return "DigitalOcean"."""
        return PROVIDER

    async def databases(self) -> list[DatabaseRecord]:
        """Return every cluster. Scope `database:read`."""
        return [database_record(cluster) for cluster in await self.client.databases.get()]

    async def users(self, database: DatabaseRecord) -> list[UserRecord]:
        """Return every user of a cluster. Scope `database:read`."""
        users = await self.client.databases.by_id(database.id).users.get()
        return [user_record(user) for user in users]


def database_record(cluster: DatabaseCluster) -> DatabaseRecord:
    """Return what the audit knows of a cluster."""
    known = Engine.of(cluster.engine)
    engine = cluster.engine if known is None else ENGINES[known]
    return DatabaseRecord(
        provider=PROVIDER,
        id=cluster.id,
        name=cluster.name,
        engine=engine,
        version=cluster.version or None,
        region=cluster.region or None,
        status=cluster.status or None,
        open_to_world=_open_to_world(cluster.rules),
        has_users=engine not in WITHOUT_USERS,
    )


def user_record(user: DatabaseUser) -> UserRecord:
    """Return what the audit knows of a user; passwords, keys and certificates stay behind."""
    return UserRecord(
        name=user.name,
        built_in=UserRole.of(user.role) is UserRole.PRIMARY if user.role else None,
        auth_plugin=user.mysql_settings.auth_plugin if user.mysql_settings else None,
        replication=_known(user.settings.pg_allow_replication) if user.settings else None,
        grants=_grants(user),
        secrets_visible=bool(user.password or user.access_key),
    )


def _known(value: Maybe[bool]) -> bool | None:
    return value if isinstance(value, bool) else None


def _open_to_world(rules: Maybe[tuple[FirewallRule, ...]]) -> bool | None:
    # Present and empty: anyone. Null is not documented, so it says nothing.
    if not isinstance(rules, tuple):
        return None
    return not rules or any(
        FirewallRuleType.of(rule.type) is FirewallRuleType.IP_ADDR and rule.value in ANYWHERE
        for rule in rules
    )


def _grants(user: DatabaseUser) -> tuple[Grant, ...] | None:
    """Return the grants of the user's engine, None where the answer has none of the lists.

    A list that is null is as unknown as one that is absent: what it means is not documented.
    """
    settings = user.settings or UserSettings()
    lists: list[Iterable[Grant]] = []
    if isinstance(settings.acl, tuple):
        lists.append(Grant(GrantKind.TOPIC, a.topic, a.permission) for a in settings.acl)
    if isinstance(settings.opensearch_acl, tuple):
        lists.append(
            Grant(GrantKind.INDEX, a.index or None, a.permission or None)
            for a in settings.opensearch_acl
        )
    if user.mongo and isinstance(user.mongo.databases, tuple):
        role = user.mongo.role or None
        lists.append(Grant(GrantKind.DATABASE, name, role) for name in user.mongo.databases)
    return tuple(grant for grants in lists for grant in grants) if lists else None
