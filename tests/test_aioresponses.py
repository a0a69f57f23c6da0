"""The shape of single calls, with mocks in the place of aiohttp: what users of aioresponses see.

aioresponses replaces `ClientSession._request`. Everything of ours stands outside of it, so retries,
budgets and hooks work under mocks too; bodies come whole, so larger ones belong to the sandbox.
"""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aioresponses import aioresponses
from yarl import URL

from dbusers import (
    ConnectionFailed,
    DigitalOceanClient,
    NotFound,
    RequestConfiguration,
    RequestInformation,
    RequestTimedOut,
    Response,
    RetryOption,
    ScalingoClient,
)
from dbusers.digitalocean import DatabasesQuery, UserCreate
from dbusers.request import Handler
from tests.clocks import JumpingClock

CLUSTER = "https://api.digitalocean.com/v2/databases/c-1"
ONCE = RequestConfiguration(options=[RetryOption(max_retries=0)])


@pytest.fixture
async def mocked_client(clock: JumpingClock) -> AsyncIterator[DigitalOceanClient]:
    async with DigitalOceanClient("a-token", clock=clock, rate_limit=None) as client:
        yield client


def calls(mocked: aioresponses) -> list[tuple[str, URL, dict[str, Any]]]:
    return [
        (method, url, call.kwargs)
        for (method, url), made in mocked.requests.items()
        for call in made
    ]


async def test_a_call_is_one_request(
    mocked: aioresponses,
    response_class: type[aiohttp.ClientResponse],
    mocked_client: DigitalOceanClient,
) -> None:
    mocked.get(
        f"{CLUSTER}/users", payload={"users": [{"name": "a"}]}, response_class=response_class
    )

    users = await mocked_client.databases.by_id("c-1").users.get()
    assert [user.name for user in users] == ["a"]
    ((method, url, sent),) = calls(mocked)
    assert (method, str(url)) == ("GET", f"{CLUSTER}/users")
    assert sent["headers"]["authorization"] == "Bearer a-token"
    assert sent["allow_redirects"] is False
    assert sent["data"] is None


async def test_a_body_is_sent_as_json(
    mocked: aioresponses,
    response_class: type[aiohttp.ClientResponse],
    mocked_client: DigitalOceanClient,
) -> None:
    mocked.post(
        f"{CLUSTER}/users",
        status=201,
        payload={"user": {"name": "a"}},
        response_class=response_class,
    )

    await mocked_client.databases.by_id("c-1").users.post(UserCreate("a"))
    ((_, _, sent),) = calls(mocked)
    assert sent["data"] == b'{"name":"a"}'
    assert sent["headers"]["content-type"] == "application/json"


async def test_a_query_is_part_of_the_url(
    mocked: aioresponses,
    response_class: type[aiohttp.ClientResponse],
    mocked_client: DigitalOceanClient,
) -> None:
    listed = "https://api.digitalocean.com/v2/databases?tag_name=team"
    mocked.get(listed, payload={"databases": None}, response_class=response_class)

    query = RequestConfiguration(query_parameters=DatabasesQuery(tag_name="team"))
    assert await mocked_client.databases.get(query) == []


async def test_an_error_is_the_same_error(
    mocked: aioresponses,
    response_class: type[aiohttp.ClientResponse],
    mocked_client: DigitalOceanClient,
) -> None:
    mocked.get(
        f"{CLUSTER}/users/nobody",
        status=404,
        payload={"id": "not_found", "message": "no such user"},
        headers={"x-request-id": "r-1"},
        response_class=response_class,
    )

    with pytest.raises(NotFound, match="no such user") as caught:
        await mocked_client.databases.by_id("c-1").users.by_username("nobody").get()
    assert caught.value.request_id == "r-1"


async def test_retries_and_hooks_work_under_mocks(
    mocked: aioresponses,
    response_class: type[aiohttp.ClientResponse],
    mocked_client: DigitalOceanClient,
) -> None:
    statuses = []

    async def spy(request: RequestInformation, handler: Handler) -> Response:
        response = await handler(request)
        statuses.append(response.status)
        return response

    mocked.get(f"{CLUSTER}/users", status=503, response_class=response_class)
    mocked.get(f"{CLUSTER}/users", payload={"users": []}, response_class=response_class)

    users = mocked_client.databases.by_id("c-1").users
    assert await users.get(RequestConfiguration(middleware=[spy])) == []
    assert statuses == [503, 200]


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (aiohttp.ServerDisconnectedError(), ConnectionFailed),
        (aiohttp.ClientOSError(104, "reset"), ConnectionFailed),
        (ConnectionResetError(104, "reset"), ConnectionFailed),
        (aiohttp.ClientPayloadError("cut off"), ConnectionFailed),
        (TimeoutError(), RequestTimedOut),
        (aiohttp.ServerTimeoutError(), RequestTimedOut),
        (aiohttp.SocketTimeoutError(), RequestTimedOut),
        (aiohttp.ConnectionTimeoutError(), RequestTimedOut),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
async def test_aiohttps_errors_become_ours(
    mocked: aioresponses,
    mocked_client: DigitalOceanClient,
    raised: Exception,
    expected: type[Exception],
) -> None:
    mocked.get(f"{CLUSTER}/users", exception=raised)

    with pytest.raises(expected) as caught:
        await mocked_client.databases.by_id("c-1").users.get(ONCE)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


async def test_scalingos_hosts_are_those_of_the_region(
    mocked: aioresponses, response_class: type[aiohttp.ClientResponse]
) -> None:
    mocked.post(
        "https://auth.scalingo.com/v1/tokens/exchange",
        payload={"token": "bearer"},
        response_class=response_class,
    )
    mocked.post(
        "https://api.osc-secnum-fr1.scalingo.com/v1/apps/shop/addons/ad-1/token",
        payload={"addon": {"token": "database-bearer"}},
        response_class=response_class,
    )
    mocked.get(
        "https://db-api.osc-secnum-fr1.scalingo.com/api/databases/ad-1/users",
        payload={"database-users": []},
        response_class=response_class,
    )

    async with ScalingoClient("tk-us-x", region="osc-secnum-fr1", rate_limit=None) as client:
        assert await client.databases.by_id("ad-1", app="shop").users.get() == []
    assert [sent["headers"]["authorization"] for _, _, sent in calls(mocked)] == [
        "Basic OnRrLXVzLXg=",
        "Bearer bearer",
        "Bearer database-bearer",
    ]
