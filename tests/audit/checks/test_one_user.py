"""Checks of one user at a time, from the wire JSON of the user to the verdict."""

from datetime import timedelta
from typing import Any

import pytest

from dbusers.audit import Engine, Severity, UserRecord
from dbusers.audit.findings import DatabasePolicy
from tests.audit.checks.asking import NOW, findings, of_digitalocean, of_scalingo, verdicts

FAIL, PASS, UNKNOWN, SKIP = "app: fail", "app: pass", "app: unknown", "app: skip"


def acl(*rules: tuple[str, str]) -> dict[str, Any]:
    return {"settings": {"acl": [{"topic": topic, "permission": may} for topic, may in rules]}}


def indexes(*rules: tuple[str | None, str | None]) -> dict[str, Any]:
    return {
        "settings": {"opensearch_acl": [{"index": name, "permission": may} for name, may in rules]}
    }


def mongo(role: str, *databases: str) -> dict[str, Any]:
    return {"settings": {"mongo_user_settings": {"databases": databases, "role": role}}}


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ({"dbms_attributes": {"password_encryption": "MD5"}}, FAIL),
        ({"dbms_attributes": {"password_encryption": "md5"}}, FAIL),
        ({"dbms_attributes": {"password_encryption": "SCRAM-SHA-256"}}, PASS),
        ({"dbms_attributes": {"password_encryption": "SOMETHING-NEW"}}, PASS),
        ({"dbms_attributes": {"password_encryption": "MD5"}, "protected": True}, FAIL),
        ({"dbms_attributes": {"password_encryption": None}}, UNKNOWN),
        ({"dbms_attributes": {}}, UNKNOWN),
        ({"dbms_attributes": None}, UNKNOWN),
        ({}, UNKNOWN),
    ],
)
def test_pg001_an_md5_password(wire: dict[str, Any], expected: str) -> None:
    assert verdicts("PG001", Engine.POSTGRESQL, of_scalingo(wire)) == expected


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ({"role": "normal", "settings": {"pg_allow_replication": True}}, FAIL),
        ({"settings": {"pg_allow_replication": True}}, FAIL),
        ({"role": "something-new", "settings": {"pg_allow_replication": True}}, FAIL),
        ({"role": "normal", "settings": {"pg_allow_replication": False}}, PASS),
        ({"role": "normal", "settings": {"pg_allow_replication": None}}, UNKNOWN),
        ({"role": "normal", "settings": {}}, UNKNOWN),
        ({"role": "normal", "settings": None}, UNKNOWN),
        ({"role": "normal"}, UNKNOWN),
        ({"role": "primary", "settings": {"pg_allow_replication": True}}, PASS),
        ({"role": "primary"}, PASS),
    ],
)
def test_pg002_the_replication_right(wire: dict[str, Any], expected: str) -> None:
    assert verdicts("PG002", Engine.POSTGRESQL, of_digitalocean(wire)) == expected


@pytest.mark.parametrize(
    ("may_replicate", "expected"), [({"app"}, PASS), ({"a*"}, PASS), ({"debezium"}, FAIL)]
)
def test_pg002_lets_those_replicate_whom_the_policy_names(
    may_replicate: set[str], expected: str
) -> None:
    policy = DatabasePolicy(may_replicate=frozenset(may_replicate))
    user = UserRecord("app", built_in=False, replication=True)

    assert verdicts("PG002", Engine.POSTGRESQL, user, policy=policy) == expected


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ({"mysql_settings": {"auth_plugin": "mysql_native_password"}}, FAIL),
        ({"mysql_settings": {"auth_plugin": "MYSQL_NATIVE_PASSWORD"}}, FAIL),
        ({"mysql_settings": {"auth_plugin": "mysql_native_password"}, "role": "primary"}, FAIL),
        ({"mysql_settings": {"auth_plugin": "caching_sha2_password"}}, PASS),
        ({"mysql_settings": None}, UNKNOWN),
        ({}, UNKNOWN),
    ],
)
def test_my001_a_native_password(wire: dict[str, Any], expected: str) -> None:
    assert verdicts("MY001", Engine.MYSQL, of_digitalocean(wire)) == expected


