"""`time_limit`: one deadline for all the calls that a caller makes inside it."""

import asyncio
from typing import Any

import pytest

from dbusers import (
    InvalidRequest,
    RateLimit,
    RequestInformation,
    RequestTimedOut,
    Response,
    RetryOption,
    ScalingoClient,
    TimeoutOption,
    Window,
)
from dbusers.deadline import no_time_limit, time_limit
from dbusers.request import Handler
from tests.calls import get, opened
from tests.clocks import JumpingClock, StuckClock
from tests.raw_server import Exchange, RawServer, answer, silence
from tests.test_deadlines import HOSTS, SHORT, USER


@pytest.fixture
def answering(server: RawServer) -> RawServer:
    server.plays(answer(200, USER))
    return server


async def test_all_calls_inside_share_the_time(answering: RawServer) -> None:
    clock = JumpingClock()

    async with opened(answering, clock=clock) as client:
        with time_limit(10, clock=clock):
            clock.now += 6
            await get(client)
            clock.now += 6
            with pytest.raises(RequestTimedOut, match="caller's time_limit") as caught:
                await get(client)
        await get(client)

    error = caught.value
    assert (error.phase, error.sent, error.attempts) == ("send", False, 0)
    assert error.retryable
    assert len(answering.requests) == 2


async def test_who_has_no_time_left_takes_nothing_of_the_budget(answering: RawServer) -> None:
    budget = RateLimit([Window(1, 60)], clock=JumpingClock())

    async with opened(answering, rate_limit=budget) as client:
        with time_limit(0), pytest.raises(RequestTimedOut):
            await get(client)

    assert budget.is_unused()


async def test_a_wait_for_the_budget_that_ends_too_late_is_not_begun(answering: RawServer) -> None:
    clock = StuckClock()
    budget = RateLimit([Window(1, 60)], clock=clock)

    async with opened(answering, rate_limit=budget, clock=clock) as client:
        await get(client)
        with time_limit(30), pytest.raises(RequestTimedOut) as caught:
            await get(client)

    assert (caught.value.phase, caught.value.attempts) == ("rate limit", 0)
    assert clock.sleeps == []
    assert len(answering.requests) == 1


async def test_a_retry_that_would_come_too_late_is_not_waited_for(server: RawServer) -> None:
    clock = StuckClock()
    server.plays(answer(503, headers={"Retry-After": "31"}))

    async with opened(server, clock=clock) as client:
        with time_limit(30), pytest.raises(RequestTimedOut) as caught:
            await get(client)

    assert (caught.value.phase, caught.value.retries) == ("retry delay", ("503",))
    assert clock.sleeps == []


async def test_a_server_that_is_silent_is_left_in_time(server: RawServer) -> None:
    server.plays(silence())

    async with opened(server) as client:
        with time_limit(SHORT), pytest.raises(RequestTimedOut) as caught:
            await get(client, RetryOption(max_retries=0))

    assert (caught.value.phase, caught.value.sent) == ("send", True)
    assert "caller's time_limit" in str(caught.value)


async def test_the_time_is_counted_by_the_callers_clock(answering: RawServer) -> None:
    callers = JumpingClock(start=5)

    async with opened(answering) as client:  # whose own clock is decades ahead
        with time_limit(1, clock=callers):
            await get(client)
            callers.now += 2
            with pytest.raises(RequestTimedOut):
                await get(client)


@pytest.mark.parametrize(("outer", "inner"), [(5, 60), (60, 5)])
async def test_of_two_limits_the_one_that_ends_first_holds(
    answering: RawServer, outer: float, inner: float
) -> None:
    clock = JumpingClock()

    async with opened(answering, clock=clock) as client:
        with time_limit(outer, clock=clock), time_limit(inner, clock=clock):
            await get(client)
            clock.now += 6
            with pytest.raises(RequestTimedOut):
                await get(client)


async def test_the_options_deadline_holds_where_it_ends_first(server: RawServer) -> None:
    server.plays(silence())

    async with opened(server) as client:
        with time_limit(60), pytest.raises(RequestTimedOut, match=r"TimeoutOption\.total"):
            await get(client, TimeoutOption(total=SHORT), RetryOption(max_retries=0))


async def test_a_limit_can_be_lifted(answering: RawServer) -> None:
    async with opened(answering) as client:
        with time_limit(0):
            with no_time_limit():
                await get(client)
            with pytest.raises(RequestTimedOut):
                await get(client)


@pytest.mark.parametrize("seconds", [1e300, float("inf")])
async def test_a_limit_of_ages_is_none(answering: RawServer, seconds: float) -> None:
    async def hook(request: RequestInformation, handler: Handler) -> Response:
        return await handler(request)

    async with opened(answering, middleware=[hook]) as client:
        with time_limit(seconds):
            await get(client, TimeoutOption(total=None, attempt=None))


async def test_tasks_that_are_started_inside_have_the_limit_too(answering: RawServer) -> None:
    async with opened(answering) as client:
        before = asyncio.create_task(get(client))
        with time_limit(0):
            inside = asyncio.create_task(get(client))
        ended = await asyncio.gather(before, inside, return_exceptions=True)

    assert [type(each).__name__ for each in ended] == ["DatabaseUser", "RequestTimedOut"]


async def test_a_limit_does_not_fail_what_others_wait_for(server: RawServer) -> None:
    may_answer = asyncio.Event()

    async def overloaded(exchange: Exchange) -> None:
        await may_answer.wait()
        await answer(503, headers={"Retry-After": "31"})(exchange)

    async def in_a_hurry(client: ScalingoClient) -> None:
        with time_limit(30):
            await client.apps.get()

    server.plays(overloaded, answer(200, {"token": "a-bearer"}), answer(200, {"apps": []}))
    wiring: dict[str, Any] = dict.fromkeys(HOSTS, server.url)
    wiring |= {"clock": JumpingClock(), "rate_limit": None}
    async with ScalingoClient("tk-us-x", **wiring) as client:
        hurried = asyncio.create_task(in_a_hurry(client))
        await server.arrived.wait()
        patient = asyncio.create_task(client.apps.get())
        await asyncio.sleep(0)  # it waits for the same bearer now
        may_answer.set()

        assert await patient == []
        with pytest.raises(RequestTimedOut):
            await hurried


def test_what_is_no_number_is_no_limit() -> None:
    with pytest.raises(InvalidRequest), time_limit(float("nan")):
        pass
