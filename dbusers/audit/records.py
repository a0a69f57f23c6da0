"""What an audit knows: databases, their users, and how reading each database came out.

Records are provider-neutral and hold no secret: an inventory drops passwords, keys and
certificates where it makes them. A field that is None is unknown: the answer did not have it. That
is never taken for "no".
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Final

import attrs

from dbusers.errors import DbusersError
from dbusers.openenum import OpenEnum
from dbusers.unfrozen import maker


class Engine(OpenEnum):
    """What a database is, in one spelling for all providers."""

    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    MONGODB = "mongodb"
    KAFKA = "kafka"
    OPENSEARCH = "opensearch"
    ELASTICSEARCH = "elasticsearch"
    INFLUXDB = "influxdb"
    REDIS = "redis"
    VALKEY = "valkey"


@attrs.frozen
class DatabaseRecord:
    """A database: a cluster at DigitalOcean, an addon at Scalingo.

    `account` is the name under which the audit knows the account, the provider's unless there are
    several. `id` is the provider's, and unique; `name` is what people call it, and need not be.
    `engine` is an `Engine`, or the provider's word for one that is not among them. `has_users` is
    False where the engine has no user management, so that there is nothing to read.
    `open_to_world`: reachable from any address. `end_of_life`: the day from which the engine's
    version gets no more security fixes.
    """

    provider: str
    id: str
    name: str
    account: str = attrs.field(kw_only=True)
    engine: Engine | str | None = None
    version: str | None = None
    region: str | None = None
    status: str | None = None
    tags: frozenset[str] | None = None
    open_to_world: bool | None = None
    end_of_life: date | None = None
    has_users: bool = True

    @account.default
    def _by_provider(self) -> str:
        return self.provider


class GrantKind(StrEnum):
    """What a grant is for."""

    TOPIC = "topic"
    INDEX = "index"
    DATABASE = "database"


@attrs.frozen(weakref_slot=False)
class Grant:
    """One permission on what `pattern` matches: topics, indexes, or the database of that name.

    `permission` is as the provider spelled it; compare by `dbusers.openenum.normal_form`.
    """

    kind: GrantKind
    pattern: str | None
    permission: str | None


@attrs.frozen(weakref_slot=False)
class UserRecord:
    """A user of a database.

    - `built_in`: the administrator that came with the database, and cannot be removed.
    - `password_encryption`: how the server keeps the password (PostgreSQL).
    - `auth_plugin`: how the user logs in (MySQL).
    - `superuser`: has every right on the server, whatever it was granted.
    - `replication`: may read every change of every table (PostgreSQL).
    - `grants`: what the user may do; empty is nothing, None is unknown.
    - `certificate_expires`: when the certificate that the user logs in with does (Kafka).
    - `secrets_visible`: the answer held the user's password or key, so the token can see them.
    """

    name: str
    built_in: bool | None = None
    password_encryption: str | None = None
    auth_plugin: str | None = None
    superuser: bool | None = None
    replication: bool | None = None
    read_only: bool | None = None
    grants: tuple[Grant, ...] | None = None
    certificate_expires: datetime | None = None
    secrets_visible: bool = False


# Of these there are ten for each database.
make_grant: Final = maker(Grant)
make_user: Final = maker(UserRecord)


@attrs.frozen
class Listed:
    """The databases of one account are known; one outcome for each of them follows."""

    provider: str
    databases: tuple[DatabaseRecord, ...]
    account: str = attrs.field(kw_only=True)

    @account.default
    def _by_provider(self) -> str:
        return self.provider


@attrs.frozen
class NotListed:
    """The databases of one account could not be listed, so none of its users is known."""

    provider: str
    error: DbusersError
    account: str = attrs.field(kw_only=True)

    @account.default
    def _by_provider(self) -> str:
        return self.provider


@attrs.frozen
class Read:
    """All users of a database, the built-in one included."""

    database: DatabaseRecord
    users: tuple[UserRecord, ...]


@attrs.frozen
class NotRead:
    """The users of a database could not be read; nothing is known of them."""

    database: DatabaseRecord
    error: DbusersError


@attrs.frozen
class Skipped:
    """There are no users to read, for `reason`."""

    database: DatabaseRecord
    reason: str


Outcome = Listed | NotListed | Read | NotRead | Skipped
