"""The seeded apps, addons and databases of Scalingo, with some users set up unwisely."""

from random import Random
from typing import Any
from uuid import UUID

from attrs import field, frozen

from dbusers.testing.names import unique_names
from dbusers.testing.wire import JsonObject

# Every type comes once before the frequent ones come again.
TYPES = (
    "postgresql", "mysql", "mongodb", "redis", "influxdb",
    "postgresql", "mysql", "postgresql", "mongodb", "postgresql",
)  # fmt: skip
_DISPLAY_NAMES = {
    "postgresql": "PostgreSQL", "mysql": "MySQL", "mongodb": "MongoDB", "redis": "Redis",
    "influxdb": "InfluxDB",
}  # fmt: skip
WITH_USERS = frozenset({"postgresql", "mysql", "mongodb", "influxdb"})

_APPS = ("shop", "blog", "intranet", "booking", "crm", "reports", "forum", "wiki", "helpdesk")
_ENVIRONMENTS = ("prod", "staging", "demo")
_VERSIONS = {
    "postgresql": ("16.4.0-1", "14.13.0-1", "11.22.0-1"),
    "mysql": ("8.0.37-1", "5.7.44-1"),
    "mongodb": ("4.4.29-1", "4.0.28-2"),
    "redis": ("7.2.5-1", "6.2.14-1"),
    "influxdb": ("1.8.10-2",),
}
_DEDICATED_EVERY = 5  # databases, all PostgreSQL; the others are addons of ordinary apps
_MD5_SHARE = 0.12


class Database(dict[str, Any]):
    """A database as the API answers it, and the users that it has.

    The items are the wire fields; `users` holds every user by name, as wire objects.
    """

    def __init__(self, fields: JsonObject) -> None:
        super().__init__(fields)
        self.users: dict[str, JsonObject] = {}


@frozen
class ScalingoFleet:
    """What one Scalingo account holds, as wire objects.

    `addons` and `databases` go in pairs under one id; a dedicated database is also an app of its
    name, with one addon.
    """

    apps: list[JsonObject] = field(factory=list)
    addons: list[JsonObject] = field(factory=list)
    databases: list[Database] = field(factory=list)
    dedicated: list[JsonObject] = field(factory=list)


