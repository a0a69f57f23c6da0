"""The seeded clusters of DigitalOcean, with users of whom some are set up unwisely."""

from collections.abc import Sequence
from random import Random
from typing import Any
from uuid import UUID

from dbusers.testing.digitalocean.credentials import give_credentials, new_password
from dbusers.testing.digitalocean.settings import MYSQL, POSTGRESQL, WITHOUT_USERS
from dbusers.testing.names import unique_names
from dbusers.testing.wire import Hidden, JsonObject

# Every engine comes once before the frequent ones come again.
ENGINES = (
    "pg", "mysql", "mongodb", "kafka", "opensearch", "redis", "valkey", "advanced_pg",
    "advanced_mysql", "pg", "mysql", "pg", "kafka", "pg", "mongodb", "opensearch",
)  # fmt: skip
CONNECTIONS = (
    "connection",
    "private_connection",
    "standby_connection",
    "standby_private_connection",
)

# Version, semantic version, and the ends of life and availability; None: not announced.
_VERSIONS: dict[str, tuple[tuple[str, str, str | None, str | None], ...]] = {
    "pg": (
        ("17", "17.5", "2029-11-08T00:00:00Z", "2029-05-08T00:00:00Z"),
        ("15", "15.13", "2027-11-11T00:00:00Z", "2027-05-12T00:00:00Z"),
        ("12", "12.22", "2024-11-14T00:00:00Z", "2024-05-14T00:00:00Z"),
    ),
    "mysql": (("8", "8.0.41", "2026-04-30T00:00:00Z", None), ("8.4", "8.4.5", None, None)),
    "mongodb": (
        ("7.0", "7.0.20", "2027-08-31T00:00:00Z", None),
        ("5.0", "5.0.31", "2024-10-31T00:00:00Z", "2024-07-31T00:00:00Z"),
    ),
    "kafka": (("3.8", "3.8.1", None, None), ("3.5", "3.5.2", "2024-11-30T00:00:00Z", None)),
    "opensearch": (("2", "2.19.1", None, None), ("1", "1.3.20", "2025-05-06T00:00:00Z", None)),
    "redis": (("7", "7.2.4", "2025-06-30T00:00:00Z", "2025-04-30T00:00:00Z"),),
    "valkey": (("8", "8.0.3", None, None),),
    "advanced_pg": (("18", "18.1", None, None),),
    "advanced_mysql": (("8.4", "8.4.6", None, None),),
}
_SCHEMES = {
    "pg": "postgresql", "advanced_pg": "postgresql", "mysql": "mysql", "advanced_mysql": "mysql",
    "mongodb": "mongodb+srv", "kafka": "kafka", "opensearch": "https", "redis": "rediss",
    "valkey": "rediss",
}  # fmt: skip
_REGIONS = ("fra1", "ams3", "nyc3", "sfo3", "lon1", "blr1")
_SIZES = ("db-s-1vcpu-1gb", "db-s-2vcpu-4gb", "db-s-4vcpu-8gb", "gd-2vcpu-8gb")
_ENVIRONMENTS = ("prod", "staging", "dev")
_TEAMS = ("checkout", "billing", "search", "identity", "catalog", "reports", "mobile", "ledger")
_TOPICS = ("orders", "orders.*", "payments", "billing-events", "clicks.*", "audit-log")
_INDEXES = ("logs-*", "orders", "metrics-.*", "catalog-v2", "traces-*")
_DATABASES = ("orders", "catalog", "sessions", "billing", "events")

_UNWISE_SHARE = 0.08
_OPEN_TO_THE_WORLD_SHARE = 0.15
_ODD_SPELLING = {
    "produceconsume": "produce_consume",
    "readwrite": "read_write",
    "admin": "ADMIN",
}


class Cluster(dict[str, Any]):
    """A cluster as the API answers it, and behind it every user it has.

    The items are the wire fields; their `"users"` is null or names the primary user only, as in
    the provider's answers. `users` is the whole truth: every user by name, as wire objects.
    """

    def __init__(self, fields: JsonObject) -> None:
        super().__init__(fields)
        self.users: dict[str, JsonObject] = {}

    def connect_as(self, password: Hidden) -> None:
        """Put the primary user's new password into every connection."""
        for name in CONNECTIONS:
            connection = self.get(name)
            if connection is not None:
                connection["password"] = password
                connection["uri"] = _uri(self["engine"], connection)


