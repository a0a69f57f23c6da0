"""DigitalOcean's models: all fields of all engines, and nothing lost between read and write."""

from typing import Any

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbusers import ABSENT, InvalidRequest, Secret, codec
from dbusers.digitalocean import (
    DatabaseCluster,
    DatabaseUser,
    KafkaAcl,
    KafkaPermission,
    MongoUserSettings,
    MySQLAuthPlugin,
    MySQLSettings,
    OpenSearchAcl,
    ResetAuth,
    UserCreate,
    UserRole,
    UserSettings,
    UserUpdate,
)

USERS: dict[str, dict[str, Any]] = {
    "pg": {"name": "a", "role": "normal", "settings": {"pg_allow_replication": True}},
    "mysql": {
        "name": "b",
        "role": "primary",
        "password": "p",
        "mysql_settings": {"auth_plugin": "mysql_native_password"},
    },
    "mongodb": {
        "name": "c",
        "settings": {"mongo_user_settings": {"databases": ["admin"], "role": "dbAdmin"}},
    },
    "mongodb, at the top": {
        "name": "c",
        "mongo_user_settings": {"databases": ["admin"], "role": "dbAdmin"},
    },
    "kafka": {
        "name": "d",
        "access_cert": "-----BEGIN CERTIFICATE-----",
        "access_key": "-----BEGIN PRIVATE KEY-----",
        "settings": {
            "acl": [
                {"id": "acl1", "topic": "orders.*", "permission": "produce_consume"},
                {"id": "acl2", "topic": "orders.*", "permission": "ADMIN", "since": "2026"},
            ]
        },
    },
    "opensearch": {
        "name": "e",
        "settings": {"opensearch_acl": [{"index": "logs-*", "permission": "read_write"}]},
    },
    "of next year": {"name": "f", "settings": {"graph_acl": [{"vertex": "*"}]}, "mfa": True},
}


def read(cls: Any, document: Any) -> Any:
    found = codec.structure(document, cls)
    assert not isinstance(found, codec.Problem), found
    return found


def written(model: Any) -> Any:
    return orjson.loads(bytes(codec.encode(model)))


@pytest.mark.parametrize("engine", USERS)
def test_a_user_of_each_engine_comes_back_as_it_was(engine: str) -> None:
    assert written(read(DatabaseUser, USERS[engine])) == USERS[engine]


def test_the_fields_of_each_engine_are_typed() -> None:
    pg, mysql, mongo, kafka, opensearch = (
        read(DatabaseUser, USERS[engine])
        for engine in ("pg", "mysql", "mongodb", "kafka", "opensearch")
    )

    assert pg.settings.pg_allow_replication is True
    assert pg.password is ABSENT
    assert mysql.password == Secret("p")
    assert UserRole.of(mysql.role) is UserRole.PRIMARY
    assert MySQLAuthPlugin.of(mysql.mysql_settings.auth_plugin) is MySQLAuthPlugin.NATIVE_PASSWORD
    assert mongo.settings.mongo_user_settings.databases == ("admin",)
    assert [acl.id for acl in kafka.settings.acl] == ["acl1", "acl2"]
    assert kafka.settings.acl[0].permission == "produce_consume"
    assert KafkaPermission.of(kafka.settings.acl[0].permission) is KafkaPermission.PRODUCECONSUME
    assert isinstance(kafka.access_key, Secret)
    assert opensearch.settings.opensearch_acl == (OpenSearchAcl("logs-*", "read_write"),)


@pytest.mark.parametrize("engine", ["mongodb", "mongodb, at the top"])
def test_mongodbs_settings_are_found_in_both_places(engine: str) -> None:
    user = read(DatabaseUser, USERS[engine])

    assert user.mongo == MongoUserSettings(databases=["admin"], role="dbAdmin")


@pytest.mark.parametrize("secret", ["password", "access_cert", "access_key"])
def test_secrets_are_secrets(secret: str) -> None:
    user = read(DatabaseUser, {"name": "a", secret: "canary"})

    assert getattr(user, secret).reveal() == "canary"
    assert "canary" not in repr(user)


@pytest.mark.parametrize("field", ["password", "access_cert", "access_key", "role", "settings"])
def test_a_field_of_a_user_may_be_null_or_absent(field: str) -> None:
    assert getattr(read(DatabaseUser, {"name": "a"}), field) is ABSENT
    assert getattr(read(DatabaseUser, {"name": "a", field: None}), field) is None


# Read, change, write


def changed(engine: str, **changes: Any) -> Any:
    return written(UserUpdate.keeping(read(DatabaseUser, USERS[engine]), **changes))


