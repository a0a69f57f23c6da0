"""Each of Scalingo's operations against the sandbox, which speaks wire JSON only."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from dbusers import (
    APIError,
    NotFound,
    RequestConfiguration,
    Response,
    RetryOption,
    ScalingoClient,
    Secret,
    ServerError,
    Unprocessable,
)
from dbusers.options import OnResponse
from dbusers.scalingo import DatabaseUser, UserCreate, UsersRequestBuilder, UserUpdate
from dbusers.testing import Fault, Sandbox
from tests.raw_server import RawServer, answer

HOSTS = ("auth_url", "api_url", "database_api_url")

UsersOf = Callable[[str], UsersRequestBuilder]
PASSWORD = "a-password-of-more-than-24-letters"


@pytest.fixture
async def scalingo(sandbox: Sandbox) -> AsyncIterator[ScalingoClient]:
    async with sandbox.scalingo(rate_limit=None) as client:
        yield client


@pytest.fixture
def users_of(sandbox: Sandbox, scalingo: ScalingoClient) -> UsersOf:
    """The users of the first database of a type."""

    def users(type_name: str) -> UsersRequestBuilder:
        databases = sandbox.fleet.scalingo.databases
        database = next(d for d in databases if d["type_name"] == type_name)
        return scalingo.databases.by_id(database["id"]).users

    return users


@pytest.fixture
async def raw_client(server: RawServer) -> AsyncIterator[ScalingoClient]:
    """A client with a ready-made bearer for a raw server."""
    async with ScalingoClient(
        database_token="a-bearer", database_api_url=server.url, rate_limit=None
    ) as client:
        yield client


# Finding databases


async def test_finds_every_database(sandbox: Sandbox, scalingo: ScalingoClient) -> None:
    found = await scalingo.databases.get()

    assert {d.id for d in found} == {d["id"] for d in sandbox.fleet.scalingo.databases}
    assert len(found) == len({d.id for d in found})
    types = {d["id"]: d["type_name"] for d in sandbox.fleet.scalingo.databases}
    assert {d.id: d.engine for d in found} == types


async def test_dedicated_databases_are_found_once_by_the_id_of_their_addon(
    sandbox: Sandbox, scalingo: ScalingoClient
) -> None:
    dedicated = [d for d in await scalingo.databases.get() if d.dedicated]

    assert dedicated
    for database in dedicated:
        assert (
            await scalingo.databases.by_id(database.id, app=database.app).get()
        ).id == database.id


async def test_one_app_that_cannot_be_read_is_not_passed_over(
    sandbox: Sandbox, scalingo: ScalingoClient
) -> None:
    sandbox.inject(Fault("/v1/apps/*/addons", after=1, status=500, times=None))

    with pytest.raises(ServerError):
        await scalingo.databases.get(RequestConfiguration(options=[RetryOption(max_retries=0)]))


async def test_reads_apps_addons_and_regions(scalingo: ScalingoClient) -> None:
    apps = await scalingo.apps.get()
    addons = await scalingo.apps.by_name(apps[0].name).addons.get()

    assert apps
    assert isinstance(addons, list)
    assert "osc-fr1" in [region.name for region in await scalingo.regions.get()]


async def test_every_page_is_read(server: RawServer) -> None:
    def page(number: int, following: int | None) -> Any:
        pagination = {"current_page": number, "next_page": following, "total_pages": 2}
        apps = [{"id": str(number), "name": f"app-{number}"}]
        return answer(200, {"apps": apps, "meta": {"pagination": pagination}})

    server.plays(answer(200, {"token": "a-bearer"}), page(1, 2), page(2, None))
    hosts: dict[str, Any] = dict.fromkeys(HOSTS, server.url)

    async with ScalingoClient("tk-us-x", rate_limit=None, **hosts) as client:
        apps = await client.apps.get(RequestConfiguration(query_parameters={"per_page": 1}))
    assert [app.name for app in apps] == ["app-1", "app-2"]
    assert [r.target for r in server.requests[1:]] == [
        b"/v1/apps?per_page=1",
        b"/v1/apps?per_page=1&page=2",
    ]


# Reading users


async def test_reads_a_database(sandbox: Sandbox, scalingo: ScalingoClient) -> None:
    expected = sandbox.fleet.scalingo.databases[0]

    database = await scalingo.databases.by_id(expected["id"]).get()
    assert (database.id, database.type_name) == (expected["id"], expected["type_name"])


async def test_reads_every_user_of_every_database(
    sandbox: Sandbox, scalingo: ScalingoClient
) -> None:
    read = 0
    for found in await scalingo.databases.get():
        if found.engine not in ("postgresql", "mysql", "mongodb", "influxdb"):
            continue
        users = scalingo.databases.by_id(found.id, app=found.app).users
        for user in await users.get():
            assert await users.by_username(user.name).get() == user
            read += 1

    assert read > 10


@pytest.mark.parametrize("key", ["database-users", "database_users"])
async def test_both_spellings_of_the_list_are_read(
    server: RawServer, raw_client: ScalingoClient, key: str
) -> None:
    server.plays(answer(200, {key: [{"name": "app"}]}))

    users = await raw_client.databases.by_id("ad-1").users.get()
    assert [user.name for user in users] == ["app"]


async def test_a_user_that_is_not_in_the_list_is_not_found(
    server: RawServer, raw_client: ScalingoClient
) -> None:
    server.plays(answer(200, {"database-users": [{"name": "App"}]}, {"x-request-id": "r-1"}))

    with pytest.raises(NotFound) as caught:
        await raw_client.databases.by_id("ad-1").users.by_username("app").get()
    error = caught.value
    assert (error.status, error.request_id, error.attempts) == (404, "r-1", 1)
    assert not error.retryable
    assert "app" in str(error)
    assert server.lines == [b"GET /api/databases/ad-1/users HTTP/1.1"]


# Changing users


async def test_creates_a_user_and_shows_its_password_once(users_of: UsersOf) -> None:
    users = users_of("postgresql")

    created = await users.post(UserCreate("app-01", read_only=True))
    assert (created.name, created.read_only) == ("app-01", True)
    assert created.password
    assert not (await users.by_username("app-01").get()).password


async def test_a_create_sends_the_documented_body(sandbox: Sandbox, users_of: UsersOf) -> None:
    users = users_of("postgresql")
    database = users.path_parameters["db"]

    await users.post(UserCreate("app-01", read_only=False, password=PASSWORD))
    assert sandbox.requests[-1].json == {
        "database_user": {
            "database_id": database,
            "name": "app-01",
            "read_only": False,
            "password": Secret(PASSWORD),
            "password_confirmation": Secret(PASSWORD),
        }
    }


async def test_changes_a_password(sandbox: Sandbox, users_of: UsersOf) -> None:
    users = users_of("postgresql")
    await users.post(UserCreate("app-01"))

    changed = await users.by_username("app-01").patch(UserUpdate(password=PASSWORD))
    assert changed.name == "app-01"
    assert sandbox.requests[-1].json == {
        "database_user": {
            "database_id": users.path_parameters["db"],
            "password": Secret(PASSWORD),
            "password_confirmation": Secret(PASSWORD),
        }
    }


@pytest.mark.parametrize("rooted", [True, False])
@pytest.mark.parametrize("verb", ["post", "patch", "reset"])
async def test_rooted_and_bare_answers_are_read(
    server: RawServer, raw_client: ScalingoClient, verb: str, *, rooted: bool
) -> None:
    user = {"name": "app", "password": "generated"}
    server.plays(answer(200, {"database_user": user} if rooted else user))

    users = raw_client.databases.by_id("ad-1").users
    app = users.by_username("app")
    calls: dict[str, Callable[[], Awaitable[DatabaseUser]]] = {
        "post": lambda: users.post(UserCreate("app")),
        "patch": lambda: app.patch(UserUpdate()),
        "reset": app.reset_password.post,
    }
    found = await calls[verb]()
    assert found.name == "app"
    assert found.password
    assert found.password.reveal() == "generated"


async def test_rotates_a_password_without_a_body(sandbox: Sandbox, users_of: UsersOf) -> None:
    users = users_of("mysql")
    created = await users.post(UserCreate("app-01"))

    rotated = await users.by_username("app-01").reset_password.post()
    assert rotated.password
    assert rotated.password != created.password
    assert sandbox.requests[-1].body == b""


async def test_deletes_a_user(users_of: UsersOf) -> None:
    users = users_of("mongodb")
    await users.post(UserCreate("app-01"))

    await users.by_username("app-01").delete()
    with pytest.raises(NotFound):
        await users.by_username("app-01").get()


# Refusals


async def test_the_protected_user_resists(users_of: UsersOf) -> None:
    users = users_of("postgresql")
    protected = next(user for user in await users.get() if user.protected)

    with pytest.raises(APIError) as caught:
        await users.by_username(protected.name).delete()
    assert 400 <= caught.value.status < 500
    assert protected.name in [user.name for user in await users.get()]


async def test_the_server_judges_names_and_its_answer_is_shown(users_of: UsersOf) -> None:
    with pytest.raises(Unprocessable) as caught:
        await users_of("postgresql").post(UserCreate("Not--Allowed-"))

    assert "name" in caught.value.message


async def test_a_refused_password_is_not_repeated(users_of: UsersOf) -> None:
    with pytest.raises(Unprocessable) as caught:
        await users_of("postgresql").post(UserCreate("app-01", password="too-short-x7"))

    assert "password" in caught.value.message
    assert "too-short-x7" not in str(caught.value)


async def test_redis_has_no_users(users_of: UsersOf) -> None:
    with pytest.raises(APIError):
        await users_of("redis").get()


async def test_the_hooks_of_a_call_see_each_of_its_requests(
    sandbox: Sandbox, scalingo: ScalingoClient
) -> None:
    answers: list[Response] = []

    await scalingo.databases.get(RequestConfiguration(options=[OnResponse(answers.append)]))
    without_exchange = [r for r in sandbox.requests if "exchange" not in r.path]
    assert len(answers) == len(without_exchange) > 3
