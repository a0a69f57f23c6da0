"""Sessions and loops: who opens, who closes, and what a call leaves behind."""

import asyncio
import gc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from dbusers import (
    ConfigurationError,
    ConnectionFailed,
    DbusersError,
    DigitalOceanClient,
    NotFound,
    RateLimit,
    RequestConfiguration,
    Response,
    RetryOption,
    ScalingoClient,
    Window,
)
from dbusers.options import OnResponse
from tests.calls import get, opened
from tests.clocks import StuckClock
from tests.raw_server import RawServer, answer, end, head, reset, silence

ONCE = RetryOption(max_retries=0)
USER = {"user": {"name": "app"}}


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


def test_a_client_can_be_made_before_there_is_a_loop(refused_url: str) -> None:
    client = DigitalOceanClient("a-token", base_url=refused_url)

    async def use() -> None:
        async with client:
            await get(client, ONCE)

    with pytest.raises(ConnectionFailed):
        asyncio.run(use())


Make = Callable[[RawServer], DigitalOceanClient | ScalingoClient]


def of_scalingo(server: RawServer) -> ScalingoClient:
    hosts: Any = dict.fromkeys(("auth_url", "api_url", "database_api_url"), server.url)
    return ScalingoClient("tk-us-x", rate_limit=None, **hosts)


@pytest.fixture(params=[opened, of_scalingo], ids=["digitalocean", "scalingo"])
def made(request: pytest.FixtureRequest) -> Make:
    """Either provider's client, of a server at which it is used by `databases.get()`."""
    made: Make = request.param
    return made


async def used(made: Make, *, closed: bool = False) -> DigitalOceanClient | ScalingoClient:
    async with RawServer() as server:
        server.plays(answer(200, {"token": "bearer", "databases": [], "apps": []}))
        client = made(server)
        assert await client.databases.get() == []
        if closed:
            await client.aclose()
        return client


def test_another_loop_is_told(made: Make) -> None:
    client = asyncio.run(used(made))

    with pytest.raises(ConfigurationError, match="event loop"):
        asyncio.run(get_databases(client))
    asyncio.run(client.aclose())


async def get_databases(client: DigitalOceanClient | ScalingoClient) -> object:
    return await client.databases.get()


def test_a_client_that_was_closed_on_another_loop_says_that_it_is_closed(made: Make) -> None:
    client = asyncio.run(used(made, closed=True))

    with pytest.raises(ConfigurationError, match="client is closed"):
        asyncio.run(get_databases(client))


def test_a_call_on_a_loop_that_stands_still_stops_nobody_from_closing(refused_url: str) -> None:
    clock = StuckClock()
    client = DigitalOceanClient("a-token", base_url=refused_url, clock=clock, rate_limit=None)
    loop = asyncio.new_event_loop()
    call = loop.create_task(get_databases(client))
    loop.run_until_complete(clock.sleeping.wait())  # the call is in a retry delay

    asyncio.run(asyncio.wait_for(client.aclose(), 5))
    call.cancel()
    loop.run_until_complete(asyncio.wait([call]))
    loop.close()


def test_calls_that_a_run_leaves_behind_hold_up_no_other() -> None:
    clock = StuckClock()
    budget = RateLimit([Window(1, 60)], clock=clock)

    async def use(calls: int) -> DigitalOceanClient:
        async with RawServer() as server:
            server.plays(answer(200, {"databases": []}))
            client = opened(server, rate_limit=budget, clock=clock)
            tasks = [asyncio.create_task(client.databases.get()) for _ in range(calls)]
            assert await asyncio.wait_for(tasks[0], 5) == []
            if calls > 1:
                await clock.sleeping.wait()
            return client

    first = asyncio.run(use(calls=3))  # which ends with two of them in the queue
    clock.now += 3600
    second = asyncio.run(use(calls=1))
    clock.now += 3600
    assert budget.is_unused()
    for client in (first, second):
        asyncio.run(client.aclose())


def test_a_client_for_each_run_is_as_good_as_one(made: Make) -> None:
    for _ in range(3):
        asyncio.run(used(made, closed=True))


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
