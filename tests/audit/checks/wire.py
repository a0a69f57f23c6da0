"""What is wrong in the sandbox's fleet, told from its wire JSON by hand: no check is asked.

The oddities are put in by `provoke`, the drift by `change`, so that every check has something to
find; `wrong` lists what it has to find, and what the JSON leaves open.
"""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import trustme

from dbusers.audit.findings import AllowedUser, DatabasePolicy
from dbusers.testing import Sandbox

Wire = dict[str, Any]
Told = tuple[str, str, str | None, str]  # check, database, user, verdict

NOW = datetime(2026, 7, 1, tzinfo=UTC)
CERTIFICATES = {
    "fail": NOW - timedelta(days=1),
    "soon": NOW + timedelta(days=9),
    "pass": NOW + timedelta(days=90),
}

# All but the first letter "o", readers by the end of their name; what "etl" ends may replicate.
POLICY = DatabasePolicy(
    allowed=(
        AllowedUser("*-ro", "readers"),
        AllowedUser("*_ro", "readers"),
        AllowedUser("orders-api", "applications", required=True),
        *(AllowedUser(f"{letter}*", "applications") for letter in "abcdefghijklmnpqrstuvwxyz"),
    ),
    max_writers=6,
    may_replicate=frozenset({"*-etl"}),
)

Rule = tuple[str | None, str | None]

ACLS: tuple[list[Rule], ...] = (
    [("*", "ADMIN")],
    [("*", "produce")],
    [(".*", "consume"), ("orders", "admin")],
    [("*", "PRODUCE_CONSUME")],
    [("orders", "consume"), ("orders", "consume")],
    [("*", "own")],
    [],
)
INDEXES: tuple[list[Rule], ...] = (
    [(".*", "Admin")],
    [("*", "read_write")],
    [(".*", "write"), ("logs", "admin")],
    [("*", "read")],
    [("*", None)],
    [(None, "read")],
    [],
)
ROLES: tuple[tuple[list[str], str | None], ...] = (
    (["admin"], "readWrite"),
    (["orders", "admin"], "read_only"),
    (["admin"], "root"),
    (["orders"], None),
)


def ordinary(home: Any) -> list[Wire]:
    """Return the users of a cluster or database that are not built in, as answered."""
    return [user for user in home.users.values() if not is_built_in(user)]


def is_built_in(user: Wire) -> bool:
    return user.get("role") == "primary" or user.get("protected") is True


def provoke(sandbox: Sandbox) -> None:
    """Set up some users and clusters as seldom as it gets, in place."""
    authority = trustme.CA()
    pems = {
        name: authority.issue_cert("app.example.com", not_after=expires)
        for name, expires in CERTIFICATES.items()
    }
    acls, indexes, roles, certificates = cycle(ACLS), cycle(INDEXES), cycle(ROLES), cycle(pems)
    for cluster in sandbox.fleet.digitalocean:
        engine, users = cluster["engine"], ordinary(cluster)
        for user in users[::2]:
            if engine == "kafka":
                user["settings"] = {"acl": [_rule("topic", *rule) for rule in next(acls)]}
            if engine == "opensearch":
                rules = [_rule("index", *rule) for rule in next(indexes)]
                user["settings"] = {"opensearch_acl": rules}
            if engine == "mongodb":
                databases, role = next(roles)
                mongo = {"databases": databases} | ({"role": role} if role else {})
                user["settings"] = {"mongo_user_settings": mongo}
        for user in users[::3]:
            if engine == "kafka":
                user["_certificate"] = next(certificates)
                user["access_cert"] = pems[user["_certificate"]].cert_chain_pems[0].bytes().decode()
        for user in users[4::5]:
            user.pop("settings", None)
            user.pop("mysql_settings", None)
    for number, cluster in enumerate(c for c in sandbox.fleet.digitalocean if c.users):
        if number % 7 == 0:
            cluster.users["second"] = {"name": "second", "role": "primary"}
        if number % 5 == 0 and cluster["engine"] == "pg":
            cluster.users["doadmin"]["settings"] = {"pg_allow_replication": True}
        if number % 6 == 0 and cluster["engine"] == "pg":
            _leave_one(cluster, {"pg_allow_replication": True})


def _leave_one(cluster: Any, settings: Wire) -> None:
    for user in ordinary(cluster)[1:]:
        del cluster.users[user["name"]]
    for user in ordinary(cluster):
        user["settings"] = settings


def _rule(kind: str, name: str | None, permission: str | None) -> Wire:
    return {
        key: value for key, value in ((kind, name), ("permission", permission)) if value is not None
    }


