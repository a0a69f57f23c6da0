"""DigitalOcean's databases and users in the audit's words."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import attrs

from dbusers.absent import ABSENT, Maybe
from dbusers.audit.records import (
    DatabaseRecord,
    Grant,
    GrantKind,
    UserRecord,
    make_grant,
    make_user,
)
from dbusers.audit.records import Engine as AuditedEngine
from dbusers.digitalocean.certificates import expiry
from dbusers.digitalocean.client import DigitalOceanClient
from dbusers.digitalocean.models import (
    DatabaseCluster,
    DatabaseUser,
    Engine,
    FirewallRule,
    FirewallRuleType,
    MongoUserSettings,
    MySQLSettings,
    UserRole,
    UserSettings,
)
from dbusers.secret import Secret

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
# Looked up once: this is asked for every user, and takes its time on Python 3.11.
PRIMARY: Final = UserRole.PRIMARY
IP_ADDR: Final = FirewallRuleType.IP_ADDR
TOPIC: Final = GrantKind.TOPIC
INDEX: Final = GrantKind.INDEX
DATABASE: Final = GrantKind.DATABASE
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

    async def databases_with_embedded_users(
        self,
    ) -> list[tuple[DatabaseRecord, tuple[UserRecord, ...] | None]]:
        """Return every cluster with the users that its list names; None where it has no list.

        Scope `database:read`. Public samples of such lists hold the primary user only, so they are
        not taken for complete. Names and roles are kept of them, and that a secret was visible.
        """
        return [
            (database_record(cluster), _embedded(cluster))
            for cluster in await self.client.databases.get()
        ]

    async def users(self, database: DatabaseRecord) -> list[UserRecord]:
        """Return every user of a cluster. Scope `database:read`."""
        users = await self.client.databases.by_id(database.id).users.get()
        return [user_record(user) for user in users]

    def requests_to_list(self) -> int:
        """Return 1: the list is not paged."""
        return 1

    def requests_for(self, databases: Sequence[DatabaseRecord]) -> int:
        """Return one for each database that has users."""
        return sum(database.has_users for database in databases)


def database_record(cluster: DatabaseCluster) -> DatabaseRecord:
    """Return what the audit knows of a cluster."""
    known = Engine.of(cluster.engine)
    engine = cluster.engine if known is None else ENGINES[known]
    return DatabaseRecord(
        provider=PROVIDER,
        id=cluster.id,
        name=cluster.name,
        engine=engine,
        version=cluster.semantic_version or cluster.version or None,
        region=cluster.region or None,
        status=cluster.status or None,
        tags=None if cluster.tags is ABSENT else frozenset(cluster.tags or ()),
        open_to_world=_open_to_world(cluster.rules),
        end_of_life=_day(cluster.version_end_of_life),
        has_users=engine not in WITHOUT_USERS,
    )


def user_record(user: DatabaseUser) -> UserRecord:
    """Return what the audit knows of a user; passwords, keys and certificates stay behind."""
    settings, mysql, certificate = user.settings, user.mysql_settings, user.access_cert
    return make_user(
        user.name,
        _built_in(user),
        auth_plugin=mysql.auth_plugin if isinstance(mysql, MySQLSettings) else None,
        replication=(
            _known(settings.pg_allow_replication) if isinstance(settings, UserSettings) else None
        ),
        grants=_grants(user),
        certificate_expires=expiry(certificate) if isinstance(certificate, Secret) else None,
        secrets_visible=_secrets_visible(user),
    )


def _embedded(cluster: DatabaseCluster) -> tuple[UserRecord, ...] | None:
    if not isinstance(cluster.users, tuple):
        return None
    return tuple(
        UserRecord(name=user.name, built_in=_built_in(user), secrets_visible=_secrets_visible(user))
        for user in cluster.users
    )


def _built_in(user: DatabaseUser) -> bool | None:
    role = UserRole.of(user.role) if isinstance(user.role, str) else None
    return None if role is None else role is PRIMARY


def _secrets_visible(user: DatabaseUser) -> bool:
    if user.password is ABSENT and user.access_key is ABSENT:
        return False
    return bool(user.password or user.access_key)


def _day(text: Maybe[str]) -> date | None:
    """Return the day of a timestamp; None where there is none: the field is documented as text."""
    try:
        return datetime.fromisoformat(text).date() if text else None
    except ValueError:
        return None


def _known(value: Maybe[bool]) -> bool | None:
    return value if isinstance(value, bool) else None


def _open_to_world(rules: Maybe[tuple[FirewallRule, ...]]) -> bool | None:
    # Present and empty: anyone. Null is not documented, so it says nothing.
    if not isinstance(rules, tuple):
        return None
    return not rules or any(
        rule.value in ANYWHERE and FirewallRuleType.of(rule.type) is IP_ADDR for rule in rules
    )


def _grants(user: DatabaseUser) -> tuple[Grant, ...] | None:
    """Return the grants of the user's engine, None where the answer has none of the lists.

    A list that is null is as unknown as one that is absent: what it means is not documented.
    """
    grants: list[Grant] | None = None
    settings, mongo = user.settings, user.mongo
    if isinstance(settings, UserSettings):
        if isinstance(settings.acl, tuple):
            grants = [make_grant(TOPIC, a.topic, a.permission) for a in settings.acl]
        if isinstance(settings.opensearch_acl, tuple):
            acl = settings.opensearch_acl
            of_indexes = [make_grant(INDEX, a.index or None, a.permission or None) for a in acl]
            grants = (grants or []) + of_indexes
    if isinstance(mongo, MongoUserSettings) and isinstance(mongo.databases, tuple):
        role = mongo.role or None
        grants = (grants or []) + [make_grant(DATABASE, name, role) for name in mongo.databases]
    return None if grants is None else tuple(grants)