class ScalingoSeed:
    """Makes apps, databases and their users from one source of randomness."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._fleet = ScalingoFleet()
        self._md5_seen = False
        self._owner = {"id": self._id(), "username": "sandbox", "email": "ops@example.com"}

    def fleet(self, count: int) -> ScalingoFleet:
        """Make an account with so many databases, without users."""
        app = None
        for number in range(count):
            type_name = TYPES[number % len(TYPES)]
            if number % _DEDICATED_EVERY == 0:
                self._dedicated(number)
                continue
            if app is None or self._rng.random() < 0.8:
                app = self._app(self._app_name(number))
            self._addon(app, type_name, number)
        if count:
            self._app(f"static-site-{count}")  # an app without a database
        return self._fleet

    def add_users(self, database: Database, count: int) -> None:
        """Give the database so many users, of whom the first is the built-in one."""
        names = [database["resource_id"], *unique_names(self._rng, count - 1, separator="_")]
        for name in names:
            built_in = name == database["resource_id"]
            user: JsonObject = {
                "name": name,
                "read_only": not built_in and self._rng.random() < 0.3,
                "protected": built_in,
            }
            if database["type_name"] == "postgresql":
                user["dbms_attributes"] = {"password_encryption": self._encryption(built_in)}
            database.users[name] = user

    def _encryption(self, built_in: bool) -> str:
        # The first ordinary PostgreSQL user has the weak one, so a small fleet has it too.
        weak = not built_in and (not self._md5_seen or self._rng.random() < _MD5_SHARE)
        self._md5_seen = self._md5_seen or weak
        return "MD5" if weak else "SCRAM-SHA-256"

    def _app_name(self, number: int) -> str:
        return f"{self._rng.choice(_APPS)}-{self._rng.choice(_ENVIRONMENTS)}-{number + 1}"

    def _dedicated(self, number: int) -> None:
        name = f"{self._rng.choice(_APPS)}-dedicated-{number + 1}"
        app = self._app(name)
        self._addon(app, "postgresql", number)
        self._fleet.dedicated.append(
            {
                "id": app["id"],
                "name": name,
                "project_id": self._id(),
                "technology": "postgresql-ng",
                "plan": "postgresql-dr-enterprise-4096",
            }
        )

    def _app(self, name: str) -> JsonObject:
        created_at = _date(self._rng)
        app = {
            "id": self._object_id(),
            "name": name,
            "region": "osc-fr1",
            "status": "running",
            "url": f"https://{name}.example.com",
            "owner": self._owner,
            "stack_id": self._object_id(),
            "created_at": created_at,
            "updated_at": created_at,
        }
        self._fleet.apps.append(app)
        return app

    def _addon(self, app: JsonObject, type_name: str, number: int) -> None:
        rng = self._rng
        addon_id = f"ad-{self._id()}"
        resource_id = f"{app['name'].partition('-')[0]}_{number + 1000}"
        plan = f"{type_name}-{rng.choice(('starter-512', 'starter-1024', 'business-2048'))}"
        # Both spellings of provider ids are seen.
        provider = f"scalingo-{type_name}" if rng.random() < 0.3 else type_name
        provisioned_at = _date(rng)
        self._fleet.addons.append(
            {
                "id": addon_id,
                "app_id": app["id"],
                "resource_id": resource_id,
                "status": "running",
                "plan": {
                    "id": self._object_id(),
                    "name": plan.removeprefix(f"{type_name}-"),
                    "display_name": plan,
                    "price": 7.2,
                },
                "addon_provider": {"id": provider, "name": _DISPLAY_NAMES[type_name]},
                "provisioned_at": provisioned_at,
                "deprovisioned_at": None,
                "updated_at": provisioned_at,
            }
        )
        database = self._database(addon_id, app["name"], resource_id, type_name, plan)
        self._fleet.databases.append(database)

    def _database(
        self, addon_id: str, app_name: str, resource_id: str, type_name: str, plan: str
    ) -> Database:
        rng = self._rng
        hostname = f"{resource_id.replace('_', '-')}.{type_name}.example.com"
        feature = {"name": "force-ssl", "status": "ACTIVATED"}
        return Database(
            {
                "id": addon_id,
                "resource_id": resource_id,
                "app_name": app_name,
                "created_at": _date(rng),
                "encryption_at_rest": rng.random() < 0.9,
                "features": rng.choice(([feature], [feature], None)),
                "plan": plan,
                "status": "running",
                "type_id": self._object_id(),
                "type_name": type_name,
                "version_id": self._object_id(),
                "next_version_id": rng.choice((None, self._object_id())),
                "readable_version": rng.choice(_VERSIONS[type_name]),
                "hostname": hostname,
                "instances": [
                    {
                        "id": self._id(),
                        "hostname": hostname,
                        "port": rng.randrange(30_000, 39_999),
                        "status": "running",
                        "type": "db-node",
                        "features": None,
                        "private_ip": f"10.0.{rng.randrange(256)}.{rng.randrange(1, 255)}",
                    }
                ],
                "cluster": plan.startswith("business"),
                "current_operation_id": None,
                "periodic_backups_enabled": True,
                "periodic_backups_scheduled_at": [rng.randrange(24)],
                "maintenance_window": {
                    "weekday_utc": rng.randrange(7),
                    "starting_hour_utc": rng.randrange(24),
                    "duration_in_hour": 8,
                },
            }
        )

    def _id(self) -> str:
        return str(UUID(int=self._rng.getrandbits(128), version=4))

    def _object_id(self) -> str:
        return f"{self._rng.getrandbits(96):024x}"


def _date(rng: Random) -> str:
    year, month, day = rng.randrange(2019, 2026), rng.randrange(1, 13), rng.randrange(1, 29)
    time = f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"
    return f"{year}-{month:02}-{day:02}T{time}.{rng.randrange(1000):03}+01:00"