def test_an_update_keeps_acl_ids_and_fields_that_nobody_knows() -> None:
    document = {"name": "d", "settings": {**USERS["kafka"]["settings"], "quota": {"bytes": 5}}}
    user = read(DatabaseUser, document)
    assert user.settings.acl is not None
    added = KafkaAcl(topic="audit", permission=KafkaPermission.CONSUME)

    update = written(UserUpdate.keeping(user, acl=[*user.settings.acl, added]))
    assert update == {
        "settings": {
            "acl": [
                *USERS["kafka"]["settings"]["acl"],
                {"topic": "audit", "permission": "consume"},
            ],
            "quota": {"bytes": 5},
        }
    }


def test_an_update_that_changes_nothing_writes_what_was_read() -> None:
    for engine in ("pg", "mongodb", "kafka", "opensearch", "of next year"):
        assert changed(engine) == {"settings": USERS[engine]["settings"]}


def test_mongodbs_settings_at_the_top_are_written_where_they_belong() -> None:
    settings = USERS["mongodb, at the top"]["mongo_user_settings"]

    assert changed("mongodb, at the top") == {"settings": {"mongo_user_settings": settings}}


def test_null_settings_are_none_and_can_be_replaced() -> None:
    user = read(DatabaseUser, {"name": "a", "settings": None})

    assert written(UserUpdate.keeping(user, pg_allow_replication=True)) == {
        "settings": {"pg_allow_replication": True}
    }


def test_settings_that_were_not_read_are_not_replaced_unseen() -> None:
    with pytest.raises(InvalidRequest, match="not in the answer"):
        UserUpdate.keeping(DatabaseUser("a"), pg_allow_replication=True)


@pytest.mark.parametrize("settings", [None, ABSENT, {}])
def test_an_update_needs_settings(settings: Any) -> None:
    with pytest.raises(InvalidRequest):
        UserUpdate(settings=settings)


acls = st.fixed_dictionaries(
    {"topic": st.text(min_size=1, max_size=5), "permission": st.text(max_size=5)},
    optional={
        "id": st.none() | st.text(max_size=5),
        "added": st.none() | st.integers(0, 9) | st.lists(st.booleans()),
    },
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "acl": st.none() | st.lists(acls, max_size=3),
            "pg_allow_replication": st.none() | st.booleans(),
            "opensearch_acl": st.none()
            | st.lists(st.fixed_dictionaries({"index": st.text()}), max_size=2),
            "invented": st.integers(0, 9),
        },
    )
)
def test_whatever_settings_were_read_are_written_back(settings: dict[str, Any]) -> None:
    user = read(DatabaseUser, {"name": "a", "settings": settings})

    assert written(UserUpdate.keeping(user)) == {"settings": settings}


# What is sent


@pytest.mark.parametrize(
    ("model", "document"),
    [
        (UserCreate("a"), {"name": "a"}),
        (UserCreate("a", readonly=True), {"name": "a", "readonly": True}),
        (
            UserCreate("a", mysql_settings=MySQLSettings(MySQLAuthPlugin.CACHING_SHA2_PASSWORD)),
            {"name": "a", "mysql_settings": {"auth_plugin": "caching_sha2_password"}},
        ),
        (UserUpdate(settings=UserSettings()), {"settings": {}}),
        (UserUpdate(settings=UserSettings(acl=[])), {"settings": {"acl": []}}),
        (UserUpdate(settings=UserSettings(acl=None)), {"settings": {"acl": None}}),
        (ResetAuth(), {}),
        (
            ResetAuth(mysql_settings=MySQLSettings(auth_plugin="caching_sha2_password")),
            {"mysql_settings": {"auth_plugin": "caching_sha2_password"}},
        ),
    ],
)
def test_a_body_is_as_documented(model: Any, document: dict[str, Any]) -> None:
    assert written(model) == document


# Clusters


def test_a_cluster_is_read_with_its_nulls() -> None:
    document = {
        "id": "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30",
        "name": "backend",
        "engine": "advanced_pg",
        "version": "16",
        "num_nodes": 2,
        "tags": None,
        "db_names": None,
        "users": None,
        "rules": [],
        "created_at": "2019-01-11T18:37:36Z",
        "version_end_of_life": None,
        "connection": {
            "uri": "postgres://doadmin:canary@host",
            "password": "canary",
            "port": 25060,
        },
        "storage_size_mib": 61440,
    }
    cluster = read(DatabaseCluster, document)

    assert (cluster.tags, cluster.rules, cluster.status) == (None, (), ABSENT)
    assert cluster.connection.port == 25060
    assert cluster.additional_data == {"storage_size_mib": 61440}
    assert "canary" not in repr(cluster)


def test_every_connection_is_treated_as_secret() -> None:
    connections = [f.name for f in attrs.fields(DatabaseCluster) if f.name.endswith("connection")]

    assert len(connections) == 4
    for name in connections:
        cluster = read(
            DatabaseCluster,
            {"id": "1", "name": "a", "engine": "pg", name: {"uri": "canary", "password": "canary"}},
        )
        assert "canary" not in repr(cluster)