@pytest.mark.parametrize(
    ("version", "severity"),
    [
        ("5.7.44", Severity.MEDIUM),
        ("8", Severity.MEDIUM),
        ("8.0.41", Severity.MEDIUM),
        ("8.3.99", Severity.MEDIUM),
        ("8.4", Severity.HIGH),
        ("8.4.5-lts", Severity.HIGH),
        ("8.10", Severity.HIGH),
        ("9.1", Severity.HIGH),
        ("10", Severity.HIGH),
        ("newest", Severity.MEDIUM),
        (None, Severity.MEDIUM),
    ],
)
def test_my001_is_worse_where_the_plugin_is_off_by_default(
    version: str | None, severity: Severity
) -> None:
    user = UserRecord("app", auth_plugin="mysql_native_password")

    (found,) = findings("MY001", Engine.MYSQL, user, version=version)

    assert found.severity is severity


@pytest.mark.parametrize(
    ("wire", "admin", "write", "read", "admin_of_one"),
    [
        (acl(("*", "admin")), FAIL, SKIP, SKIP, PASS),
        (acl((".*", "ADMIN")), FAIL, SKIP, SKIP, PASS),
        (acl(("orders", "consume"), ("*", "Admin")), FAIL, SKIP, SKIP, PASS),
        (acl(("*", "produce")), PASS, FAIL, PASS, PASS),
        (acl((".*", "produce_consume")), PASS, FAIL, FAIL, PASS),
        (acl(("*", "PRODUCECONSUME")), PASS, FAIL, FAIL, PASS),
        (acl(("*", "consume")), PASS, PASS, FAIL, PASS),
        (acl(("orders", "admin")), PASS, PASS, PASS, FAIL),
        (acl(("orders.*", "admin")), PASS, PASS, PASS, FAIL),
        (acl(("*", "admin"), ("orders", "admin")), FAIL, SKIP, SKIP, FAIL),
        (acl(("orders", "consume"), ("orders.*", "produceconsume")), PASS, PASS, PASS, PASS),
        (acl(("*", "own")), UNKNOWN, UNKNOWN, UNKNOWN, PASS),
        (acl(("orders", "own")), PASS, PASS, PASS, UNKNOWN),
        (acl(("*", "own"), ("*", "produce")), UNKNOWN, FAIL, UNKNOWN, PASS),
        (acl(), PASS, PASS, PASS, PASS),
        ({"settings": {"acl": None}}, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
        ({"settings": {}}, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
        ({}, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
        ({"role": "primary"}, PASS, PASS, PASS, PASS),
        ({"role": "primary", **acl(("*", "admin"))}, PASS, PASS, PASS, PASS),
        (indexes(("*", "admin")), PASS, PASS, PASS, PASS),
    ],
)
def test_ka001_to_ka004_what_a_user_may_do_with_topics(
    wire: dict[str, Any], admin: str, write: str, read: str, admin_of_one: str
) -> None:
    user = of_digitalocean(wire)
    ids = ("KA001", "KA002", "KA003", "KA004")

    found = [verdicts(check_id, Engine.KAFKA, user) for check_id in ids]

    assert found == [admin, write, read, admin_of_one]


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (acl(("orders", "consume"), ("orders", "consume")), FAIL),
        (acl(("orders", "produce_consume"), ("orders", "consume")), FAIL),
        (acl(("orders", "consume"), ("orders", "admin")), FAIL),
        (acl(("orders", "consume"), (".*", "consume")), FAIL),
        (acl(("orders", "own"), ("orders", "OWN")), FAIL),
        (acl(("orders", "consume"), ("orders", "produce")), PASS),
        (acl(("orders", "produceconsume"), ("*", "consume")), PASS),
        (acl(("orders", "consume"), ("orders.*", "consume")), PASS),
        (acl(("orders", "own")), PASS),
        (acl(("orders", "own"), ("orders", "consume")), UNKNOWN),
        (acl(), PASS),
        ({}, UNKNOWN),
        ({"role": "primary"}, PASS),
    ],
)
def test_ka005_a_rule_that_another_covers(wire: dict[str, Any], expected: str) -> None:
    assert verdicts("KA005", Engine.KAFKA, of_digitalocean(wire)) == expected


@pytest.mark.parametrize(
    ("left", "verdict", "severity"),
    [
        (timedelta(days=-400), "fail", Severity.HIGH),
        (timedelta(0), "fail", Severity.HIGH),
        (timedelta(seconds=1), "fail", Severity.MEDIUM),
        (timedelta(days=29, hours=23), "fail", Severity.MEDIUM),
        (timedelta(days=30), "pass", Severity.HIGH),
        (timedelta(days=900), "pass", Severity.HIGH),
        (None, "unknown", Severity.HIGH),
    ],
)
def test_ka006_a_certificate_that_expires(
    left: timedelta | None, verdict: str, severity: Severity
) -> None:
    expires = None if left is None else NOW + left

    (found,) = findings("KA006", Engine.KAFKA, UserRecord("app", certificate_expires=expires))

    assert (found.verdict, found.severity) == (verdict, severity)


@pytest.mark.parametrize(
    ("wire", "admin", "write"),
    [
        (indexes(("*", "admin")), FAIL, SKIP),
        (indexes((".*", "ADMIN")), FAIL, SKIP),
        (indexes(("*", "readwrite")), PASS, FAIL),
        (indexes((".*", "read_write")), PASS, FAIL),
        (indexes(("*", "write")), PASS, FAIL),
        (indexes(("logs-*", "admin"), ("logs-*", "write")), PASS, PASS),
        (indexes(("*", "read")), PASS, PASS),
        (indexes(("*", "deny")), PASS, PASS),
        (indexes((None, "admin")), UNKNOWN, UNKNOWN),
        (indexes((None, "read")), PASS, PASS),
        (indexes(("*", None)), UNKNOWN, UNKNOWN),
        (indexes(("logs-*", None)), PASS, PASS),
        (indexes(("*", None), ("*", "admin")), FAIL, SKIP),
        ({"settings": {"opensearch_acl": None}}, UNKNOWN, UNKNOWN),
        ({}, UNKNOWN, UNKNOWN),
        ({"role": "primary"}, PASS, PASS),
    ],
)
def test_os001_and_os002_what_a_user_may_do_with_indexes(
    wire: dict[str, Any], admin: str, write: str
) -> None:
    user = of_digitalocean(wire)

    assert verdicts("OS001", Engine.OPENSEARCH, user) == admin
    assert verdicts("OS002", Engine.OPENSEARCH, user) == write


@pytest.mark.parametrize(
    ("wire", "admin", "write", "read"),
    [
        (mongo("dbAdmin", "admin"), FAIL, PASS, PASS),
        (mongo("db_admin", "orders", "admin"), FAIL, PASS, PASS),
        (mongo("readWrite", "admin"), PASS, FAIL, SKIP),
        (mongo("READ_WRITE", "admin"), PASS, FAIL, SKIP),
        (mongo("readOnly", "admin"), PASS, PASS, FAIL),
        (mongo("dbAdmin", "orders"), PASS, PASS, PASS),
        (mongo("readWrite", "administration"), PASS, PASS, PASS),
        (mongo("root", "admin"), UNKNOWN, UNKNOWN, UNKNOWN),
        ({"mongo_user_settings": {"databases": ["admin"], "role": "dbAdmin"}}, FAIL, PASS, PASS),
        ({"settings": {"mongo_user_settings": {"databases": ["admin"]}}},) + (UNKNOWN,) * 3,
        ({"settings": {"mongo_user_settings": {"role": "dbAdmin"}}},) + (UNKNOWN,) * 3,
        ({"settings": {}},) + (UNKNOWN,) * 3,
        ({"role": "primary"}, PASS, PASS, PASS),
    ],
)
def test_mg001_to_mg003_what_a_user_may_do_in_all_databases(
    wire: dict[str, Any], admin: str, write: str, read: str
) -> None:
    user = of_digitalocean(wire)

    found = [verdicts(check_id, Engine.MONGODB, user) for check_id in ("MG001", "MG002", "MG003")]

    assert found == [admin, write, read]


@pytest.mark.parametrize(
    ("engine", "wire", "expected"),
    [
        (Engine.KAFKA, acl(), FAIL),
        (Engine.KAFKA, acl(("orders", "consume")), PASS),
        (Engine.KAFKA, {"settings": {"acl": None}}, UNKNOWN),
        (Engine.KAFKA, {"settings": {}}, UNKNOWN),
        (Engine.KAFKA, {}, UNKNOWN),
        (Engine.KAFKA, {"role": "primary", **acl()}, PASS),
        (Engine.OPENSEARCH, indexes(), FAIL),
        (Engine.OPENSEARCH, indexes(("logs-*", "deny")), PASS),
        (Engine.OPENSEARCH, {}, UNKNOWN),
    ],
)
def test_ac001_no_access_rules(engine: Engine, wire: dict[str, Any], expected: str) -> None:
    assert verdicts("AC001", engine, of_digitalocean(wire)) == expected
