"""What goes over the socket, and the bodies that come back from it."""

import asyncio
import gzip
import zlib
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

from dbusers import (
    APIError,
    ConnectionFailed,
    DbusersError,
    DigitalOceanClient,
    InvalidRequest,
    RequestConfiguration,
    RequestInformation,
    RetryOption,
    ServerError,
    UnexpectedBody,
)
from tests.calls import create, get, opened
from tests.raw_server import BeforeReading, RawServer, answer, head, silence, truncated

ONCE = RetryOption(max_retries=0)
USER = {"user": {"name": "app"}}


# What is sent


async def test_a_request_says_what_it_is_and_what_it_takes(
    server: RawServer, client: DigitalOceanClient
) -> None:
    server.plays(answer(201, USER))

    await create(client)
    (request,) = server.requests
    assert request.line == b"POST /v2/databases/c-1/users HTTP/1.1"
    assert request.headers["accept"] == "application/json"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("dbusers/")
    assert request.headers["host"] == server.url.removeprefix("http://")
    assert orjson.loads(request.body) == {"name": "app"}


async def test_a_session_that_is_passed_in_says_the_same(server: RawServer) -> None:
    server.plays(answer(200, USER))

    async with aiohttp.ClientSession() as session, opened(server, session=session) as client:
        await get(client)
    (request,) = server.requests
    assert request.headers["accept"] == "application/json"
    assert request.headers["user-agent"].startswith("dbusers/")


async def test_a_request_without_a_body_has_no_content_type(
    server: RawServer, client: DigitalOceanClient
) -> None:
    server.plays(answer(200, USER))

    await get(client)
    assert "content-type" not in server.requests[0].headers
    assert server.requests[0].body == b""


async def test_a_callers_headers_replace_the_clients(
    server: RawServer, client: DigitalOceanClient
) -> None:
    server.plays(answer(200, USER))
    user = client.databases.by_id("c-1").users.by_username("app")

    await user.get(RequestConfiguration(headers={"user-agent": "mine/1", "x-trace": "7"}))
    assert server.requests[0].headers["user-agent"] == "mine/1"
    assert server.requests[0].headers["x-trace"] == "7"


async def test_a_connection_is_used_again(server: RawServer, client: DigitalOceanClient) -> None:
    server.plays(answer(200, USER))

    for _ in range(3):
        await get(client)
    assert server.connections == 1


async def test_what_the_sdk_does_not_cover_goes_through_the_same_pipeline(
    server: RawServer, client: DigitalOceanClient
) -> None:
    server.plays(answer(503), answer(200, {"replicas": [1]}))
    request = RequestInformation("GET", "/v2/databases/{id}/replicas", {"id": "a/b"})

    response = await client.adapter.send(request)
    assert response.json() == {"replicas": [1]}
    assert orjson.loads(response.content) == {"replicas": [1]}
    assert response.attempts == 2
    assert server.lines[0] == b"GET /v2/databases/a%2Fb/replicas HTTP/1.1"


@pytest.mark.parametrize(
    "template", ["v2/databases", "/v2/\r\nX: 1", "/v2/a b", "/é", "@evil", "/v2/..", "/v2/.\t./x"]
)
async def test_a_template_that_is_no_path_sends_nothing(
    server: RawServer, client: DigitalOceanClient, template: str
) -> None:
    with pytest.raises(InvalidRequest):
        await client.adapter.send(RequestInformation("GET", template))

    assert server.connections == 0


# Bodies


