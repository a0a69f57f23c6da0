"""What DigitalOcean's Databases API sends and takes; field names are the wire's own.

Every optional field is a `Maybe[T]`: a value, None (null) or `ABSENT` (not in the answer). Unknown
fields are kept in `additional_data` and written back. Fields typed `SomeEnum | str` hold the text
that came; `SomeEnum.of(text)` tells which known value it spells.

Source: DigitalOcean API reference, "Databases".
"""

from datetime import datetime
from typing import Any, Self

import attrs

from dbusers.absent import ABSENT, Maybe
from dbusers.codec import as_tuple
from dbusers.errors import InvalidRequest
from dbusers.model import Model
from dbusers.openenum import OpenEnum
from dbusers.secret import Secret


class Engine(OpenEnum):
    """The engine of a cluster."""

    PG = "pg"
    MYSQL = "mysql"
    REDIS = "redis"
    VALKEY = "valkey"
    MONGODB = "mongodb"
    KAFKA = "kafka"
    OPENSEARCH = "opensearch"
    ADVANCED_PG = "advanced_pg"
    ADVANCED_MYSQL = "advanced_mysql"


class ClusterStatus(OpenEnum):
    """What a cluster is doing; one that is not ready may answer 404 for its users."""

    CREATING = "creating"
    ONLINE = "online"
    RESIZING = "resizing"
    MIGRATING = "migrating"
    FORKING = "forking"


class FirewallRuleType(OpenEnum):
    """What kind of source a firewall rule trusts."""

    DROPLET = "droplet"
    K8S = "k8s"
    IP_ADDR = "ip_addr"
    TAG = "tag"
    APP = "app"


class UserRole(OpenEnum):
    """`primary` is the built-in administrator, `doadmin`."""

    PRIMARY = "primary"
    NORMAL = "normal"


class MySQLAuthPlugin(OpenEnum):
    """How a MySQL user proves the password; the native one is a weak, deprecated hash."""

    NATIVE_PASSWORD = "mysql_native_password"  # noqa: S105  (a method, not a password)
    CACHING_SHA2_PASSWORD = "caching_sha2_password"  # noqa: S105


class KafkaPermission(OpenEnum):
    """What a Kafka user may do with the topics that a pattern matches."""

    ADMIN = "admin"
    CONSUME = "consume"
    PRODUCE = "produce"
    PRODUCECONSUME = "produceconsume"


class OpenSearchPermission(OpenEnum):
    """What an OpenSearch user may do with the indexes that a pattern matches."""

    DENY = "deny"
    ADMIN = "admin"
    READ = "read"
    READWRITE = "readwrite"
    WRITE = "write"


class MongoRole(OpenEnum):
    """What a MongoDB user may do in its databases."""

    READ_ONLY = "readOnly"
    READ_WRITE = "readWrite"
    DB_ADMIN = "dbAdmin"


@attrs.frozen(repr=False)
class MySQLSettings(Model):
    """MySQL: how the user logs in. The default since MySQL 8.0 is `caching_sha2_password`."""

    auth_plugin: MySQLAuthPlugin | str


@attrs.frozen(repr=False)
class KafkaAcl(Model):
    """Kafka: one permission on the topics that the pattern `topic` matches.

    `id` is the server's. Keep it when writing a list back.
    """

    topic: str
    permission: KafkaPermission | str
    id: Maybe[str] = ABSENT


@attrs.frozen(repr=False)
class OpenSearchAcl(Model):
    """OpenSearch: one permission on the indexes that the pattern `index` matches."""

    index: Maybe[str] = ABSENT
    permission: Maybe[OpenSearchPermission | str] = ABSENT


@attrs.frozen(repr=False)
class MongoUserSettings(Model):
    """MongoDB: the user's role in each of `databases`; the database `admin` means all of them."""

    databases: Maybe[tuple[str, ...]] = attrs.field(default=ABSENT, converter=as_tuple)
    role: Maybe[MongoRole | str] = ABSENT


@attrs.frozen(repr=False)
class UserSettings(Model):
    """What a user may do, by engine: PostgreSQL, OpenSearch, Kafka and MongoDB in this order."""

    pg_allow_replication: Maybe[bool] = ABSENT
    opensearch_acl: Maybe[tuple[OpenSearchAcl, ...]] = attrs.field(
        default=ABSENT, converter=as_tuple
    )
    acl: Maybe[tuple[KafkaAcl, ...]] = attrs.field(default=ABSENT, converter=as_tuple)
    mongo_user_settings: Maybe[MongoUserSettings] = ABSENT