def change(sandbox: Sandbox) -> Iterator[Told]:
    """Change some users after the first reading, and tell what has to be found of that."""
    by_engine: dict[str, Any] = {}
    for home in (*sandbox.fleet.digitalocean, *sandbox.fleet.scalingo.databases):
        engine = home.get("engine") or f"scalingo {home['type_name']}"
        if len(ordinary(home)) > len(ordinary(by_engine.get(engine, home))) or (
            engine not in by_engine
        ):
            by_engine[engine] = home

    def drift(engine: str, user: Wire, verdict: str) -> Told:
        return "DR001", by_engine[engine]["id"], user["name"], verdict

    def pick(engine: str, **fields: Any) -> Wire:
        """Return the last ordinary user with these fields."""
        return [
            user
            for user in ordinary(by_engine[engine])
            if all(user.get(name) == value for name, value in fields.items())
        ][-1]

    narrow, wide = ({"pg_allow_replication": right} for right in (False, True))
    user = pick("pg", settings=narrow)
    user["settings"] = dict(wide)
    yield drift("pg", user, "fail")
    user = pick("pg", settings=narrow)
    user["settings"] = {}
    yield drift("pg", user, "unknown")
    user = pick("advanced_pg", settings=wide)
    user["settings"] = dict(narrow)
    user = pick("mysql", mysql_settings={"auth_plugin": "caching_sha2_password"})
    user["mysql_settings"] = {"auth_plugin": "mysql_native_password"}
    yield drift("mysql", user, "fail")
    user = pick("mongodb", settings={"mongo_user_settings": {"databases": ["orders"]}})
    user["settings"] = {"mongo_user_settings": {"databases": ["admin"], "role": "dbAdmin"}}
    yield drift("mongodb", user, "fail")
    user = pick("kafka", settings={"acl": [{"topic": "*", "permission": "produce"}]})
    user["settings"]["acl"].append({"topic": "new", "permission": "Consume"})
    yield drift("kafka", user, "fail")
    user = pick("kafka", settings={"acl": [{"topic": "*", "permission": "own"}]})
    user["settings"]["acl"][0]["permission"] = "OWN"
    user = pick("opensearch", settings={"opensearch_acl": [{"index": "*", "permission": "read"}]})
    del by_engine["opensearch"].users[user["name"]]
    yield drift("opensearch", user, "fail")
    user = pick("scalingo postgresql", read_only=True)
    user["read_only"] = False
    yield drift("scalingo postgresql", user, "fail")
    user = deepcopy(pick("scalingo mysql")) | {"name": "newcomer"}
    by_engine["scalingo mysql"].users["newcomer"] = user
    yield drift("scalingo mysql", user, "fail")


def wrong(sandbox: Sandbox) -> Iterator[Told]:
    """Yield every failure, and all that cannot be known, of every check but drift."""
    for cluster in sandbox.fleet.digitalocean:
        day = cluster["version_end_of_life"]
        if day is None or day < "2026-07-01T00:00:01":
            yield "CL001", cluster["id"], None, "unknown" if day is None else "fail"
        if cluster["engine"] in ("redis", "valkey"):
            continue
        for check, user, verdict in _wrong_in_cluster(cluster):
            yield check, cluster["id"], user, verdict
    for database in sandbox.fleet.scalingo.databases:
        yield "CL001", database["id"], None, "unknown"
        if database["type_name"] != "redis":
            for check, user, verdict in _wrong_at_scalingo(database):
                yield check, database["id"], user, verdict


Wrong = Iterator[tuple[str, str | None, str]]


def _wrong_in_cluster(cluster: Any) -> Wrong:
    engine, others = cluster["engine"], ordinary(cluster)
    yield from _wrong_together(cluster, [_may_write(user) for user in others])
    if engine != "mongodb" and any("password" in user for user in cluster.users.values()):
        yield "SE001", None, "fail"
    for name, user in cluster.users.items():
        primary = user["role"] == "primary"
        settings = user.get("settings") or {}
        match engine:
            case "pg" | "advanced_pg":
                yield "PG001", name, "unknown"
                right = settings.get("pg_allow_replication", "unknown")
                if not primary and not name.endswith("-etl") and right is not False:
                    yield "PG002", name, "fail" if right is True else "unknown"
                alone = len(others) == 1 and not name.endswith("-etl")
                if (primary or alone) and right is not False:
                    yield "PG003", name, "fail" if right is True else "unknown"
            case "mysql" | "advanced_mysql":
                if "mysql_settings" not in user:
                    yield "MY001", name, "unknown"
                elif user["mysql_settings"]["auth_plugin"] == "mysql_native_password":
                    yield "MY001", name, "fail"
            case "kafka":
                kept = user.get("_certificate")
                if kept != "pass":
                    yield "KA006", name, "unknown" if kept is None else "fail"
                if not primary:
                    yield from _wrong_rules(name, settings.get("acl"))
            case "opensearch" if not primary:
                yield from _wrong_indexes(name, settings.get("opensearch_acl"))
            case "mongodb" if not primary:
                mongo = settings.get("mongo_user_settings") or user.get("mongo_user_settings")
                yield from _wrong_role(name, mongo)


