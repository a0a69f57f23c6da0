from collections import defaultdict
from typing import Any

import pytest

from dbusers.audit import (
    CHECKS,
    DatabaseRecord,
    Engine,
    Grant,
    GrantKind,
    Read,
    Severity,
    UserRecord,
    Verdict,
    check,
    judge,
    read_all,
)
from dbusers.digitalocean.inventory import DigitalOceanInventory
from dbusers.scalingo.inventory import ScalingoInventory
from dbusers.testing import Sandbox

PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN


def topic(pattern: str | None, permission: str | None) -> Grant:
    return Grant(GrantKind.TOPIC, pattern, permission)


def index(pattern: str | None, permission: str | None) -> Grant:
    return Grant(GrantKind.INDEX, pattern, permission)


def database(pattern: str | None, permission: str | None) -> Grant:
    return Grant(GrantKind.DATABASE, pattern, permission)


def verdict(check_id: str, engine: Engine, **fields: Any) -> Verdict:
    """Return what the check with this id says of a user, asked for all checks of the engine."""
    read = Read(DatabaseRecord("A", "1", "one", engine=engine), (UserRecord("app", **fields),))
    (found,) = (finding for finding in judge(read) if finding.check.id == check_id)
    return found.verdict


@pytest.mark.parametrize(
    ("encryption", "expected"),
    [
        ("MD5", FAIL),
        ("md5", FAIL),
        ("SCRAM-SHA-256", PASS),
        ("scram_sha_256", PASS),
        ("SOMETHING-NEW", PASS),
        (None, UNKNOWN),
    ],
)
def test_pg001_an_md5_password(encryption: str | None, expected: Verdict) -> None:
    assert verdict("PG001", Engine.POSTGRESQL, password_encryption=encryption) is expected


@pytest.mark.parametrize(
    ("replication", "built_in", "expected"),
    [
        (True, False, FAIL),
        (True, None, FAIL),
        (False, False, PASS),
        (None, False, UNKNOWN),
        (None, None, UNKNOWN),
        (True, True, PASS),
        (None, True, PASS),
    ],
)
def test_pg002_the_replication_right(
    replication: bool | None, built_in: bool | None, expected: Verdict
) -> None:
    found = verdict("PG002", Engine.POSTGRESQL, replication=replication, built_in=built_in)

    assert found is expected


@pytest.mark.parametrize(
    ("plugin", "expected"),
    [
        ("mysql_native_password", FAIL),
        ("MYSQL_NATIVE_PASSWORD", FAIL),
        ("caching_sha2_password", PASS),
        (None, UNKNOWN),
    ],
)
def test_my001_a_native_password(plugin: str | None, expected: Verdict) -> None:
    assert verdict("MY001", Engine.MYSQL, auth_plugin=plugin) is expected


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        ((topic("*", "admin"),), FAIL),
        ((topic(".*", "ADMIN"),), FAIL),
        ((topic("orders", "consume"), topic("*", "Admin")), FAIL),
        ((topic("orders", "admin"),), PASS),
        ((topic("orders.*", "admin"),), PASS),
        ((topic("*", "produceconsume"),), PASS),
        ((index("*", "admin"),), PASS),
        ((), PASS),
        (None, UNKNOWN),
        ((topic(None, "admin"),), UNKNOWN),
        ((topic("*", None),), UNKNOWN),
        ((topic("orders", None),), PASS),
        ((topic("*", None), topic("*", "admin")), FAIL),
    ],
)
def test_ka001_admin_on_all_topics(grants: tuple[Grant, ...] | None, expected: Verdict) -> None:
    assert verdict("KA001", Engine.KAFKA, grants=grants) is expected


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        ((index("*", "admin"),), FAIL),
        ((index(".*", "ADMIN"),), FAIL),
        ((index("logs-*", "admin"),), PASS),
        ((index("*", "readwrite"),), PASS),
        ((index("*", "deny"),), PASS),
        (None, UNKNOWN),
    ],
)
def test_os001_admin_on_all_indexes(grants: tuple[Grant, ...] | None, expected: Verdict) -> None:
    assert verdict("OS001", Engine.OPENSEARCH, grants=grants) is expected


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        ((database("admin", "dbAdmin"),), FAIL),
        ((database("orders", "dbadmin"), database("admin", "db_admin")), FAIL),
        ((database("orders", "dbAdmin"),), PASS),
        ((database("admin", "readOnly"),), PASS),
        ((), PASS),
        (None, UNKNOWN),
    ],
)
def test_mg001_db_admin_on_admin(grants: tuple[Grant, ...] | None, expected: Verdict) -> None:
    assert verdict("MG001", Engine.MONGODB, grants=grants) is expected


