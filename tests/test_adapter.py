"""The socket: deadlines, bodies as they come, sessions, loops, and what is left behind."""

import asyncio
import gc
import gzip
import socket
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import aiohttp
import orjson
import pytest

from dbusers import (
    ConfigurationError,
    ConnectionFailed,
    DbusersError,
    DigitalOceanClient,
    InvalidRequest,
    NotFound,
    RateLimit,
    RequestConfiguration,
    RequestInformation,
    RequestTimedOut,
    Response,
    RetryOption,
    ScalingoClient,
    TimeoutOption,
    UnexpectedBody,
    Window,
)
from dbusers.clock import SystemClock
from dbusers.digitalocean import UserCreate
from dbusers.options import OnResponse
from dbusers.request import Handler
from tests.clocks import JumpingClock, StuckClock
from tests.raw_server import (
    BeforeReading,
    Exchange,
    RawServer,
    answer,
    end,
    head,
    reset,
    silence,
    truncated,
)

HOSTS = ("auth_url", "api_url", "database_api_url")

ONCE = RetryOption(max_retries=0)
USER = {"user": {"name": "app"}}
SHORT = 0.03  # seconds; the server never answers, so no machine is too slow for it


def opened(server: RawServer, **keywords: Any) -> DigitalOceanClient:
    keywords = {"clock": JumpingClock(), "rate_limit": None, "base_url": server.url} | keywords
    return DigitalOceanClient("a-token", **keywords)


async def get(client: DigitalOceanClient, *options: Any) -> Any:
    user = client.databases.by_id("c-1").users.by_username("app")
    return await user.get(RequestConfiguration(options=options))


async def create(client: DigitalOceanClient, *options: Any) -> Any:
    users = client.databases.by_id("c-1").users
    return await users.post(UserCreate("app"), RequestConfiguration(options=options))


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


# Deadlines


