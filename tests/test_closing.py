"""Closing a client while its calls are under way: each of them ends at once, and says why."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp
import pytest
from attrs import frozen

from dbusers import (
    ConfigurationError,
    DigitalOceanClient,
    RateLimit,
    RequestInformation,
    Response,
    RetryOption,
    ScalingoClient,
    Window,
)
from dbusers.request import Handler
from tests.calls import create, get, opened
from tests.clocks import START, JumpingClock, StuckClock
from tests.raw_server import RawServer, Step, answer, head, silence

USER: Final = {"user": {"name": "app"}}
HOSTS: Final = ("auth_url", "api_url", "database_api_url")
SOON: Final = 5  # seconds; what hangs, hangs for longer

Client = DigitalOceanClient | ScalingoClient


@frozen
class UnderWay:
    """A client and calls of it that have come to where they wait."""

    client: Client
    calls: list["asyncio.Task[Any]"]

    async def end(self) -> list[Any]:
        """Close the client, and return what the calls end with."""
        await asyncio.wait_for(self.client.aclose(), SOON)
        done, late = await asyncio.wait(self.calls, timeout=SOON)
        assert not late
        assert not [call for call in done if call.cancelled()], "nobody cancelled them"
        return [call.exception() for call in self.calls]


def started(*calls: Any) -> "list[asyncio.Task[Any]]":
    return [asyncio.create_task(call) for call in calls]


async def turns(number: int = 10) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def for_an_answer(server: RawServer) -> UnderWay:
    return await _after(server, silence())


async def for_a_body_of_known_length(server: RawServer) -> UnderWay:
    return await _after(server, silence(head(200, {"Content-Length": "100"}) + b'{"us'))


async def for_a_body_without_length(server: RawServer) -> UnderWay:
    return await _after(server, silence(head(200, {"Connection": "close"}) + b'{"us'))


async def for_a_chunk(server: RawServer) -> UnderWay:
    return await _after(server, silence(head(200, {"Transfer-Encoding": "chunked"}) + b"5\r\n{"))


async def _after(server: RawServer, step: Step) -> UnderWay:
    server.plays(step)
    client = opened(server)
    calls = started(get(client), create(client), get(client, RetryOption(max_retries=0)))
    while len(server.requests) < len(calls):
        server.arrived.clear()
        await server.arrived.wait()
    await turns()
    return UnderWay(client, calls)


async def for_a_free_connection(server: RawServer) -> UnderWay:
    server.plays(silence())
    client = opened(server)
    calls = started(*(get(client) for _ in range(105)))
    await server.arrived.wait()
    await turns()
    return UnderWay(client, calls)


async def for_the_hosts_address(server: RawServer) -> UnderWay:
    client = opened(server, base_url=server.url.replace("127.0.0.1", "localhost"))
    calls = started(get(client), get(client))
    await turns(1)
    return UnderWay(client, calls)


async def for_the_next_attempt(server: RawServer) -> UnderWay:
    server.plays(answer(503))
    clock = StuckClock()
    client = opened(server, clock=clock)
    calls = started(get(client))
    await clock.sleeping.wait()
    return UnderWay(client, calls)


async def for_the_budget(server: RawServer) -> UnderWay:
    server.plays(answer(200, USER))
    clock = StuckClock()
    client = opened(server, rate_limit=RateLimit([Window(1, 60)], clock=clock))
    await get(client)
    calls = started(*(get(client) for _ in range(3)))
    await clock.sleeping.wait()
    return UnderWay(client, calls)


async def for_a_bearer(server: RawServer) -> UnderWay:
    server.plays(silence())
    hosts: Any = dict.fromkeys(HOSTS, server.url)
    client = ScalingoClient("tk-us-x", rate_limit=None, **hosts)
    users = client.databases.by_id("ad-1").users
    calls = started(client.apps.get(), client.databases.get(), users.get(), users.get())
    await server.arrived.wait()
    await turns()
    return UnderWay(client, calls)


async def for_a_hook(server: RawServer) -> UnderWay:
    waiting = asyncio.Event()

    async def forever(request: RequestInformation, handler: Handler) -> Response:
        waiting.set()
        await asyncio.Event().wait()
        return await handler(request)

    client = opened(server, middleware=[forever])
    calls = started(get(client))
    await waiting.wait()
    return UnderWay(client, calls)


WAITS: Final[list[Callable[[RawServer], Awaitable[UnderWay]]]] = [
    for_an_answer,
    for_a_body_of_known_length,
    for_a_body_without_length,
    for_a_chunk,
    for_a_free_connection,
    for_the_hosts_address,
    for_the_next_attempt,
    for_the_budget,
    for_a_bearer,
    for_a_hook,
]


@pytest.mark.parametrize("waits", WAITS)
async def test_a_call_that_waits_ends_at_once(server: RawServer, waits: Any) -> None:
    under_way = await waits(server)
    before = len(server.requests)

    for error in await under_way.end():
        assert isinstance(error, ConfigurationError)
        assert "closed" in str(error)
        assert not error.retryable
    await turns()
    assert len(server.requests) == before


@pytest.mark.parametrize("waits", WAITS)
async def test_a_call_that_is_cancelled_while_the_client_closes_is_cancelled(
    server: RawServer, waits: Any
) -> None:
    under_way = await waits(server)

    closing = asyncio.create_task(under_way.client.aclose())
    for call in under_way.calls:
        call.cancel()
    await asyncio.wait(under_way.calls, timeout=SOON)
    assert all(call.cancelled() for call in under_way.calls)
    await asyncio.wait_for(closing, SOON)


@pytest.mark.parametrize("waits", [for_an_answer, for_the_budget, for_a_bearer])
async def test_closing_twice_at_once_is_closing(server: RawServer, waits: Any) -> None:
    under_way = await waits(server)

    ends = await asyncio.gather(under_way.end(), under_way.end(), under_way.client.aclose())
    assert all(isinstance(error, ConfigurationError) for error in ends[0])


async def test_the_error_says_what_was_sent(server: RawServer) -> None:
    sent, waiting = [
        (await under_way.end())[0]
        for under_way in (await for_the_next_attempt(server), await for_the_budget(server))
    ]

    assert (sent.attempts, sent.retries) == (1, ("503",))
    assert (waiting.attempts, waiting.retries) == (0, ())


async def test_a_call_that_is_ended_takes_nothing_from_the_budget(server: RawServer) -> None:
    server.plays(answer(200, USER))
    clock = StuckClock()
    budget = RateLimit([Window(1, 60)], clock=clock)
    async with opened(server, rate_limit=budget) as first:
        await get(first)
        calls = started(*(get(first) for _ in range(3)))
        await clock.sleeping.wait()
        await UnderWay(first, calls).end()

    clock.now = START + 61
    async with opened(server, rate_limit=budget) as second:
        await asyncio.wait_for(get(second), SOON)
    clock.now += 61
    assert budget.is_unused()


async def test_closing_ends_the_calls_on_an_injected_session_and_not_the_session(
    server: RawServer,
) -> None:
    server.plays(silence())
    async with aiohttp.ClientSession() as session:
        client = opened(server, session=session)
        calls = started(get(client), get(client))
        await server.arrived.wait()
        await turns()
        errors = await UnderWay(client, calls).end()
        assert all(isinstance(error, ConfigurationError) for error in errors)

        server.plays(answer(200, USER))
        async with opened(server, session=session) as another:
            assert (await get(another)).name == "app"


async def test_a_hook_may_close_the_client(server: RawServer) -> None:
    async def closes(request: RequestInformation, handler: Handler) -> Response:
        await client.aclose()
        return await handler(request)

    client = opened(server, middleware=[closes])
    with pytest.raises(ConfigurationError, match="closed"):
        await asyncio.wait_for(get(client), SOON)
    assert server.requests == []


async def test_a_call_begun_while_the_client_closes_is_refused(server: RawServer) -> None:
    server.plays(silence())
    may_end = asyncio.Event()

    async def tidies_up(request: RequestInformation, handler: Handler) -> Response:
        try:
            return await handler(request)
        finally:
            await may_end.wait()

    client = opened(server, middleware=[tidies_up])
    (call,) = started(get(client))
    await server.arrived.wait()
    closing = asyncio.create_task(client.aclose())
    await turns()

    with pytest.raises(ConfigurationError, match="closed"):
        await get(client)
    assert not closing.done()
    may_end.set()
    await asyncio.wait_for(closing, SOON)
    with pytest.raises(ConfigurationError, match="closed"):
        await call
    assert len(server.requests) == 1


async def test_leaving_async_with_by_an_error_ends_the_calls_and_keeps_the_error(
    server: RawServer,
) -> None:
    server.plays(silence())
    calls = []

    async def fails() -> None:
        async with opened(server) as client:
            calls.extend(started(get(client)))
            await server.arrived.wait()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    with pytest.raises(ConfigurationError, match="closed"):
        await calls[0]


async def test_other_clients_are_not_affected(server: RawServer, clock: JumpingClock) -> None:
    server.plays(answer(503), answer(200, USER))
    budget = RateLimit([Window(1, 60)], clock=clock)
    async with opened(server, clock=clock, rate_limit=budget) as staying:
        call = asyncio.create_task(get(staying))
        await opened(server, rate_limit=budget).aclose()

        assert (await asyncio.wait_for(call, SOON)).name == "app"
