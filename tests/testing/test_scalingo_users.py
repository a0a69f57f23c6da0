"""Scalingo's database users: what the operations answer, what they change, what they refuse."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from dbusers.testing import Sandbox
from dbusers.testing.scalingo.fleet import Database

if TYPE_CHECKING:  # conftest cannot be imported while the tests run
    from tests.testing.conftest import Caller, Reply

    DatabaseOf = Callable[[str], Database]

PASSWORD = "x" * 24


def with_root(**fields: Any) -> dict[str, Any]:
    return {"database_user": fields}


def user_of(reply: "Reply") -> dict[str, Any]:
    user: dict[str, Any] = reply.json["database_user"]
    return user


async def test_a_created_user_is_there_without_its_password(owner: "Caller", users: str) -> None:
    created = await owner("POST", users, with_root(name="reporting", read_only=True))
    listed = (await owner("GET", users)).json["database-users"]

    user = user_of(created)
    assert created.status == 201
    assert 24 <= len(user.pop("password")) <= 64
    assert user == {
        "name": "reporting",
        "read_only": True,
        "protected": False,
        "dbms_attributes": {"password_encryption": "SCRAM-SHA-256"},
    }
    assert user in listed
    assert not any("password" in each for each in listed)


async def test_a_password_can_be_chosen(owner: "Caller", users: str) -> None:
    body = with_root(name="reporting", password=PASSWORD, password_confirmation=PASSWORD)

    created = await owner("POST", users, body)

    assert user_of(created)["password"] == PASSWORD


async def test_a_null_password_is_generated(owner: "Caller", users: str) -> None:
    body = with_root(name="reporting", password=None, password_confirmation=None)

    created = await owner("POST", users, body)

    assert 24 <= len(user_of(created)["password"]) <= 64


async def test_new_passwords_are_no_longer_md5(anonymous: "Caller", sandbox: Sandbox) -> None:
    database, name = next(
        (database, name)
        for database in sandbox.fleet.scalingo.databases
        for name, user in database.users.items()
        if user.get("dbms_attributes") == {"password_encryption": "MD5"}
    )
    owner = anonymous.with_token(sandbox.database_token(database["id"]))

    await owner("POST", f"/api/databases/{database['id']}/users/{name}/reset_password")

    assert database.users[name]["dbms_attributes"] == {"password_encryption": "SCRAM-SHA-256"}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_reset_makes_a_new_password(owner: "Caller", users: str, method: str) -> None:
    created = await owner("POST", users, with_root(name="reporting"))

    reset = await owner(method, f"{users}/reporting/reset_password")

    assert reset.status == 200
    assert user_of(reset)["password"] != user_of(created)["password"]


async def test_an_update_sets_the_password(
    owner: "Caller", users: str, database: "DatabaseOf"
) -> None:
    await owner("POST", users, with_root(name="reporting"))
    database_id = database("postgresql")["id"]
    body = with_root(database_id=database_id, password=PASSWORD, password_confirmation=PASSWORD)

    chosen = await owner("PATCH", f"{users}/reporting", body)
    generated = await owner("PATCH", f"{users}/reporting", with_root(database_id=database_id))

    assert (chosen.status, user_of(chosen)["password"]) == (200, PASSWORD)
    assert (generated.status, len(user_of(generated)["password"])) == (200, 32)


async def test_a_deleted_user_is_gone(owner: "Caller", users: str) -> None:
    await owner("POST", users, with_root(name="reporting"))

    deleted = await owner("DELETE", f"{users}/reporting")
    again = await owner("DELETE", f"{users}/reporting")

    assert (deleted.status, deleted.content) == (204, b"")
    assert (again.status, again.json) == (404, {"resource": "database_user", "error": "not found"})


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [("PATCH", "", with_root()), ("DELETE", "", None), ("POST", "/reset_password", None)],
)
async def test_the_protected_user_resists(
    *,
    owner: "Caller",
    users: str,
    database: "DatabaseOf",
    method: str,
    suffix: str,
    body: dict[str, Any] | None,
) -> None:
    postgresql = database("postgresql")
    name = next(name for name, user in postgresql.users.items() if user["protected"])
    before = dict(postgresql.users[name])

    reply = await owner(method, f"{users}/{name}{suffix}", body)

    assert (reply.status, reply.json["code"]) == (403, "protected_user")
    assert postgresql.users[name] == before


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": None}, "name"),
        ({"name": "short"}, "name"),
        ({"name": "x" * 33}, "name"),
        ({"name": "-reporting"}, "name"),
        ({"name": "reporting-"}, "name"),
        ({"name": "report--ing"}, "name"),
        ({"name": "report ing"}, "name"),
        ({"name": "reporting\n"}, "name"),
        ({"read_only": "yes"}, "read_only"),
        ({"database_id": "another"}, "database_id"),
        ({"role": "admin"}, "role"),
        ({"password": 7}, "password"),
        ({"password": "x" * 23, "password_confirmation": "x" * 23}, "password"),
        ({"password": "x" * 65, "password_confirmation": "x" * 65}, "password"),
        ({"password": PASSWORD + "'", "password_confirmation": PASSWORD + "'"}, "password"),
        ({"password": PASSWORD + '"', "password_confirmation": PASSWORD + '"'}, "password"),
        ({"password": PASSWORD}, "password_confirmation"),
        ({"password": PASSWORD, "password_confirmation": "y" * 24}, "password_confirmation"),
        ({"password_confirmation": PASSWORD}, "password"),
    ],
)
async def test_a_create_against_the_rules_names_the_field(
    owner: "Caller",
    users: str,
    database: "DatabaseOf",
    fields: dict[str, Any],
    wrong: str,
) -> None:
    before = set(database("postgresql").users)

    reply = await owner("POST", users, with_root(**{"name": "reporting", **fields}))

    assert reply.status == 422
    assert list(reply.json["errors"]) == [wrong]
    assert all(isinstance(text, str) for text in reply.json["errors"][wrong])
    assert set(database("postgresql").users) == before


@pytest.mark.parametrize("name", ["app-01", "app_user", "Reporting", "0-to-9-and-back"])
async def test_a_name_passes_that_either_text_accepts(
    owner: "Caller", users: str, name: str
) -> None:
    reply = await owner("POST", users, with_root(name=name))

    assert reply.status == 201


async def test_mysql_names_are_shorter(
    anonymous: "Caller", sandbox: Sandbox, database: "DatabaseOf"
) -> None:
    mysql = database("mysql")
    owner = anonymous.with_token(sandbox.database_token(mysql["id"]))
    path = f"/api/databases/{mysql['id']}/users"

    fits = await owner("POST", path, with_root(name="x" * 16))
    too_long = await owner("POST", path, with_root(name="x" * 17))

    assert (fits.status, too_long.status) == (201, 422)


async def test_a_name_in_use_is_refused(owner: "Caller", users: str) -> None:
    await owner("POST", users, with_root(name="reporting"))

    reply = await owner("POST", users, with_root(name="reporting"))

    assert (reply.status, reply.json) == (422, {"errors": {"name": ["has already been taken"]}})


async def test_a_user_cannot_be_renamed(owner: "Caller", users: str) -> None:
    await owner("POST", users, with_root(name="reporting"))

    reply = await owner("PATCH", f"{users}/reporting", with_root(name="reporter"))

    assert (reply.status, list(reply.json["errors"])) == (422, ["name"])


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (None, None),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"name": "reporting"}', "application/json"),
        (b'{"database_user": "reporting"}', "application/json"),
        (b'{"database_user": {"name": "reporting"}}', "text/plain"),
    ],
)
async def test_a_body_has_its_root(
    owner: "Caller", users: str, content: bytes | None, content_type: str | None
) -> None:
    headers = {"content-type": content_type} if content_type else {}

    reply = await owner("POST", users, content=content, headers=headers)

    assert reply.status == 400
    assert list(reply.json) == ["error"]


async def test_redis_has_no_users(
    anonymous: "Caller", sandbox: Sandbox, database: "DatabaseOf"
) -> None:
    redis = database("redis")
    owner = anonymous.with_token(sandbox.database_token(redis["id"]))

    read = await owner("GET", f"/api/databases/{redis['id']}")
    listed = await owner("GET", f"/api/databases/{redis['id']}/users")

    assert read.status == 200
    assert (listed.status, list(listed.json)) == (400, ["error"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/api/databases", 404),
        ("GET", "/v1/tokens/exchange", 405),
        ("PUT", "/api/databases/some-id/users/name", 405),
        ("GET", "/api/databases/some-id/users/name", 405),
        ("DELETE", "/v1/apps", 405),
    ],
)
async def test_wrong_paths_and_methods_are_refused(
    platform: "Caller", method: str, path: str, status: int
) -> None:
    reply = await platform(method, path)

    assert reply.status == status
    assert "error" in reply.json
