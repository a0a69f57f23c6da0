from datetime import UTC, date, datetime
from typing import Any

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbusers.audit.encoding.records import (
    DATABASE_FIELDS,
    GRANT_FIELDS,
    USER_FIELDS,
    database_from_column,
    database_from_json,
    database_to_column,
    database_to_json,
    user_from_json,
    user_to_json,
    users_from_column,
    users_to_column,
)
from dbusers.audit.records import DatabaseRecord, Engine, Grant, GrantKind, UserRecord

# What JSON cannot hold, and so no provider can send: half of a surrogate pair.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FLAG = st.none() | st.booleans()
DATABASES = st.builds(
    DatabaseRecord,
    provider=TEXT,
    id=TEXT,
    name=TEXT,
    account=TEXT,
    engine=st.none() | st.sampled_from(Engine) | TEXT,
    version=st.none() | TEXT,
    region=st.none() | TEXT,
    status=st.none() | TEXT,
    tags=st.none() | st.frozensets(TEXT, max_size=3),
    open_to_world=FLAG,
    end_of_life=st.none() | st.dates(),
    has_users=st.booleans(),
)
GRANTS = st.builds(
    Grant, st.sampled_from(GrantKind), pattern=st.none() | TEXT, permission=st.none() | TEXT
)
USERS = st.builds(
    UserRecord,
    name=TEXT,
    built_in=FLAG,
    password_encryption=st.none() | TEXT,
    auth_plugin=st.none() | TEXT,
    superuser=FLAG,
    replication=FLAG,
    read_only=FLAG,
    grants=st.none() | st.lists(GRANTS, max_size=3).map(tuple),
    certificate_expires=st.none() | st.datetimes(timezones=st.just(UTC)),
    secrets_visible=st.booleans(),
)
DATABASE: dict[str, Any] = database_to_json(DatabaseRecord("DigitalOcean", "id-1", "orders"))
USER: dict[str, Any] = user_to_json(UserRecord("app"))


@given(DATABASES)
def test_a_database_survives_json(database: DatabaseRecord) -> None:
    assert database_from_json(orjson.loads(orjson.dumps(database_to_json(database)))) == database


@given(USERS)
def test_a_user_survives_json(user: UserRecord) -> None:
    assert user_from_json(orjson.loads(orjson.dumps(user_to_json(user)))) == user


@given(DATABASES)
def test_a_database_survives_a_column(database: DatabaseRecord) -> None:
    assert database_from_column(database_to_column(database)) == database


@given(st.lists(USERS, max_size=3).map(tuple))
def test_users_survive_a_column(users: tuple[UserRecord, ...]) -> None:
    assert users_from_column(users_to_column(users)) == users


def test_a_column_has_values_by_their_place_and_the_places_stay() -> None:
    grant = Grant(GrantKind.TOPIC, "*", "admin")

    assert (
        *("provider", "id", "name", "account", "engine", "version", "region", "status", "tags"),
        *("open_to_world", "end_of_life", "has_users"),
    ) == DATABASE_FIELDS
    assert GRANT_FIELDS == ("kind", "pattern", "permission")
    assert (
        *("name", "built_in", "password_encryption", "auth_plugin", "superuser", "replication"),
        *("read_only", "grants", "certificate_expires", "secrets_visible"),
    ) == USER_FIELDS
    assert users_to_column((UserRecord("app", built_in=False, grants=(grant,)),)) == (
        '[["app",false,null,null,null,null,null,[["topic","*","admin"]],null,false]]'
    )