WRONG_USERS: list[tuple[Any, str]] = [
    (b"", "the body is empty"),
    (b"<html>canary</html>", "not JSON"),
    (b'{"users": [', "not JSON"),
    (b'{"users": "\xff\xfe"}', "not JSON"),
    (b"\xff\xfe{\x00}\x00", "not JSON"),
    (b"[" * 20_000, "not JSON"),
    (b'{"users":' * 20_000, "not JSON"),
    (None, "expected an object @ $"),
    ([], "expected an object @ $"),
    ("canary", "expected an object @ $"),
    (5, "expected an object @ $"),
    ({}, "required field missing @ $.users"),
    ({"users": {}}, "expected an array, found an object @ $.users"),
    ({"users": "canary"}, "expected an array, found a string @ $.users"),
    ({"users": [None]}, "expected an object, found null @ $.users[0]"),
    ({"users": [{"name": "a"}, {}]}, "required field missing @ $.users[1].name"),
    ({"users": [{"name": 5}]}, "expected a string, found a number @ $.users[0].name"),
    (
        {"users": [{"name": "a", "password": {"canary": 1}}]},
        "expected a string, found an object @ $.users[0].password",
    ),
    (
        {"users": [{"name": "a", "settings": ["canary"]}]},
        "expected an object, found an array @ $.users[0].settings",
    ),
    (
        {"users": [{"name": "a", "settings": {"acl": {"canary": 1}}}]},
        "expected an array, found an object @ $.users[0].settings.acl",
    ),
    (
        {"users": [{"name": "a", "settings": {"acl": [{"topic": "t", "permission": 7}]}}]},
        "expected a string, found a number @ $.users[0].settings.acl[0].permission",
    ),
    (
        {"users": [{"name": "a", "settings": {"mongo_user_settings": {"databases": [1]}}}]},
        "expected a string, found a number @ $.users[0].settings.mongo_user_settings.databases[0]",
    ),
    ({"users": [], "links": "canary"}, "@ $.links"),
    ({"users": [], "links": {"pages": ["canary"]}}, "@ $.links.pages"),
    ({"users": [], "links": {"pages": {"next": {"canary": 1}}}}, "@ $.links.pages.next"),
]


@pytest.mark.parametrize(
    ("body", "problem"), WRONG_USERS, ids=[str(number) for number in range(len(WRONG_USERS))]
)
async def test_a_wrong_body_is_told_with_its_path_and_without_its_value(
    server: RawServer, client: DigitalOceanClient, body: Any, problem: str
) -> None:
    server.plays(answer(200, body, {"x-request-id": "r-1", "ratelimit-remaining": "3"}))

    with pytest.raises(UnexpectedBody) as caught:
        await client.databases.by_id("c-1").users.get()
    error = caught.value
    assert problem in str(error)
    assert "canary" not in str(error)
    assert (error.status, error.request_id, error.attempts) == (200, "r-1", 1)
    assert error.rate_limit is not None
    assert len(server.requests) == 1  # a wrong body does not get better by asking again
    assert error.__cause__ is None
    assert error.__context__ is None


@pytest.mark.parametrize("body", [{"users": None}, {"users": []}])
async def test_a_list_may_be_null(server: RawServer, client: DigitalOceanClient, body: Any) -> None:
    server.plays(answer(200, body))

    assert await client.databases.by_id("c-1").users.get() == []


async def test_a_body_that_is_cut_off_is_no_answer(server: RawServer) -> None:
    server.plays(truncated(b'{"user": {"name": "ap'))

    async with opened(server) as client:
        with pytest.raises(ConnectionFailed) as caught:
            await get(client, ONCE)
    assert caught.value.sent
    assert caught.value.retryable


async def test_a_compressed_body_is_read(server: RawServer, client: DigitalOceanClient) -> None:
    server.plays(
        answer(200, gzip.compress(orjson.dumps(USER)), {"Content-Encoding": "gzip"}),
        answer(200, zlib.compress(orjson.dumps(USER)), {"Content-Encoding": "deflate"}),
    )

    assert (await get(client)).name == "app"
    assert (await get(client)).name == "app"


GZIPPED = gzip.compress(orjson.dumps(USER))


