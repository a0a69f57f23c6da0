"""The seeded fleet: exact totals, the same every time, every engine, some of it unwise."""

import re
from collections import Counter
from typing import Any

import pytest

from dbusers.testing.fleet import Fleet, seeded_fleet

DIGITALOCEAN_ENGINES = {
    "pg", "mysql", "redis", "valkey", "mongodb", "kafka", "opensearch", "advanced_pg",
    "advanced_mysql",
}  # fmt: skip


def digitalocean_users(fleet: Fleet, *engines: str) -> list[dict[str, Any]]:
    return [
        user
        for cluster in fleet.digitalocean
        if not engines or cluster["engine"] in engines
        for user in cluster.users.values()
    ]


def scalingo_users(fleet: Fleet) -> list[dict[str, Any]]:
    return [user for database in fleet.scalingo.databases for user in database.users.values()]


@pytest.mark.parametrize(
    ("databases", "users"), [(0, 0), (1, 1), (20, 200), (60, 1_200), (61, 997), (300, 300)]
)
def test_the_totals_are_exact(databases: int, users: int) -> None:
    fleet = seeded_fleet(1, databases, users)

    assert len(fleet.digitalocean) + len(fleet.scalingo.databases) == databases
    assert len(digitalocean_users(fleet)) + len(scalingo_users(fleet)) == users


@pytest.mark.parametrize(("databases", "users"), [(0, 1), (20, 10), (1, 0)])
def test_impossible_totals_are_refused(databases: int, users: int) -> None:
    with pytest.raises(ValueError, match="users in all"):
        seeded_fleet(1, databases, users)


def test_a_seed_makes_one_fleet() -> None:
    first, again, other = (seeded_fleet(seed, 20, 200) for seed in (1, 1, 2))

    assert again.digitalocean == first.digitalocean
    assert digitalocean_users(again) == digitalocean_users(first)
    assert again.scalingo == first.scalingo
    assert scalingo_users(again) == scalingo_users(first)
    assert other.digitalocean != first.digitalocean


@pytest.mark.parametrize("seed", range(5))
def test_a_small_fleet_has_everything(seed: int) -> None:
    fleet = seeded_fleet(seed, 20, 200)
    plugins = Counter(
        user.get("mysql_settings", {}).get("auth_plugin") for user in digitalocean_users(fleet)
    )
    settings = [user.get("settings", {}) for user in digitalocean_users(fleet)]
    kafka = [entry for each in settings for entry in each.get("acl", [])]
    opensearch = [entry for each in settings for entry in each.get("opensearch_acl", [])]
    mongodb = [
        user.get("mongo_user_settings") or user["settings"]["mongo_user_settings"]
        for user in digitalocean_users(fleet, "mongodb")
        if user["role"] == "normal"
    ]

    assert {cluster["engine"] for cluster in fleet.digitalocean} == DIGITALOCEAN_ENGINES
    types = {database["type_name"] for database in fleet.scalingo.databases}
    assert types == {"postgresql", "mysql", "mongodb", "redis", "influxdb"}
    assert fleet.scalingo.dedicated
    assert plugins["mysql_native_password"]
    assert any(each.get("pg_allow_replication") for each in settings)
    assert any(e["topic"] == "*" and e["permission"].lower() == "admin" for e in kafka)
    assert any(e["index"] in ("*", ".*") and e["permission"].lower() == "admin" for e in opensearch)
    assert {"databases": ["admin"], "role": "dbAdmin"} in mongodb
    assert "MD5" in {
        user.get("dbms_attributes", {}).get("password_encryption") for user in scalingo_users(fleet)
    }


def test_the_demo_s_fleet_has_the_rarer_things_too() -> None:
    fleet = seeded_fleet(2026, 60, 1_200)
    clusters = fleet.digitalocean
    users = digitalocean_users(fleet)
    permissions = {
        entry["permission"]
        for user in users
        for name in ("acl", "opensearch_acl")
        for entry in user.get("settings", {}).get(name, [])
    }

    assert len(fleet.scalingo.databases) == 14
    assert len(fleet.scalingo.dedicated) >= 2
    assert any(cluster["rules"] == [] for cluster in clusters)
    assert any(cluster["tags"] is None for cluster in clusters)
    assert any(cluster["users"] is None and cluster.users for cluster in clusters)
    assert any(list(cluster.users) == ["doadmin"] for cluster in clusters)
    assert any((cluster["version_end_of_life"] or "9") < "2025" for cluster in clusters)
    assert {"produce_consume", "ADMIN"} <= permissions
    assert any("expires_at" in user for user in users)
    assert any("mongo_user_settings" in user for user in users)
    assert any(len({e["topic"] for e in acl}) < len(acl) for acl in kafka_acls(users))


def kafka_acls(users: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [user["settings"]["acl"] for user in users if "acl" in user.get("settings", {})]


def test_the_demo_s_scalingo_fleet_can_be_read_within_a_minute_s_limit() -> None:
    fleet = seeded_fleet(2026, 60, 1_200).scalingo
    exchange, apps, dedicated = 1, 1, 1
    addons, tokens, lists = len(fleet.apps), len(fleet.databases), len(fleet.databases)

    assert exchange + apps + dedicated + addons + tokens + lists < 50


def test_ids_and_names_are_unique() -> None:
    fleet = seeded_fleet(2026, 300, 20_000)
    groups = [
        [cluster["id"] for cluster in fleet.digitalocean],
        [cluster["name"] for cluster in fleet.digitalocean],
        [app["id"] for app in fleet.scalingo.apps],
        [app["name"] for app in fleet.scalingo.apps],
        [addon["id"] for addon in fleet.scalingo.addons],
        [database["resource_id"] for database in fleet.scalingo.databases],
        [entry["id"] for acl in kafka_acls(digitalocean_users(fleet)) for entry in acl],
    ]

    for group in groups:
        assert len(set(group)) == len(group)


def test_every_cluster_with_users_has_one_primary_user() -> None:
    for cluster in seeded_fleet(2026, 60, 1_200).digitalocean:
        primary = [user["name"] for user in cluster.users.values() if user["role"] == "primary"]
        has_users = cluster["engine"] not in ("redis", "valkey")

        assert primary == (["doadmin"] if has_users else [])
        assert cluster["connection"]["password"]


def test_every_scalingo_database_with_users_has_one_protected_user() -> None:
    for database in seeded_fleet(2026, 60, 1_200).scalingo.databases:
        protected = [user["name"] for user in database.users.values() if user["protected"]]
        has_users = database["type_name"] != "redis"

        assert protected == ([database["resource_id"]] if has_users else [])


def test_dates_are_as_each_provider_writes_them() -> None:
    fleet = seeded_fleet(2026, 60, 1_200)

    for cluster in fleet.digitalocean:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", cluster["created_at"])
    for database in fleet.scalingo.databases:
        pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+01:00"
        assert re.fullmatch(pattern, database["created_at"])


def test_a_repr_shows_no_secret() -> None:
    fleet = seeded_fleet(2026, 20, 200)
    shown = repr(fleet) + repr(fleet.digitalocean) + repr(digitalocean_users(fleet))

    assert "'password': <hidden>" in shown
    assert "AVNS_" not in shown
    assert "PRIVATE KEY" not in shown
    assert all(user["password"] not in shown for user in digitalocean_users(fleet))
