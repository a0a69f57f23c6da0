"""Bearers that cannot be fetched, or not in time, and who gives up waiting for one."""

import asyncio
from collections.abc import AsyncIterator
from math import inf
from typing import Any

import pytest

from dbusers import (
    ConnectionFailed,
    DbusersError,
    Forbidden,
    RateLimit,
    RequestConfiguration,
    RequestTimedOut,
    RetryOption,
    ScalingoClient,
    ServerError,
    TimeoutOption,
    Unauthorized,
    Window,
)
from tests.clocks import JumpingClock
from tests.raw_server import Exchange, RawServer, answer, reset, silence
from tests.scalingo.hosts import API_TOKEN, HOUR, Provider, opened, users_of


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with RawServer() as auth, RawServer() as api, RawServer() as databases:
        yield Provider(auth, api, databases)


@pytest.fixture
async def client(provider: Provider, clock: JumpingClock) -> AsyncIterator[ScalingoClient]:
    async with opened(provider, clock) as client:
        yield client


async def test_a_failed_exchange_fails_all_who_wait_and_the_next_caller_tries_again(
    provider: Provider, client: ScalingoClient
) -> None:
    provider.auth.plays(answer(503, {"error": "maintenance"}), provider._exchange)

    found = await asyncio.gather(*(client.apps.get() for _ in range(100)), return_exceptions=True)
    assert provider.exchanges == 1
    assert all(isinstance(error, ServerError) for error in found)
    assert {str(error) for error in found} == {"503: maintenance"}
    assert len({id(error) for error in found}) == 100  # tracebacks of their own

    assert len(await client.apps.get()) == 2
    assert provider.exchanges == 2


async def test_a_wrong_api_token_is_told_and_not_tried_again(
    provider: Provider, client: ScalingoClient
) -> None:
    provider.auth.plays(answer(401, {"error": f"invalid token {API_TOKEN}"}))

    with pytest.raises(Unauthorized) as caught:
        await client.apps.get()
    assert provider.exchanges == 1
    assert API_TOKEN not in str(caught.value)


async def test_an_app_that_the_token_may_not_see_is_told(
    provider: Provider, client: ScalingoClient
) -> None:
    provider.api.plays(answer(403, {"error": "forbidden"}))

    with pytest.raises(Forbidden):
        await users_of(client).get()
    assert provider.databases.connections == 0


@pytest.mark.parametrize(
    "body", [{}, {"token": None}, {"token": 5}, [], b"<html>", {"addon": {"token": "x"}}]
)
async def test_an_exchange_without_a_token_is_an_unexpected_body(
    provider: Provider, client: ScalingoClient, body: Any
) -> None:
    provider.auth.plays(answer(200, body))

    with pytest.raises(DbusersError, match="cannot be read"):
        await client.apps.get()
    assert provider.api.connections == 0


async def test_a_bearer_that_cannot_stand_in_a_header_is_refused(
    provider: Provider, client: ScalingoClient
) -> None:
    provider.auth.plays(answer(200, {"token": "a\r\nX-Injected: 1"}))

    with pytest.raises(DbusersError) as caught:
        await client.apps.get()
    assert "Injected" not in str(caught.value)
    assert provider.api.requests == []


async def test_the_exchange_is_repeated_like_any_harmless_call(
    provider: Provider, clock: JumpingClock
) -> None:
    provider.auth.plays(answer(503), provider._exchange)

    async with opened(provider, clock, options=[RetryOption(max_retries=1)]) as client:
        assert len(await client.apps.get()) == 2
    assert provider.exchanges == 2


async def test_an_authentication_host_that_is_down_is_not_asked_retries_times_retries(
    provider: Provider, clock: JumpingClock
) -> None:
    provider.auth.plays(reset)

    async with opened(provider, clock, options=[RetryOption(max_retries=2)]) as client:
        with pytest.raises(ConnectionFailed) as caught:
            await client.apps.get()
    assert provider.exchanges == 3
    assert caught.value.attempts == 3
    assert provider.api.connections == 0


class SlowQueue(RateLimit):
    """A queue in which one request, the `late` one counted from the first, waits for an hour."""

    def __init__(self, clock: JumpingClock, late: int) -> None:
        super().__init__([Window(60, 60)], clock=clock)
        self.clock = clock
        self.until_late = late

    async def acquire(self, within: float = inf) -> float:
        self.until_late -= 1
        if not self.until_late:
            self.clock.now += HOUR
        return self.clock.now


async def test_the_deadline_holds_for_a_bearer_that_expired_in_the_queue(
    provider: Provider, clock: JumpingClock
) -> None:
    short = 0.08  # seconds that are left after the hour

    async with opened(provider, clock, rate_limit=SlowQueue(clock, late=3)) as client:
        await client.apps.get()  # the exchange and the list
        provider.auth.plays(silence())
        with pytest.raises(RequestTimedOut) as caught:
            await client.apps.get(RequestConfiguration(options=[TimeoutOption(total=HOUR + short)]))
    assert caught.value.phase == "token"


async def test_a_bearer_that_expired_in_the_queue_is_not_asked_for_retries_times_retries(
    provider: Provider, clock: JumpingClock
) -> None:
    forever = TimeoutOption(total=None)
    options = [RetryOption(max_retries=2), forever]

    async with opened(
        provider, clock, rate_limit=SlowQueue(clock, late=3), options=options
    ) as client:
        await client.apps.get()
        provider.auth.plays(reset)
        with pytest.raises(ConnectionFailed) as caught:
            await client.apps.get()
    assert provider.exchanges == 1 + 3
    assert not caught.value.sent


async def test_a_bearer_of_the_wrong_app_may_be_refused_after_the_right_one_is_known(
    provider: Provider, client: ScalingoClient
) -> None:
    async def refuses(exchange: Exchange) -> None:
        client.databases.by_id("ad-1", app="blog")
        await answer(401, {"error": "unauthorized"})(exchange)

    provider.databases.plays(refuses, answer(200, {"database-users": []}))

    assert await users_of(client).get() == []
    assert provider.token_calls == [
        "/v1/apps/shop/addons/ad-1/token",
        "/v1/apps/blog/addons/ad-1/token",
    ]


async def test_the_fetching_caller_may_be_cancelled_without_the_others(
    provider: Provider, client: ScalingoClient
) -> None:
    may_answer = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await may_answer.wait()
        await provider._exchange(exchange)

    provider.auth.plays(slow, provider._exchange)
    first = asyncio.create_task(client.apps.get())
    await provider.auth.arrived.wait()
    others = [asyncio.create_task(client.apps.get()) for _ in range(20)]
    await asyncio.sleep(0)

    first.cancel()
    found = await asyncio.gather(*others)
    may_answer.set()
    assert first.cancelled()
    assert all(len(apps) == 2 for apps in found)
    assert provider.exchanges <= 2


async def test_a_waiting_caller_may_be_cancelled_without_the_fetch(
    provider: Provider, client: ScalingoClient
) -> None:
    may_answer = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await may_answer.wait()
        await provider._exchange(exchange)

    provider.auth.plays(slow)
    first = asyncio.create_task(client.apps.get())
    await provider.auth.arrived.wait()
    other = asyncio.create_task(client.apps.get())
    await asyncio.sleep(0)

    other.cancel()
    may_answer.set()
    assert len(await first) == 2
    assert provider.exchanges == 1