@pytest.mark.parametrize(
    "content",
    [b"canary, not gzip", GZIPPED[:-12], GZIPPED[:20] + b"\x00" * 20],
    ids=["not gzip", "cut off", "damaged"],
)
async def test_a_badly_compressed_body_is_an_unexpected_one(
    server: RawServer, client: DigitalOceanClient, content: bytes
) -> None:
    server.plays(answer(503), answer(200, content, {"Content-Encoding": "gzip"}))

    with pytest.raises((UnexpectedBody, ConnectionFailed)) as caught:
        await get(client, RetryOption(max_retries=1))
    assert "canary" not in str(caught.value)
    assert (caught.value.attempts, caught.value.retries) == (2, ("503",))


MEBIBYTE = 1024 * 1024
TOO_MUCH = b" " * (20 * MEBIBYTE)


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize(
    ("content", "headers"),
    [(TOO_MUCH[: 2 * MEBIBYTE], {}), (gzip.compress(TOO_MUCH), {"Content-Encoding": "gzip"})],
    ids=["plain", "gzip bomb"],
)
async def test_a_body_may_not_be_larger_than_accepted(
    server: RawServer, status: int, content: bytes, headers: dict[str, str]
) -> None:
    server.plays(answer(status, content, headers))

    async with opened(server, max_body_size=MEBIBYTE) as client:
        with pytest.raises(DbusersError) as caught:
            await get(client, ONCE)
    if status == 200:
        assert isinstance(caught.value, UnexpectedBody)
        assert f"{MEBIBYTE}" in str(caught.value)
    else:
        assert isinstance(caught.value, ServerError)  # which says more than its body
    assert (caught.value.status, caught.value.attempts) == (status, 1)


async def test_a_body_as_large_as_accepted_is_read(server: RawServer) -> None:
    content = orjson.dumps(USER).ljust(MEBIBYTE)
    server.plays(answer(200, content))

    async with opened(server, max_body_size=MEBIBYTE) as client:
        assert (await get(client)).name == "app"


async def test_a_204_needs_no_body(server: RawServer, client: DigitalOceanClient) -> None:
    server.plays(answer(204))

    await client.databases.by_id("c-1").users.by_username("app").delete()


async def test_headers_that_are_too_long_are_no_answer(server: RawServer) -> None:
    server.plays(answer(200, USER, {"x-long": "x" * 100_000}))

    async with opened(server) as client:
        with pytest.raises(ConnectionFailed):
            await get(client, ONCE)


async def test_a_host_that_cannot_exist_is_told_without_asking_a_name_server(
    server: RawServer,
) -> None:
    async with opened(server, base_url=f"https://{'a' * 64}.example") as client:
        with pytest.raises(DbusersError):
            await get(client, ONCE)


async def test_a_server_without_tls_is_no_secure_connection(server: RawServer) -> None:
    server.plays(BeforeReading(answer(400)))

    async with opened(server, base_url=server.url.replace("http:", "https:")) as client:
        with pytest.raises(ConnectionFailed) as caught:
            await create(client)
    assert not caught.value.sent
    assert server.requests == []


@pytest.mark.filterwarnings("ignore:Sending a large body")  # what the socket cannot hold
async def test_an_answer_before_all_was_sent_leaves_nobody_sending(server: RawServer) -> None:
    refusal = head(413, {"Content-Length": "2"}) + b"{}"
    server.plays(BeforeReading(silence(refusal)))
    large = RequestInformation("PUT", "/v2/x", content=b"x" * 20_000_000)

    async with opened(server) as client:
        with pytest.raises(APIError) as caught:
            await client.adapter.send(large)
        left = asyncio.all_tasks() - server.tasks - {asyncio.current_task()}
    assert caught.value.status == 413
    assert left == set()


async def test_what_a_callers_aiohttp_hook_raises_is_the_callers_own(server: RawServer) -> None:
    async def broken(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        raise RuntimeError("the hook's own")

    configuration = RequestConfiguration(aiohttp_middlewares=[broken])
    async with opened(server) as client:
        user = client.databases.by_id("c-1").users.by_username("app")
        with pytest.raises(RuntimeError, match="the hook's own"):
            await user.get(configuration)
    assert server.requests == []