@attrs.frozen(repr=False)
class DatabaseUser(Model):
    """A user of a cluster.

    `password`, `access_cert` and `access_key` (the latter two PEM, Kafka only) are absent unless
    the token has the scope `database:view_credentials`; MongoDB shows a password only in the
    answers to create and reset. Absent `settings` do not mean that there are none: the read of a
    single user is known to leave them out.
    """

    name: str
    role: Maybe[UserRole | str] = ABSENT
    password: Maybe[Secret] = ABSENT
    access_cert: Maybe[Secret] = ABSENT
    access_key: Maybe[Secret] = ABSENT
    mysql_settings: Maybe[MySQLSettings] = ABSENT
    settings: Maybe[UserSettings] = ABSENT
    mongo_user_settings: Maybe[MongoUserSettings] = ABSENT

    @property
    def mongo(self) -> Maybe[MongoUserSettings]:
        """Return the MongoDB settings, in whichever of the two documented places they came."""
        if self.settings and self.settings.mongo_user_settings:
            return self.settings.mongo_user_settings
        return self.mongo_user_settings


@attrs.frozen(repr=False)
class UserCreate(Model):
    """A user to create. `readonly` is MongoDB's older way, on its way out."""

    name: str
    mysql_settings: Maybe[MySQLSettings] = ABSENT
    settings: Maybe[UserSettings] = ABSENT
    readonly: Maybe[bool] = ABSENT


@attrs.frozen(repr=False)
class UserUpdate(Model):
    """The settings a user shall have from now on.

    They replace what was there: a right that is left out is revoked. `UserUpdate.keeping` starts
    from what was read.
    """

    settings: UserSettings = attrs.field()

    @settings.validator
    def _is_known(self, _: "attrs.Attribute[UserSettings]", settings: object) -> None:
        if not isinstance(settings, UserSettings):
            raise InvalidRequest(
                "UserUpdate: settings must be UserSettings; they replace all the user has, so "
                "where a read left them out, take them from the list of users or state them all"
            )

    @classmethod
    def keeping(cls, user: DatabaseUser, **changes: Any) -> Self:
        """Return the update that leaves `user` as it was read, but for `changes`.

            await app.put(UserUpdate.keeping(await app.get(), pg_allow_replication=True))

        Keeps fields that this SDK does not know, and the ids of ACLs. Raises `InvalidRequest` if
        the settings were not in the answer: writing would revoke what was not seen.
        """
        settings = user.settings
        if user.mongo:
            settings = attrs.evolve(settings or UserSettings(), mongo_user_settings=user.mongo)
        if settings is None:
            settings = UserSettings()
        if settings is ABSENT:
            raise InvalidRequest(
                f"the settings of {user.name!r} were not in the answer, and writing others would "
                "revoke them unseen: read the user from the list of users, or state all settings "
                "in UserUpdate(settings=…)"
            )
        return cls(settings=attrs.evolve(settings, **changes))


@attrs.frozen(repr=False)
class ResetAuth(Model):
    """How the user shall log in after the reset; MySQL only."""

    mysql_settings: Maybe[MySQLSettings] = ABSENT


@attrs.frozen(repr=False)
class DatabaseConnection(Model):
    """How to connect as the primary user; `uri` holds the password too."""

    uri: Maybe[Secret] = ABSENT
    database: Maybe[str] = ABSENT
    host: Maybe[str] = ABSENT
    port: Maybe[int] = ABSENT
    user: Maybe[str] = ABSENT
    password: Maybe[Secret] = ABSENT
    ssl: Maybe[bool] = ABSENT


@attrs.frozen(repr=False)
class FirewallRule(Model):
    """A trusted source. A cluster with an empty list of them is reachable from anywhere."""

    type: FirewallRuleType | str
    value: str
    uuid: Maybe[str] = ABSENT
    cluster_uuid: Maybe[str] = ABSENT
    created_at: Maybe[datetime] = ABSENT
    description: Maybe[str] = ABSENT


@attrs.frozen(repr=False)
class DatabaseCluster(Model):
    """A cluster. `users`, where it is there, is not a complete list: ask the cluster for them.

    The two `version_end_of_…` are timestamps in practice, but documented as mere text.
    """

    id: str
    name: str
    engine: Engine | str
    num_nodes: Maybe[int] = ABSENT
    size: Maybe[str] = ABSENT
    region: Maybe[str] = ABSENT
    version: Maybe[str] = ABSENT
    semantic_version: Maybe[str] = ABSENT
    status: Maybe[ClusterStatus | str] = ABSENT
    created_at: Maybe[datetime] = ABSENT
    tags: Maybe[tuple[str, ...]] = attrs.field(default=ABSENT, converter=as_tuple)
    db_names: Maybe[tuple[str, ...]] = attrs.field(default=ABSENT, converter=as_tuple)
    users: Maybe[tuple[DatabaseUser, ...]] = attrs.field(default=ABSENT, converter=as_tuple)
    rules: Maybe[tuple[FirewallRule, ...]] = attrs.field(default=ABSENT, converter=as_tuple)
    version_end_of_life: Maybe[str] = ABSENT
    version_end_of_availability: Maybe[str] = ABSENT
    project_id: Maybe[str] = ABSENT
    private_network_uuid: Maybe[str] = ABSENT
    connection: Maybe[DatabaseConnection] = ABSENT
    private_connection: Maybe[DatabaseConnection] = ABSENT
    standby_connection: Maybe[DatabaseConnection] = ABSENT
    standby_private_connection: Maybe[DatabaseConnection] = ABSENT