def test_columns_are_read_as_the_first_version_wrote_them() -> None:
    user = UserRecord("app", grants=(Grant(GrantKind.INDEX, "logs", None),))
    database = DatabaseRecord("A", "1", "n", tags=frozenset({"a"}))

    spelled_out = orjson.dumps([user_to_json(user)]).decode()
    assert users_from_column(spelled_out) == (user,)
    assert database_from_column(orjson.dumps(database_to_json(database)).decode()) == database


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("{}", "users: not a list"),
        ("[1]", "user: not an object"),
        ("[[1]]", "name: not a text"),
        ('[["app"]]', "secrets_visible: not true or false"),
        ('[["app",null,null,null,null,null,null,[7],null,false]]', "grants: not an object"),
        ('[["app",null,null,null,null,null,null,[["x"]],null,false]]', "kind: not one of"),
    ],
)
def test_a_column_that_is_damaged_is_told_by_its_key(column: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        users_from_column(column)


def test_every_field_of_a_record_has_its_key() -> None:
    assert set(DATABASE) == {field.name for field in attrs.fields(DatabaseRecord)}
    assert set(USER) == {field.name for field in attrs.fields(UserRecord)}


def test_unknown_is_null_and_stays_apart_from_no_and_from_none_of_them() -> None:
    unknown, known = UserRecord("a"), UserRecord("a", read_only=False, grants=())

    assert user_to_json(unknown)["grants"] is None
    assert user_to_json(known)["grants"] == []
    assert user_to_json(unknown)["read_only"] is None
    assert user_to_json(known)["read_only"] is False
    assert database_to_json(DatabaseRecord("A", "1", "n", tags=frozenset()))["tags"] == []
    assert DATABASE["tags"] is None


def test_values_are_plain_and_the_tags_in_order() -> None:
    database = DatabaseRecord(
        "A",
        "1",
        "n",
        engine=Engine.KAFKA,
        tags=frozenset({"b", "a", "c"}),
        end_of_life=date(2027, 2, 1),
    )
    user = UserRecord(
        "u",
        grants=(Grant(GrantKind.TOPIC, "*", "admin"),),
        certificate_expires=datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC),
    )

    encoded = database_to_json(database), user_to_json(user)

    assert type(encoded[0]["engine"]) is str
    assert encoded[0]["engine"] == "kafka"
    assert encoded[0]["tags"] == ["a", "b", "c"]
    assert encoded[0]["end_of_life"] == "2027-02-01"
    assert encoded[1]["grants"] == [{"kind": "topic", "pattern": "*", "permission": "admin"}]
    assert encoded[1]["certificate_expires"] == "2027-01-02T03:04:05+00:00"


def test_an_engine_is_the_known_one_or_the_providers_word() -> None:
    known = database_from_json({**DATABASE, "engine": "mysql"})
    unknown = database_from_json({**DATABASE, "engine": "cassandra"})

    assert known.engine is Engine.MYSQL
    assert unknown.engine == "cassandra"
    assert not isinstance(unknown.engine, Engine)


def test_a_field_that_was_not_written_yet_is_unknown() -> None:
    old_database = {
        key: DATABASE[key] for key in ("provider", "account", "id", "name", "has_users")
    }
    old_user = {key: USER[key] for key in ("name", "secrets_visible")}

    assert database_from_json(old_database) == DatabaseRecord("DigitalOcean", "id-1", "orders")
    assert user_from_json(old_user) == UserRecord("app")


@pytest.mark.parametrize("key", ["provider", "account", "id", "name", "has_users"])
def test_a_database_without_what_must_be_known_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=f"^{key}: not "):
        database_from_json({name: value for name, value in DATABASE.items() if name != key})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", 5),
        ("engine", ["kafka"]),
        ("tags", "production"),
        ("tags", [1]),
        ("open_to_world", "no"),
        ("open_to_world", 0),
        ("end_of_life", "soon"),
        ("end_of_life", 20270101),
        ("has_users", None),
    ],
)
def test_a_database_with_a_wrong_value_is_refused_by_its_key(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^{key}: not "):
        database_from_json({**DATABASE, key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", None),
        ("read_only", "false"),
        ("grants", {}),
        ("grants", ["topic"]),
        ("certificate_expires", "yesterday"),
        ("secrets_visible", None),
    ],
)
def test_a_user_with_a_wrong_value_is_refused_by_its_key(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^{key}: not "):
        user_from_json({**USER, key: value})


def test_a_grant_of_an_unknown_kind_is_refused() -> None:
    grant = {"kind": "table", "pattern": "*", "permission": "admin"}

    with pytest.raises(ValueError, match=r"^kind: not one of topic, index, database$"):
        user_from_json({**USER, "grants": [grant]})


def test_a_wrong_value_is_not_in_the_error() -> None:
    with pytest.raises(ValueError, match=r"^end_of_life") as caught:
        database_from_json({**DATABASE, "end_of_life": "hunter2"})

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("value", [None, [], "text"])
def test_what_is_no_object_is_no_record(value: object) -> None:
    with pytest.raises(ValueError, match=r"^database: not an object$"):
        database_from_json(value)
    with pytest.raises(ValueError, match=r"^user: not an object$"):
        user_from_json(value)
