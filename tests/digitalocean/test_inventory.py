from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import trustme

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
    certificates,
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
    ("role", "built_in"),
    [
        ("primary", True),
        ("normal", False),
        ("PRIMARY", True),
        ("something-new", None),
        (ABSENT, None),
    ],
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


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"version": "8", "semantic_version": "8.0.41"}, {"version": "8.0.41"}),
        ({"version": "8"}, {"version": "8"}),
        ({"tags": ["prod", "team:data"]}, {"tags": frozenset({"prod", "team:data"})}),
        ({"tags": None}, {"tags": frozenset()}),
        ({"version_end_of_life": "2027-11-11T00:00:00Z"}, {"end_of_life": date(2027, 11, 11)}),
        ({"version_end_of_life": "2027-11-11"}, {"end_of_life": date(2027, 11, 11)}),
        ({"version_end_of_life": "in a while"}, {}),
        ({"version_end_of_life": ""}, {}),
        ({"version_end_of_life": None}, {}),
    ],
)
def test_what_is_known_of_a_cluster(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    cluster = DatabaseCluster(id="1", name="one", engine="mysql", **fields)

    assert database_record(cluster) == DatabaseRecord(
        "DigitalOcean", "1", "one", engine=Engine.MYSQL, **expected
    )


def certificate(expires: datetime) -> Secret:
    """Return a certificate in PEM that a certificate authority has issued for a user."""
    issued = trustme.CA().issue_cert("app.example.com", not_after=expires)
    return Secret(issued.cert_chain_pems[0].bytes().decode())


def test_when_a_certificate_expires_is_kept_and_the_certificate_is_not() -> None:
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=7)

    record = user_record(DatabaseUser("app", access_cert=certificate(expires)))

    assert record == UserRecord("app", certificate_expires=expires)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no certificate",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n\ud800\n-----END CERTIFICATE-----\n",
    ],
)
def test_a_certificate_that_cannot_be_read_is_unknown(text: str) -> None:
    assert user_record(DatabaseUser("app", access_cert=Secret(text))) == UserRecord("app")


def test_without_the_extra_no_certificate_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "_x509", lambda: None)
    user = DatabaseUser("app", access_cert=certificate(datetime.now(UTC) + timedelta(days=7)))

    assert user_record(user) == UserRecord("app")


async def test_the_list_of_clusters_brings_some_users_along(sandbox: Sandbox) -> None:
    first, second, *_ = sandbox.fleet.digitalocean
    first["users"] = [
        {"name": "doadmin", "role": "primary", "password": "a"},
        {"name": "app", "role": "normal", "settings": {"pg_allow_replication": True}},
        {"name": "new"},
    ]
    second["users"] = None
    async with sandbox.digitalocean() as client:
        inventory = DigitalOceanInventory(client)

        pairs = await inventory.databases_with_embedded_users()
        assert [database for database, _ in pairs] == await inventory.databases()

    embedded = {database.id: users for database, users in pairs}
    assert embedded[first["id"]] == (
        UserRecord("doadmin", built_in=True, secrets_visible=True),
        UserRecord("app", built_in=False),
        UserRecord("new"),
    )
    assert embedded[second["id"]] is None


async def test_it_takes_the_requests_that_it_says(sandbox: Sandbox) -> None:
    async with sandbox.digitalocean() as client:
        inventory = DigitalOceanInventory(client)

        databases = await inventory.databases()
        listed = len(sandbox.requests)
        for database in databases:
            if database.has_users:
                await inventory.users(database)

    assert listed == inventory.requests_to_list()
    assert len(sandbox.requests) - listed == inventory.requests_for(databases)
    assert inventory.requests_for(databases) < len(databases)