@pytest.mark.parametrize("engine", [Engine.KAFKA, Engine.OPENSEARCH, Engine.MONGODB])
def test_the_built_in_user_is_meant_to_have_all_rights(engine: Engine) -> None:
    read = Read(
        DatabaseRecord("A", "1", "one", engine=engine), (UserRecord("doadmin", built_in=True),)
    )

    assert [finding.verdict for finding in judge(read)] == [PASS]


@pytest.mark.parametrize("engine", [Engine.INFLUXDB, "something-new", None])
def test_an_engine_without_checks_has_no_findings(engine: Engine | str | None) -> None:
    read = Read(DatabaseRecord("A", "1", "one", engine=engine), (UserRecord("app"),))

    assert list(judge(read)) == []


def test_a_check_of_ones_own_is_a_function_with_a_decorator() -> None:
    @check(
        "XX001",
        "Named root",
        Severity.LOW,
        engines={Engine.MYSQL},
        rationale="It is the first name that is tried.",
        remedy="Take another.",
        source="experience",
    )
    def named_root(database: DatabaseRecord, user: UserRecord) -> Verdict:
        return FAIL if user.name == "root" else PASS

    users = (UserRecord("root"), UserRecord("app"))
    read = Read(DatabaseRecord("A", "1", "one", engine=Engine.MYSQL), users)

    found = [(f.check.id, f.user.name, f.verdict) for f in judge(read, [named_root])]

    assert found == [("XX001", "root", FAIL), ("XX001", "app", PASS)]


def test_every_check_says_what_why_and_what_to_do() -> None:
    assert len({one.id for one in CHECKS}) == len(CHECKS)
    for one in CHECKS:
        assert one.title
        assert one.source
        assert one.rationale.endswith(".")
        assert one.remedy.endswith(".")


def wrong_by_wire(sandbox: Sandbox) -> dict[str, set[tuple[str, str]]]:
    """Return what is wrong, told from the sandbox's JSON alone."""
    wrong: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for cluster in sandbox.fleet.digitalocean:
        for name, user in cluster.users.items():
            settings = user.get("settings") or {}
            mongo = settings.get("mongo_user_settings") or user.get("mongo_user_settings") or {}
            facts = {
                "PG002": settings.get("pg_allow_replication"),
                "MY001": user.get("mysql_settings") == {"auth_plugin": "mysql_native_password"},
                "KA001": any(
                    acl["topic"] in ("*", ".*") and acl["permission"].lower() == "admin"
                    for acl in settings.get("acl", [])
                ),
                "OS001": any(
                    acl["index"] in ("*", ".*") and acl["permission"].lower() == "admin"
                    for acl in settings.get("opensearch_acl", [])
                ),
                "MG001": "admin" in mongo.get("databases", []) and mongo["role"] == "dbAdmin",
            }
            for check_id, is_wrong in facts.items():
                if is_wrong:
                    wrong[check_id].add((cluster["id"], name))
    for found in sandbox.fleet.scalingo.databases:
        for name, user in found.users.items():
            if user.get("dbms_attributes") == {"password_encryption": "MD5"}:
                wrong["PG001"].add((found["id"], name))
    return wrong


async def test_the_findings_are_those_that_the_wire_shows() -> None:
    failed: dict[str, set[tuple[str, str]]] = defaultdict(set)

    async with (
        Sandbox(databases=60, users=1200, limits=False) as sandbox,
        sandbox.digitalocean() as digitalocean,
        sandbox.scalingo(rate_limit=None) as scalingo,
    ):
        async for outcome in read_all(
            [DigitalOceanInventory(digitalocean), ScalingoInventory(scalingo)]
        ):
            if isinstance(outcome, Read):
                for finding in judge(outcome):
                    if finding.verdict is FAIL:
                        failed[finding.check.id].add((finding.database.id, finding.user.name))

    assert failed == wrong_by_wire(sandbox)
    assert set(failed) == {one.id for one in CHECKS}