class ClusterSeed:
    """Makes clusters and their users, one after the other, from one source of randomness."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._engines_with_unwise_user: set[str] = set()

    def clusters(self, count: int) -> list[Cluster]:
        """So many clusters, without users."""
        return [self._cluster(number) for number in range(count)]

    def add_users(self, cluster: Cluster, count: int) -> None:
        """Give the cluster so many users, of whom the first is the primary one."""
        rng, engine = self._rng, cluster["engine"]
        primary: JsonObject = {"name": "doadmin", "role": "primary"}
        if engine in MYSQL:
            primary["mysql_settings"] = {"auth_plugin": "caching_sha2_password"}
        give_credentials(primary, engine, rng)
        cluster.users["doadmin"] = primary
        cluster.connect_as(primary["password"])
        if rng.random() < 0.8:
            cluster["users"] = [primary]
        for name in unique_names(rng, count - 1):
            user = {"name": name, "role": "normal", **self._settings(engine)}
            give_credentials(user, engine, rng)
            if rng.random() < 0.05:
                user["expires_at"] = None  # a field that no SDK knows yet
            cluster.users[name] = user

    def _cluster(self, number: int) -> Cluster:
        rng = self._rng
        engine = ENGINES[number % len(ENGINES)]
        version, semantic_version, end_of_life, end_of_availability = rng.choice(_VERSIONS[engine])
        region = rng.choice(_REGIONS)
        environment = rng.choice(_ENVIRONMENTS)
        name = f"{rng.choice(_TEAMS)}-{environment}-{engine.replace('_', '-')}-{number + 1:02}"
        cluster_id = self._id()
        nodes = rng.choice((1, 1, 2, 3))
        cluster = Cluster(
            {
                "id": cluster_id,
                "name": name,
                "engine": engine,
                "version": version,
                "semantic_version": semantic_version,
                "num_nodes": nodes,
                "size": rng.choice(_SIZES),
                "region": region,
                "status": rng.choices(("online", "resizing", "migrating"), (30, 1, 1))[0],
                "created_at": _date(rng),
                "tags": rng.choice((None, [environment], [environment, "team:data"])),
                "db_names": None if engine in WITHOUT_USERS or engine == "kafka" else ["defaultdb"],
                "users": None,
                "rules": self._rules(cluster_id),
                "version_end_of_life": end_of_life,
                "version_end_of_availability": end_of_availability,
                "project_id": self._id(),
                "private_network_uuid": self._id(),
                "maintenance_window": {"day": "tuesday", "hour": "04:00:00", "pending": False},
                "storage_size_mib": rng.choice((10_240, 61_440, 122_880)),
            }
        )
        for connection in CONNECTIONS[: 4 if nodes > 1 else 2]:
            cluster[connection] = self._connection(engine, name, region, connection)
        cluster.connect_as(new_password(rng))
        return cluster

    def _connection(self, engine: str, name: str, region: str, kind: str) -> JsonObject:
        prefix = "private-" if "private" in kind else ""
        prefix += "replica-" if "standby" in kind else ""
        return {
            "protocol": _SCHEMES[engine],
            "database": "" if engine in WITHOUT_USERS or engine == "kafka" else "defaultdb",
            "host": f"{prefix}{name}-do-user-1.{region}.db.example.com",
            "port": 25060,
            "user": "default" if engine in WITHOUT_USERS else "doadmin",
            "ssl": True,
        }

    def _rules(self, cluster_id: str) -> list[JsonObject]:
        rng = self._rng
        if rng.random() < _OPEN_TO_THE_WORLD_SHARE:
            return []
        values = (
            ("ip_addr", f"203.0.113.{rng.randrange(1, 255)}"),
            ("ip_addr", "198.51.100.0/24"),
            ("droplet", str(rng.randrange(10**8, 10**9))),
            ("k8s", self._id()),
            ("tag", "backend"),
            ("app", self._id()),
        )
        return [
            {
                "uuid": self._id(),
                "cluster_uuid": cluster_id,
                "type": kind,
                "value": value,
                "created_at": _date(rng),
                "description": rng.choice(("", "office", "worker nodes")),
            }
            for kind, value in rng.sample(values, rng.randrange(1, 4))
        ]

    def _settings(self, engine: str) -> JsonObject:
        rng = self._rng
        # Each engine's first ordinary user is set up unwisely, so a small fleet has them all.
        unwise = engine not in self._engines_with_unwise_user or rng.random() < _UNWISE_SHARE
        self._engines_with_unwise_user.add(engine)
        if engine in POSTGRESQL:
            return {"settings": self._postgresql(unwise)}
        if engine in MYSQL:
            plugin = "mysql_native_password" if unwise else "caching_sha2_password"
            return {"mysql_settings": {"auth_plugin": plugin}}
        if engine == "kafka":
            return {"settings": {"acl": self._kafka_acl(unwise)}}
        if engine == "opensearch":
            return {"settings": {"opensearch_acl": self._opensearch_acl(unwise)}}
        mongo_user_settings = self._mongo_user_settings(unwise)
        if rng.random() < 0.1:  # one of the provider's texts places them there
            return {"mongo_user_settings": mongo_user_settings}
        return {"settings": {"mongo_user_settings": mongo_user_settings}}

    def _postgresql(self, unwise: bool) -> JsonObject:
        settings: JsonObject = {"pg_allow_replication": unwise}
        if self._rng.random() < 0.1:
            settings["pg_connection_limit"] = self._rng.choice((5, 20, 100))
        return settings

    def _kafka_acl(self, unwise: bool) -> list[JsonObject]:
        rng = self._rng
        if unwise:
            return [self._kafka_entry("*", "admin")]
        entries = [
            self._kafka_entry(
                rng.choice(_TOPICS), rng.choice(("consume", "produce", "produceconsume"))
            )
            for _ in range(rng.randrange(1, 4))
        ]
        if rng.random() < 0.1:
            entries[0]["pattern_type"] = "literal"
        return entries

    def _kafka_entry(self, topic: str, permission: str) -> JsonObject:
        acl_id = f"acl{self._rng.getrandbits(44):011x}"
        return {"id": acl_id, "topic": topic, "permission": self._spelling(permission)}

    def _opensearch_acl(self, unwise: bool) -> list[JsonObject]:
        rng = self._rng
        if unwise:
            return [{"index": rng.choice(("*", ".*")), "permission": self._spelling("admin")}]
        entries: list[JsonObject] = [
            {
                "index": index,
                "permission": self._spelling(rng.choice(("deny", "read", "readwrite", "write"))),
            }
            for index in rng.sample(_INDEXES, rng.randrange(1, 3))
        ]
        if rng.random() < 0.1:
            entries[0]["field_masking"] = ["email"]
        return entries

    def _mongo_user_settings(self, unwise: bool) -> JsonObject:
        rng = self._rng
        if unwise:
            return {"databases": ["admin"], "role": "dbAdmin"}
        databases = rng.sample(_DATABASES, rng.randrange(1, 3))
        return {"databases": databases, "role": rng.choice(("readOnly", "readWrite", "dbAdmin"))}

    def _spelling(self, permission: str) -> str:
        odd = _ODD_SPELLING.get(permission)
        return odd if odd and self._rng.random() < 0.2 else permission

    def _id(self) -> str:
        return str(UUID(int=self._rng.getrandbits(128), version=4))


def _uri(engine: str, connection: JsonObject) -> Hidden:
    login = f"{connection['user']}:{connection['password']}"
    place = f"{connection['host']}:{connection['port']}/{connection['database']}"
    return Hidden(f"{_SCHEMES[engine]}://{login}@{place}?sslmode=require")


def _date(rng: Random) -> str:
    year, month, day = rng.randrange(2021, 2026), rng.randrange(1, 13), rng.randrange(1, 29)
    return f"{year}-{month:02}-{day:02}T{rng.randrange(24):02}:{rng.randrange(60):02}:00Z"


def with_users(clusters: Sequence[Cluster]) -> list[Cluster]:
    """Return the clusters whose engine has users to manage."""
    return [cluster for cluster in clusters if cluster["engine"] not in WITHOUT_USERS]
