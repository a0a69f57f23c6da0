"""Deadlines: which of them passes when, what was under way, and what becomes of the call."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from dbusers import (
    DbusersError,
    RateLimit,
    RequestConfiguration,
    RequestInformation,
    RequestTimedOut,
    Response,
    RetryOption,
    ScalingoClient,
    TimeoutOption,
    Window,
)
from dbusers.clock import SystemClock
from dbusers.request import Handler
from tests.calls import create, get, opened
from tests.clocks import JumpingClock, StuckClock
from tests.raw_server import Exchange, RawServer, answer, head, silence

HOSTS = ("auth_url", "api_url", "database_api_url")

ONCE = RetryOption(max_retries=0)
USER = {"user": {"name": "app"}}
SHORT = 0.08  # seconds; long enough for a request to arrive on a busy machine


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
    assert 2 <= error.attempts <= 4
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
