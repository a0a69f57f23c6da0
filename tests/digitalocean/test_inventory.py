from typing import Any

import pytest

from dbusers import ABSENT, Secret
from dbusers.audit import DatabaseRecord, Engine, Grant, GrantKind, UserRecord
from dbusers.digitalocean import (
    DatabaseCluster,
    DatabaseUser,
    FirewallRule,
    KafkaAcl,
    MongoUserSettings,
    MySQLSettings,
    OpenSearchAcl,
    UserSettings,
)
from dbusers.digitalocean.inventory import DigitalOceanInventory, database_record, user_record
from dbusers.testing import Sandbox

ONE = FirewallRule(type="ip_addr", value="203.0.113.7")
ALL = FirewallRule(type="ip_addr", value="0.0.0.0/0")
ALL_6 = FirewallRule(type="IP_ADDR", value="::/0")


@pytest.mark.parametrize(
    ("engine", "expected", "has_users"),
    [
        ("pg", Engine.POSTGRESQL, True),
        ("advanced_pg", Engine.POSTGRESQL, True),
        ("mysql", Engine.MYSQL, True),
        ("advanced_mysql", Engine.MYSQL, True),
        ("mongodb", Engine.MONGODB, True),
        ("kafka", Engine.KAFKA, True),
        ("opensearch", Engine.OPENSEARCH, True),
        ("redis", Engine.REDIS, False),
        ("valkey", Engine.VALKEY, False),
        ("something-new", "something-new", True),
    ],
)
def test_engines_have_one_spelling_and_a_new_one_is_asked(
    engine: str, expected: str, has_users: bool
) -> None:
    record = database_record(DatabaseCluster(id="1", name="one", engine=engine))

    assert (record.engine, record.has_users) == (expected, has_users)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ((), True),
        ((ONE,), False),
        ((ONE, ALL), True),
        ((ALL_6,), True),
        (None, None),
        (ABSENT, None),
    ],
)
def test_open_to_the_world_is_no_rule_or_one_for_all(rules: Any, expected: bool | None) -> None:
    cluster = DatabaseCluster(id="1", name="one", engine="pg", rules=rules)

    assert database_record(cluster).open_to_world is expected


def test_what_the_answer_does_not_have_is_unknown() -> None:
    cluster = DatabaseCluster(id="1", name="one", engine="pg")

    assert user_record(DatabaseUser("app")) == UserRecord("app")
    assert database_record(cluster) == DatabaseRecord("DigitalOcean", "1", "one", Engine.POSTGRESQL)


@pytest.mark.parametrize(
    ("settings", "grants"),
    [
        (UserSettings(acl=[KafkaAcl("a", "consume")]), (Grant(GrantKind.TOPIC, "a", "consume"),)),
        (
            UserSettings(opensearch_acl=[OpenSearchAcl("a", "read"), OpenSearchAcl()]),
            (Grant(GrantKind.INDEX, "a", "read"), Grant(GrantKind.INDEX, None, None)),
        ),
        (
            UserSettings(mongo_user_settings=MongoUserSettings(["a", "b"], "dbAdmin")),
            (
                Grant(GrantKind.DATABASE, "a", "dbAdmin"),
                Grant(GrantKind.DATABASE, "b", "dbAdmin"),
            ),
        ),
        (UserSettings(acl=[]), ()),
        (UserSettings(acl=None), None),
        (UserSettings(), None),
        (None, None),
        (ABSENT, None),
    ],
)
def test_grants_are_told_from_nothing_and_from_unknown(
    settings: Any, grants: tuple[Grant, ...] | None
) -> None:
    assert user_record(DatabaseUser("app", settings=settings)).grants == grants


def test_mongodb_settings_count_in_either_place() -> None:
    user = DatabaseUser("app", mongo_user_settings=MongoUserSettings(["admin"], "readOnly"))

    assert user_record(user).grants == (Grant(GrantKind.DATABASE, "admin", "readOnly"),)


@pytest.mark.parametrize(
    ("role", "built_in"), [("primary", True), ("normal", False), ("PRIMARY", True), (ABSENT, None)]
)
def test_the_primary_user_is_the_built_in_one(role: Any, built_in: bool | None) -> None:
    assert user_record(DatabaseUser("app", role=role)).built_in is built_in


def test_facts_about_login_and_replication_are_kept() -> None:
    record = user_record(
        DatabaseUser(
            "app",
            mysql_settings=MySQLSettings("mysql_native_password"),
            settings=UserSettings(pg_allow_replication=False),
        )
    )

    assert record.auth_plugin == "mysql_native_password"
    assert record.replication is False


def test_that_a_secret_was_visible_is_kept_and_the_secret_is_not() -> None:
    record = user_record(
        DatabaseUser("app", password=Secret("hunter2"), access_key=Secret("PEM of a key"))
    )

    assert record == UserRecord("app", secrets_visible=True)


async def test_a_token_that_cannot_see_credentials_sees_no_secrets(sandbox: Sandbox) -> None:
    token = sandbox.add_digitalocean_token(["database:read"])
    async with sandbox.digitalocean(token=token) as client:
        inventory = DigitalOceanInventory(client)

        database = next(d for d in await inventory.databases() if d.engine is Engine.KAFKA)
        users = await inventory.users(database)

    assert users
    assert not any(user.secrets_visible for user in users)