def _wrong_rules(name: str, acl: list[Wire] | None) -> Wrong:
    if acl is None:
        for check in ("KA001", "KA002", "KA003", "KA004", "KA005", "AC001"):
            yield check, name, "unknown"
        return
    if not acl:
        yield "AC001", name, "fail"
    rules = [(rule["topic"].strip("."), _word(rule["permission"])) for rule in acl]
    of_all = {may for topic, may in rules if topic == "*"}
    of_one = {may for topic, may in rules if topic != "*"}
    if "admin" in of_all:
        yield "KA001", name, "fail"
    elif of_all & {"produce", "produceconsume"}:
        yield "KA002", name, "fail"
    if of_all & {"consume", "produceconsume"} and "admin" not in of_all:
        yield "KA003", name, "fail"
    if "own" in of_all:
        for check in ("KA001", "KA002", "KA003"):
            yield check, name, "unknown"
    if "admin" in of_one:
        yield "KA004", name, "fail"
    if any(
        one != two and _is_covered(rules[one], rules[two])
        for one in range(len(rules))
        for two in range(len(rules))
    ):
        yield "KA005", name, "fail"


def _is_covered(rule: Rule, other: Rule) -> bool:
    stronger = {
        "consume": {"produceconsume", "admin"},
        "produce": {"produceconsume", "admin"},
        "produceconsume": {"admin"},
    }
    same = rule[1] == other[1] or other[1] in stronger.get(rule[1] or "", set())
    return same and other[0] in (rule[0], "*")


def _wrong_indexes(name: str, acl: list[Wire] | None) -> Wrong:
    if acl is None:
        for check in ("OS001", "OS002", "AC001"):
            yield check, name, "unknown"
        return
    if not acl:
        yield "AC001", name, "fail"
    of_all = {_word(rule.get("permission")) for rule in acl if rule.get("index") in ("*", ".*")}
    if "admin" in of_all:
        yield "OS001", name, "fail"
    elif of_all & {"write", "readwrite"}:
        yield "OS002", name, "fail"
    elif None in of_all:
        yield "OS001", name, "unknown"
        yield "OS002", name, "unknown"


def _wrong_role(name: str, mongo: Wire | None) -> Wrong:
    role = _word((mongo or {}).get("role"))
    failing = {"dbadmin": "MG001", "readwrite": "MG002", "readonly": "MG003"}.get(role or "")
    if mongo is None or (failing is None and "admin" in mongo["databases"]):
        for check in ("MG001", "MG002", "MG003"):
            yield check, name, "unknown"
    elif failing and "admin" in mongo["databases"]:
        yield failing, name, "fail"


def _wrong_at_scalingo(database: Any) -> Wrong:
    others = ordinary(database)
    yield from _wrong_together(database, [not user["read_only"] for user in others])
    for name, user in database.users.items():
        match database["type_name"]:
            case "postgresql":
                if user["dbms_attributes"]["password_encryption"] == "MD5":
                    yield "PG001", name, "fail"
                if not user["protected"] and not name.endswith("-etl"):
                    yield "PG002", name, "unknown"
                if user["protected"] or len(others) == 1:
                    yield "PG003", name, "unknown"
            case "mysql":
                yield "MY001", name, "unknown"
            case "mongodb" if not user["protected"]:
                for check in ("MG001", "MG002", "MG003"):
                    yield check, name, "unknown"


def _wrong_together(home: Any, writes: list[bool | None]) -> Wrong:
    """Yield what is wrong with the users of any database, its ordinary ones writing like this."""
    others = ordinary(home)
    if not others:
        yield "US001", None, "fail"
    sure, possible = writes.count(True), writes.count(None)
    if sure > 6:
        yield "US002", None, "fail"
    elif sure + possible > 6:
        yield "US002", None, "unknown"
    # An ordinary user who surely may not write reads, but for one who is only denied something.
    reads = [w is False and not _is_denied(user) for w, user in zip(writes, others, strict=True)]
    if others and not any(reads):
        yield "US003", None, "unknown" if possible else "fail"
    if len(home.users) - len(others) > 1:
        yield "US004", None, "fail"
    for user, may_write in zip(others, writes, strict=True):
        name = user["name"]
        if name.endswith(("-ro", "_ro")):
            if may_write is not False:
                yield "PO006", name, "fail" if may_write else "unknown"
        elif name.startswith("o") and name != "orders-api":
            yield "PO001", name, "fail"
    if "orders-api" not in home.users:
        yield "PO002", "orders-api", "fail"


def _may_write(user: Wire) -> bool | None:
    settings = user.get("settings") or {}
    mongo = settings.get("mongo_user_settings") or user.get("mongo_user_settings")
    if mongo:
        words = [_word(mongo.get("role"))] * len(mongo["databases"])
    else:
        rules = settings.get("acl", settings.get("opensearch_acl")) or []
        words = [_word(rule.get("permission")) for rule in rules]
    if set(words) & {"admin", "produce", "produceconsume", "write", "readwrite", "dbadmin"}:
        return True
    unclear = not words or bool({None, "own", "root"} & set(words))
    return None if unclear else False


def _is_denied(user: Wire) -> bool:
    rules = (user.get("settings") or {}).get("opensearch_acl") or []
    return bool(rules) and all(_word(rule["permission"]) == "deny" for rule in rules)


def _word(permission: str | None) -> str | None:
    return permission.replace("_", "").lower() if permission else None