@pytest.fixture
def crowded_url() -> Iterator[str]:
    """A URL whose host takes no more connections: they wait to be accepted for ever."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = []
        for _ in range(4):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            with suppress(BlockingIOError):
                waiting[-1].connect(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        for each in waiting:
            each.close()


async def test_no_connection_in_time(crowded_url: str, server: RawServer) -> None:
    async with opened(server, base_url=crowded_url) as client:
        with pytest.raises(RequestTimedOut) as caught:
            await create(client, TimeoutOption(connect=SHORT), RetryOption(max_retries=1))

    error = caught.value
    assert (error.phase, error.sent, error.attempts) == ("connect", False, 2)
    assert error.retryable


async def test_no_answer_in_time(server: RawServer) -> None:
    server.plays(silence())

    async with opened(server) as client:
        with pytest.raises(RequestTimedOut) as caught:
            await get(client, TimeoutOption(attempt=SHORT), RetryOption(max_retries=1))
    error = caught.value
    assert (error.phase, error.sent, error.attempts) == ("attempt", True, 2)
    assert error.retries == ("RequestTimedOut",)
    assert error.retryable
    assert len(server.requests) == 2


async def test_an_answer_that_stops_in_the_middle(server: RawServer) -> None:
    server.plays(silence(head(200, {"Content-Length": "100"}) + b'{"user'))

    async with opened(server) as client:
        with pytest.raises(RequestTimedOut) as caught:
            await get(client, TimeoutOption(read=SHORT), ONCE)
    assert (caught.value.phase, caught.value.sent) == ("read", True)


async def test_a_create_that_timed_out_is_not_sent_again(server: RawServer) -> None:
    server.plays(silence())

    async with opened(server) as client:
        with pytest.raises(RequestTimedOut) as caught:
            await create(client, TimeoutOption(attempt=SHORT))
    assert len(server.requests) == 1
    assert not caught.value.retryable


async def test_the_deadline_spans_everything(server: RawServer) -> None:
    server.plays(silence())

    async with opened(server, clock=SystemClock()) as client:
        with pytest.raises(RequestTimedOut) as caught:
            await get(client, TimeoutOption(total=SHORT))
    error = caught.value
    assert (error.phase, error.sent, error.attempts) == ("send", True, 1)
    assert "TimeoutOption.total" in str(error)
    assert error.__context__ is None


async def test_the_deadline_falls_into_a_retry_delay(server: RawServer) -> None:
    server.plays(answer(503))

    async with opened(server, clock=StuckClock()) as client:
        with pytest.raises(RequestTimedOut) as caught:
            await get(client, TimeoutOption(total=SHORT))
    error = caught.value
    assert (error.phase, error.sent) == ("retry delay", True)
    assert (error.attempts, error.retries) == (1, ("503",))
    assert len(server.requests) == 1


async def test_the_deadline_falls_into_a_wait_for_the_budget(server: RawServer) -> None:
    server.plays(answer(200, USER))
    budget = RateLimit([Window(1, 60)], clock=StuckClock())

    async with opened(server, rate_limit=budget) as client:
        await get(client)
        with pytest.raises(RequestTimedOut) as caught:
            await create(client, TimeoutOption(total=SHORT))
    error = caught.value
    assert (error.phase, error.sent, error.attempts) == ("rate limit", False, 0)
    assert error.retryable
    assert len(server.requests) == 1


async def test_the_deadline_falls_into_the_fetching_of_a_bearer(server: RawServer) -> None:
    server.plays(silence())
    hosts: dict[str, Any] = dict.fromkeys(HOSTS, server.url)

    async with ScalingoClient("tk-us-x", options=[TimeoutOption(total=SHORT)], **hosts) as client:
        with pytest.raises(RequestTimedOut) as caught:
            await client.apps.get()
    assert caught.value.phase in ("token", "send")
    assert server.lines == [b"POST /v1/tokens/exchange HTTP/1.1"]


async def test_the_deadline_spans_all_attempts(server: RawServer) -> None:
    server.plays(silence())
    options = [TimeoutOption(total=SHORT, attempt=SHORT / 3), RetryOption(9, base_delay=0)]

    async with opened(server, clock=SystemClock()) as client:
        with pytest.raises(RequestTimedOut, match=r"TimeoutOption\.total") as caught:
            await get(client, *options)
    error = caught.value
    assert 2 <= error.attempts == len(server.requests) <= 4
    assert len(error.retries) == error.attempts - 1


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_the_deadline_falls_into_a_hook(server: RawServer, moment: str) -> None:
    async def forever(request: RequestInformation, handler: Handler) -> Response:
        if moment == "after":
            await handler(request)
        await asyncio.Event().wait()
        raise AssertionError

    server.plays(answer(200, USER))
    async with opened(server, clock=SystemClock(), middleware=[forever]) as client:
        with pytest.raises(RequestTimedOut, match=r"TimeoutOption\.total"):
            await get(client, TimeoutOption(total=SHORT))
    assert len(server.requests) == (moment == "after")


async def test_a_caller_waits_for_anothers_bearer_until_the_own_deadline(
    server: RawServer,
) -> None:
    may_answer = asyncio.Event()

    async def exchange(exchange: Exchange) -> None:
        await may_answer.wait()
        await answer(200, {"token": "a-bearer"})(exchange)

    server.plays(exchange, answer(200, {"apps": []}))
    hosts: dict[str, Any] = dict.fromkeys(HOSTS, server.url)
    async with ScalingoClient("tk-us-x", rate_limit=None, **hosts) as client:
        patient = asyncio.create_task(client.apps.get())
        await server.arrived.wait()
        with pytest.raises(RequestTimedOut) as caught:
            await client.apps.get(RequestConfiguration(options=[TimeoutOption(total=SHORT)]))
        may_answer.set()

        assert await patient == []
    assert (caught.value.phase, caught.value.attempts) == ("token", 0)
    assert len(server.requests) == 2


async def test_without_a_deadline_nothing_is_cut_short(server: RawServer) -> None:
    server.plays(answer(503), answer(200, USER))

    async with opened(server) as client:
        endless = TimeoutOption(total=None, attempt=None, connect=None)
        assert (await get(client, endless)).name == "app"


async def test_each_page_has_the_deadline_for_itself(server: RawServer) -> None:
    clock = JumpingClock()

    async def page(exchange: Exchange) -> None:
        clock.now += 7
        number = len(server.requests)
        following = {"pages": {"next": f"{server.url}/v2/databases?page={number + 1}"}}
        body = {"databases": [], "links": following if number < 4 else {}}
        await answer(200, body)(exchange)

    server.plays(page)
    async with opened(server, clock=clock) as client:
        ten = RequestConfiguration(options=[TimeoutOption(total=10)])
        assert await client.databases.get(ten) == []
    assert len(server.requests) == 4


async def test_a_callers_own_timeout_is_the_callers_own(server: RawServer) -> None:
    server.plays(silence())

    async with opened(server) as client:
        with pytest.raises(TimeoutError) as caught:
            await asyncio.wait_for(get(client), SHORT)
    assert not isinstance(caught.value, DbusersError)


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
    assert isinstance(caught.value, UnexpectedBody)
    assert f"{MEBIBYTE}" in str(caught.value)
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


# Sessions


async def test_an_injected_session_is_used_and_never_closed(server: RawServer) -> None:
    server.plays(answer(200, USER))

    async with aiohttp.ClientSession(headers={"x-session": "mine"}) as session:
        async with opened(server, session=session) as client:
            await get(client)
        assert not session.closed
    assert server.requests[0].headers["x-session"] == "mine"


async def test_an_injected_session_keeps_its_own_middlewares(server: RawServer) -> None:
    seen = []

    async def wire(request: Any, handler: Any) -> Any:
        seen.append(request.method)
        return await handler(request)

    server.plays(answer(200, USER))
    async with (
        aiohttp.ClientSession(middlewares=[wire]) as session,
        opened(server, session=session) as client,
    ):
        await get(client)
    assert seen == ["GET"]


async def test_a_session_that_raises_for_status_changes_no_error(server: RawServer) -> None:
    server.plays(answer(404, {"id": "not_found", "message": "no such user"}))

    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        opened(server, session=session) as client,
    ):
        with pytest.raises(NotFound, match="no such user"):
            await get(client)
    assert len(server.requests) == 1


async def test_the_clients_credential_counts_and_not_the_sessions_header(server: RawServer) -> None:
    server.plays(answer(200, USER))

    async with (
        aiohttp.ClientSession(headers={"Authorization": "Basic bWU6Y2FuYXJ5"}) as session,
        opened(server, session=session) as client,
    ):
        await get(client)
    assert server.requests[0].headers["authorization"] == "Bearer a-token"


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated", "ignore:The .auth. parameter is")
async def test_a_session_with_a_login_of_its_own_is_refused(server: RawServer) -> None:
    login = aiohttp.BasicAuth("me", "canary")
    async with (
        aiohttp.ClientSession(auth=login) as session,
        opened(server, session=session) as client,
    ):
        with pytest.raises(ConfigurationError) as caught:
            await get(client)
    assert "canary" not in str(caught.value)
    assert server.requests == []


async def test_a_closed_session_is_told(server: RawServer) -> None:
    session = aiohttp.ClientSession()
    await session.close()

    async with opened(server, session=session) as client:
        with pytest.raises(ConfigurationError, match="session is closed"):
            await get(client)


async def test_no_cookie_is_kept(server: RawServer) -> None:
    server.plays(answer(200, USER, {"Set-Cookie": "session=1; Path=/"}))

    # By name: of a host that is a bare address aiohttp would keep none anyway.
    async with opened(server, base_url=server.url.replace("127.0.0.1", "localhost")) as client:
        await get(client)
        await get(client)
    assert "cookie" not in server.requests[1].headers


# A client's life


async def test_a_client_that_was_never_used_is_closed() -> None:
    client = DigitalOceanClient("a-token")

    await client.aclose()
    await client.aclose()


async def test_a_closed_client_says_so(server: RawServer) -> None:
    server.plays(answer(200, USER))
    async with opened(server) as client:
        await get(client)

    with pytest.raises(ConfigurationError, match="closed"):
        await get(client)
    assert len(server.requests) == 1


async def test_closing_ends_the_connections(server: RawServer) -> None:
    server.plays(answer(200, USER))
    async with opened(server) as client:
        await get(client)
        assert server.open_connections == 1

    await asyncio.wait_for(server.left.wait(), 5)
    assert server.open_connections == 0


async def test_a_request_under_way_fails_when_the_client_is_closed(server: RawServer) -> None:
    server.plays(silence())
    client = opened(server)
    under_way = asyncio.create_task(get(client))
    await server.arrived.wait()

    await client.aclose()
    with pytest.raises(DbusersError):
        await under_way


def test_a_client_can_be_made_before_there_is_a_loop(refused_url: str) -> None:
    client = DigitalOceanClient("a-token", base_url=refused_url)

    async def use() -> None:
        async with client:
            await get(client, ONCE)

    with pytest.raises(ConnectionFailed):
        asyncio.run(use())


def test_another_loop_is_told() -> None:
    async def use(server: RawServer, client: DigitalOceanClient) -> None:
        server.plays(answer(200, USER))
        await get(client)

    async def first() -> DigitalOceanClient:
        async with RawServer() as server:
            client = opened(server)
            await use(server, client)
            await client.adapter._session.close()  # type: ignore[union-attr]  # it has one by now
            return client

    client = asyncio.run(first())
    with pytest.raises(ConfigurationError, match="event loop"):
        asyncio.run(get(client))


def test_a_session_of_another_loop_is_told(refused_url: str) -> None:
    async def make() -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    async def use(session: aiohttp.ClientSession) -> None:
        async with DigitalOceanClient("a-token", base_url=refused_url, session=session) as client:
            await get(client)

    session = asyncio.run(make())
    try:
        with pytest.raises(ConfigurationError, match="loop"):
            asyncio.run(use(session))
    finally:
        asyncio.run(session.close())


def test_a_client_can_be_closed_on_another_loop() -> None:
    async def first() -> DigitalOceanClient:
        async with RawServer() as server:
            server.plays(answer(200, USER))
            client = opened(server)
            await get(client)
            return client

    client = asyncio.run(first())
    asyncio.run(client.aclose())


# What is left behind


@pytest.mark.parametrize("after", [b"", head(200, {"Content-Length": "100"}) + b'{"us'])
async def test_a_cancelled_call_leaves_no_task_and_no_connection(
    server: RawServer, after: bytes
) -> None:
    server.plays(silence(after))
    async with opened(server) as client:
        before = asyncio.all_tasks()
        under_way = asyncio.create_task(get(client))
        await server.arrived.wait()
        await asyncio.sleep(0)

        under_way.cancel()
        with pytest.raises(asyncio.CancelledError):
            await under_way
        await asyncio.wait_for(server.left.wait(), 5)
        assert asyncio.all_tasks() - server.tasks <= before
        assert server.open_connections == 0

        server.plays(answer(200, USER))
        assert (await get(client)).name == "app"


async def test_a_call_cancelled_in_its_retry_delay_leaves_nothing(server: RawServer) -> None:
    server.plays(answer(503))
    clock = StuckClock()
    async with opened(server, clock=clock) as client:
        before = asyncio.all_tasks()
        under_way = asyncio.create_task(get(client))
        await clock.sleeping.wait()

        under_way.cancel()
        with pytest.raises(asyncio.CancelledError):
            await under_way
        assert asyncio.all_tasks() - server.tasks <= before
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "step",
    [answer(200, {"users": {}}), answer(404), reset, end],
    ids=["body", "404", "reset", "end"],
)
async def test_a_failed_call_leaves_no_task(server: RawServer, step: Any) -> None:
    server.plays(step)
    async with opened(server) as client:
        before = asyncio.all_tasks()
        with suppress(DbusersError):
            await client.databases.by_id("c-1").users.get(RequestConfiguration(options=[ONCE]))
        gc.collect()

        assert asyncio.all_tasks() - server.tasks <= before


async def test_a_hundred_calls_at_once(server: RawServer, client: DigitalOceanClient) -> None:
    server.plays(answer(200, USER))

    users = await asyncio.gather(*(get(client) for _ in range(100)))
    assert len(users) == len(server.requests) == 100
    assert server.connections <= 100


async def test_facts_of_calls_at_once_are_not_mixed_up(
    server: RawServer, client: DigitalOceanClient
) -> None:
    async def by_name(exchange: Any) -> None:
        name = exchange.received.target.rpartition(b"/")[2].decode()
        await answer(200, {"user": {"name": name}}, {"x-request-id": name})(exchange)

    server.plays(by_name)
    found: dict[str, str | None] = {}

    async def one(name: str) -> None:
        def note(response: Response) -> None:
            found[name] = response.request_id

        user = client.databases.by_id("c-1").users.by_username(name)
        await user.get(RequestConfiguration(options=[OnResponse(note)]))

    names = [f"app-{number}" for number in range(50)]
    await asyncio.gather(*map(one, names))
    assert found == {name: name for name in names}
