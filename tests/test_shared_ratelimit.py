"""One budget for many: the clients of a token, and event loops, some of which end early."""

import asyncio
import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dbusers import (
    DigitalOceanClient,
    RateLimit,
    RequestConfiguration,
    RetryOption,
    ScalingoClient,
    Window,
)
from dbusers.ratelimit import shared_rate_limit
from dbusers.secret import Secret
from dbusers.windows import MARGIN
from tests.clocks import JumpingClock, StuckClock
from tests.raw_server import RawServer, answer

HOSTS = ("auth_url", "api_url", "database_api_url")
WINDOWS = (Window(60, 60),)


# Clients


def test_one_token_has_one_budget_in_the_process() -> None:
    clock = JumpingClock()

    one = shared_rate_limit(Secret("a"), WINDOWS, clock)
    assert shared_rate_limit(Secret("a"), WINDOWS, clock) is one
    assert shared_rate_limit(Secret("b"), WINDOWS, clock) is not one


async def _requests_before_a_wait(
    server: RawServer, clock: JumpingClock, *clients: Any, most: int
) -> int:
    server.plays(answer(200, {"databases": [], "apps": [], "token": "a-bearer"}))
    for number in range(most):
        await clients[number % len(clients)].databases.get()
        if clock.sleeps:
            return len(server.requests) - 1
    return len(server.requests)


async def test_clients_with_one_token_share_their_budget(
    server: RawServer, clock: JumpingClock
) -> None:
    one = DigitalOceanClient("shared-token", base_url=server.url, clock=clock)
    other = DigitalOceanClient("shared-token", base_url=server.url, clock=clock)

    async with one, other:
        assert await _requests_before_a_wait(server, clock, one, other, most=260) == 250


async def test_scalingos_three_hosts_share_the_tokens_budget(
    server: RawServer, clock: JumpingClock
) -> None:
    hosts: dict[str, Any] = dict.fromkeys(HOSTS, server.url)

    async with ScalingoClient("tk-us-shared", clock=clock, **hosts) as client:
        sent = await _requests_before_a_wait(server, clock, client, most=40)
    # The exchange for the bearer and two calls for each list: all of them count.
    assert server.lines[0] == b"POST /v1/tokens/exchange HTTP/1.1"
    assert sent == 60
    assert sum(clock.sleeps) == pytest.approx(60 + MARGIN)


async def test_no_limit_is_no_limit(server: RawServer, clock: JumpingClock) -> None:
    async with DigitalOceanClient(
        "free-token", base_url=server.url, clock=clock, rate_limit=None
    ) as client:
        assert await _requests_before_a_wait(server, clock, client, most=260) == 260


async def test_an_own_limit_replaces_the_providers(server: RawServer, clock: JumpingClock) -> None:
    own = RateLimit([Window(5, 60)], clock=clock)

    async with DigitalOceanClient(
        "own-token", base_url=server.url, clock=clock, rate_limit=own
    ) as client:
        assert await _requests_before_a_wait(server, clock, client, most=10) == 5


async def test_each_attempt_counts(server: RawServer, clock: JumpingClock) -> None:
    own = RateLimit([Window(3, 60)], clock=clock)
    server.plays(answer(503), answer(503), answer(503), answer(200, {"databases": []}))
    instant = RequestConfiguration(options=[RetryOption(base_delay=0)])

    async with DigitalOceanClient(
        "own-token", base_url=server.url, clock=clock, rate_limit=own
    ) as client:
        await client.databases.get(instant)
    assert sum(clock.sleeps) == pytest.approx(60 + MARGIN)


async def test_a_budget_outlives_the_client_that_used_it() -> None:
    clock = JumpingClock()
    secret = Secret("token of a budget that outlives its client")
    used = shared_rate_limit(secret, WINDOWS, clock)
    await used.acquire()
    kept = weakref.ref(used)
    del used

    assert kept() is not None
    assert shared_rate_limit(secret, WINDOWS, clock) is kept()


async def test_a_budget_that_nobody_uses_any_more_is_let_go() -> None:
    clock = JumpingClock()
    unused = shared_rate_limit(Secret("token of a client that is gone"), WINDOWS, clock)
    gone = weakref.ref(unused)
    del unused

    shared_rate_limit(Secret("token of another client"), WINDOWS, clock)
    assert gone() is None


# Event loops


async def test_a_loop_that_ends_without_its_tasks_leaves_its_turns_to_the_others() -> None:
    limit = RateLimit([Window(1, 3600)], clock=StuckClock())
    await limit.acquire()
    abandoned = asyncio.new_event_loop()

    async def ask() -> "asyncio.Task[float]":
        asking = asyncio.create_task(limit.acquire())
        await asyncio.sleep(0)
        return asking

    def abandon() -> None:
        abandoned.close()
        gc.collect()  # in this thread, which has no loop

    loop = asyncio.get_running_loop()
    # One thread for both: another might collect before the first has let go of the task.
    with ThreadPoolExecutor(max_workers=1) as thread:
        in_front = await loop.run_in_executor(thread, abandoned.run_until_complete, ask())
        behind = await ask()
        del in_front
        await loop.run_in_executor(thread, abandon)
    await asyncio.sleep(0)

    assert [turn.done() for turn in limit._queue] == [True]
    behind.cancel()


async def test_a_loop_that_ended_with_several_waiting_stops_nobody() -> None:
    limit = RateLimit([Window(1, 3600)], clock=JumpingClock())
    abandoned = asyncio.new_event_loop()
    abandoned.set_exception_handler(lambda *_: None)  # it would print what is left to it
    left: list[asyncio.Task[float]] = []

    async def leave_two_waiting() -> None:
        await limit.acquire()
        left.extend(asyncio.ensure_future(limit.acquire()) for _ in range(2))
        await asyncio.sleep(0)

    def abandon() -> None:
        abandoned.run_until_complete(leave_two_waiting())
        abandoned.close()

    await asyncio.to_thread(abandon)

    async with asyncio.timeout(5):
        await limit.acquire()


async def test_who_waits_behind_a_loop_that_has_ended_comes_when_anyone_asks() -> None:
    limit = RateLimit([Window(1, 3600)], clock=StuckClock())
    await limit.acquire()
    abandoned = asyncio.new_event_loop()
    abandoned.set_exception_handler(lambda *_: None)  # it would print what is left to it

    async def ask() -> "asyncio.Task[float]":
        asking = asyncio.create_task(limit.acquire())
        await asyncio.sleep(0)
        return asking

    in_front = await asyncio.to_thread(abandoned.run_until_complete, ask())
    behind = await ask()
    await asyncio.to_thread(abandoned.close)  # its task is kept, and never leaves by itself
    limit.delay()
    await asyncio.sleep(0)

    assert [turn.done() for turn in limit._queue] == [True]
    behind.cancel()
    del in_front
