"""What a client repeats is a share of what it does, however many callers it has."""

import asyncio
import math
from typing import Any

import pytest

from dbusers import (
    DbusersError,
    DigitalOceanClient,
    RequestConfiguration,
    RetryOption,
    ServerError,
)
from dbusers.retry import ALWAYS_ALLOWED, RECENT, RetryBudget
from tests.clocks import JumpingClock
from tests.raw_server import RawServer, answer

USERS: dict[str, list[str]] = {"users": []}
AT_ONCE = RetryOption(base_delay=0.0)


async def read(client: DigitalOceanClient, option: RetryOption = AT_ONCE) -> Any:
    users = client.databases.by_id("c-1").users
    try:
        return await users.get(RequestConfiguration(options=[option]))
    except DbusersError as error:
        return error


def opened(server: RawServer, clock: JumpingClock) -> DigitalOceanClient:
    return DigitalOceanClient("a-token", base_url=server.url, rate_limit=None, clock=clock)


async def test_a_service_that_fails_is_not_hammered(server: RawServer, clock: JumpingClock) -> None:
    server.plays(answer(503))
    async with opened(server, clock) as client:
        errors = await asyncio.gather(*(read(client) for _ in range(500)))

    assert all(isinstance(error, ServerError) for error in errors)
    assert len(server.requests) == 500 + ALWAYS_ALLOWED + 500 * 0.2
    assert {error.gave_up for error in errors} == {"budget"}
    assert all(error.retryable for error in errors)


async def test_a_few_calls_know_no_budget(server: RawServer, clock: JumpingClock) -> None:
    server.plays(answer(503))
    async with opened(server, clock) as client:
        errors = [await read(client) for _ in range(ALWAYS_ALLOWED // 3)]

    assert {(error.attempts, error.gave_up) for error in errors} == {(4, "max_retries")}


async def test_the_budget_comes_back_with_time(server: RawServer, clock: JumpingClock) -> None:
    server.plays(answer(503))
    async with opened(server, clock) as client:
        await asyncio.gather(*(read(client) for _ in range(100)))
        clock.now += RECENT
        error = await read(client)

    assert error.attempts == 4


async def test_a_service_that_fails_now_and_then_is_asked_again(
    server: RawServer, clock: JumpingClock
) -> None:
    server.plays(*[answer(503), *[answer(200, USERS)] * 9] * 100)
    async with opened(server, clock) as client:
        found = [await read(client) for _ in range(900)]

    assert found == [[]] * 900


async def test_a_429_says_when_to_come_back_and_uses_no_budget(
    server: RawServer, clock: JumpingClock
) -> None:
    server.plays(*[answer(429, headers={"Retry-After": "1"})] * 200, answer(200, USERS))
    async with opened(server, clock) as client:
        found = await asyncio.gather(*(read(client) for _ in range(200)))

    assert found == [[]] * 200


async def test_without_a_budget_every_call_has_all_its_retries(
    server: RawServer, clock: JumpingClock
) -> None:
    server.plays(answer(503))
    option = RetryOption(base_delay=0.0, budget=math.inf)
    async with opened(server, clock) as client:
        await asyncio.gather(*(read(client, option) for _ in range(100)))

    assert len(server.requests) == 400


async def test_two_clients_have_two_budgets(server: RawServer, clock: JumpingClock) -> None:
    server.plays(answer(503))
    async with opened(server, clock) as tired, opened(server, clock) as fresh:
        await asyncio.gather(*(read(tired) for _ in range(100)))
        error = await read(fresh)

    assert error.attempts == 4


async def test_a_longer_retry_after_than_accepted_is_told(
    server: RawServer, clock: JumpingClock
) -> None:
    server.plays(answer(503, headers={"Retry-After": "91"}))
    async with opened(server, clock) as client:
        error = await read(client)

    assert (error.attempts, error.gave_up) == (1, "max_retry_after")


async def test_the_longest_retry_after_accepted_is_waited_for(
    server: RawServer, clock: JumpingClock
) -> None:
    server.plays(answer(503, headers={"Retry-After": "90"}))
    async with opened(server, clock) as client:
        error = await read(client)

    assert (error.attempts, error.gave_up) == (4, "max_retries")
    assert clock.sleeps == [90.0] * 3


async def test_what_is_never_repeated_gives_nothing_up(
    server: RawServer, clock: JumpingClock
) -> None:
    server.plays(answer(404))
    async with opened(server, clock) as client:
        error = await read(client)

    assert error.gave_up is None


def test_old_requests_and_repetitions_are_forgotten() -> None:
    budget = RetryBudget()
    for _ in range(100):
        budget.count(1000.0)

    allowed = sum(budget.spend(1000.0 + RECENT / 2, 0.2) for _ in range(100))
    assert allowed == ALWAYS_ALLOWED + 20
    # The requests are forgotten before the repetitions.
    assert not budget.spend(1000.0 + RECENT + 1, 0.2)
    assert budget.spend(1000.0 + RECENT / 2 + RECENT + 1, 0.2)


@pytest.mark.parametrize("share", [-0.1, math.nan, "much", True])
def test_a_budget_that_is_no_share_is_refused(share: Any) -> None:
    with pytest.raises(DbusersError, match="budget"):
        RetryOption(budget=share)
