"""What Scalingo's platform and database APIs send and take; field names are the wire's own.

Every optional field is a `Maybe[T]`: a value, None (null) or `ABSENT` (not in the answer). Unknown
fields are kept in `additional_data`. Fields typed `SomeEnum | str` hold the text that came;
`SomeEnum.of(text)` tells which known value it spells.

Source: Scalingo developer documentation, "Platform API" and "Database API".
"""

from datetime import datetime
from typing import Any

import attrs

from dbusers.absent import ABSENT, Maybe
from dbusers.codec import as_secret, as_tuple
from dbusers.model import Model
from dbusers.openenum import OpenEnum
from dbusers.secret import Secret


class AddonStatus(OpenEnum):
    """What an addon is doing."""

    RUNNING = "running"
    PROVISIONING = "provisioning"
    SUSPENDED = "suspended"


class DatabaseStatus(OpenEnum):
    """What a database is doing."""

    CREATING = "creating"
    RUNNING = "running"
    MIGRATING = "migrating"
    UPDATING = "updating"
    UPGRADING = "upgrading"
    STOPPED = "stopped"


class FeatureStatus(OpenEnum):
    """Whether a feature is on."""

    ACTIVATED = "ACTIVATED"
    PENDING = "PENDING"
    FAILED = "FAILED"


class PasswordEncryption(OpenEnum):
    """How PostgreSQL keeps a password; MD5 is weak."""

    SCRAM_SHA_256 = "SCRAM-SHA-256"
    MD5 = "MD5"


@attrs.frozen(repr=False)
class Region(Model):
    """A region and its hosts, as URLs."""

    name: str
    display_name: Maybe[str] = ABSENT
    api: Maybe[str] = ABSENT
    dashboard: Maybe[str] = ABSENT
    database_api: Maybe[str] = ABSENT
    ssh: Maybe[str] = ABSENT


@attrs.frozen(repr=False)
class App(Model):
    """An app; databases are addons of one."""

    id: str
    name: str


@attrs.frozen(repr=False)
class AddonPlan(Model):
    """The plan of an addon."""

    name: str
    id: Maybe[str] = ABSENT


@attrs.frozen(repr=False)
class AddonProvider(Model):
    """What an addon is: `postgresql` and `scalingo-postgresql` are both seen, for the same."""

    id: str
    name: Maybe[str] = ABSENT


@attrs.frozen(repr=False)
class Addon(Model):
    """An addon of an app; the id of a database's addon is the id of the database."""

    id: str
    app_id: Maybe[str] = ABSENT
    resource_id: Maybe[str] = ABSENT
    status: Maybe[AddonStatus | str] = ABSENT
    plan: Maybe[AddonPlan] = ABSENT
    addon_provider: Maybe[AddonProvider] = ABSENT
    provisioned_at: Maybe[datetime] = ABSENT
    deprovisioned_at: Maybe[datetime] = ABSENT
    updated_at: Maybe[datetime] = ABSENT


@attrs.frozen(repr=False)
class DedicatedDatabase(Model):
    """A database on machines of its own; also an app of the same name, with one addon.

    That addon's id, not this one's, is the id of the database on the database host.
    """

    id: str
    name: str
    project_id: Maybe[str] = ABSENT
    technology: Maybe[str] = ABSENT
    plan: Maybe[str] = ABSENT


@attrs.frozen
class FoundDatabase:
    """A database of the account, as the platform knows it: what `databases.get()` returns.

    `id` is its id on the database host and `app` the app it belongs to: `by_id(id, app=app)`.
    `engine` is in the spelling of the database host (`postgresql`, `mysql`, …), None if the
    platform does not say.
    """

    id: str
    app: str
    engine: str | None
    dedicated: bool
    addon: Addon = attrs.field(repr=False)


@attrs.frozen(repr=False)
class DatabaseFeature(Model):
    """A feature of a database and whether it is on."""

    name: str
    status: Maybe[FeatureStatus | str] = ABSENT


@attrs.frozen(repr=False)
class MaintenanceWindow(Model):
    """When the provider may work on the database, in UTC."""

    weekday_utc: Maybe[int] = ABSENT
    starting_hour_utc: Maybe[int] = ABSENT
    duration_in_hour: Maybe[int] = ABSENT


@attrs.frozen(repr=False)
class Database(Model):
    """A database, as the database host knows it."""

    id: str
    resource_id: Maybe[str] = ABSENT
    app_name: Maybe[str] = ABSENT
    created_at: Maybe[datetime] = ABSENT
    encryption_at_rest: Maybe[bool] = ABSENT
    features: Maybe[tuple[DatabaseFeature, ...]] = attrs.field(default=ABSENT, converter=as_tuple)
    plan: Maybe[str] = ABSENT
    status: Maybe[DatabaseStatus | str] = ABSENT
    type_id: Maybe[str] = ABSENT
    type_name: Maybe[str] = ABSENT
    version_id: Maybe[str] = ABSENT
    next_version_id: Maybe[str] = ABSENT
    readable_version: Maybe[str] = ABSENT
    hostname: Maybe[str] = ABSENT
    instances: Maybe[tuple[dict[str, Any], ...]] = attrs.field(
        default=ABSENT, converter=as_tuple, repr=False, hash=False
    )
    cluster: Maybe[bool] = ABSENT
    current_operation_id: Maybe[str] = ABSENT
    periodic_backups_enabled: Maybe[bool] = ABSENT
    periodic_backups_scheduled_at: Maybe[tuple[int, ...]] = attrs.field(
        default=ABSENT, converter=as_tuple
    )
    maintenance_window: Maybe[MaintenanceWindow] = ABSENT


@attrs.frozen(repr=False)
class DbmsAttributes(Model):
    """What the engine itself says of the user; PostgreSQL only."""

    password_encryption: Maybe[PasswordEncryption | str] = ABSENT


@attrs.frozen(repr=False)
class DatabaseUser(Model):
    """A user of a database.

    `protected` is the built-in user, which cannot be changed or removed. `password` is there only
    in the answers to create, update and reset.
    """

    name: str
    read_only: Maybe[bool] = ABSENT
    protected: Maybe[bool] = ABSENT
    password: Maybe[Secret] = ABSENT
    dbms_attributes: Maybe[DbmsAttributes] = ABSENT


@attrs.frozen(repr=False)
class UserCreate(Model):
    """A user to create.

    `password` has 24 to 64 characters, without quotes; null or absent lets the provider make one.
    The rules for names differ between the provider's texts, so the server is the judge of them.
    """

    name: str
    read_only: Maybe[bool] = ABSENT
    password: Maybe[Secret] = attrs.field(default=ABSENT, converter=as_secret)


@attrs.frozen(repr=False)
class UserUpdate(Model):
    """A user's new password: 24 to 64 characters, without quotes.

    What null or absent means here is undocumented; for new users it means a generated one, which
    `reset_password` gives for certain.
    """

    password: Maybe[Secret] = attrs.field(default=ABSENT, converter=as_secret)
