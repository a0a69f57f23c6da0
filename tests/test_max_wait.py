"""Waiting for the token's budget, or not: the caller chooses."""

from typing import Any

import pytest

from dbusers import (
    DbusersError,
    DigitalOceanClient,
    RateLimit,
    RateLimited,
    RateLimitOption,
    RequestConfiguration,
    RequestInformation,
    RequestTimedOut,
    Response,
    RetryOption,
    ScalingoClient,
    TimeoutOption,
    Window,
)
from dbusers.digitalocean import UserCreate
from dbusers.request import Handler
from tests.clocks import JumpingClock
from tests.raw_server import RawServer, answer

USER = {"user": {"name": "app"}}
NOT_AT_ALL = RateLimitOption(max_wait=0)


def opened(server: RawServer, clock: JumpingClock, **keywords: Any) -> DigitalOceanClient:
    limit = RateLimit([Window(2, 60)], clock=clock)
    return DigitalOceanClient(
        "a-token", base_url=server.url, rate_limit=limit, clock=clock, **keywords
    )


async def read(client: DigitalOceanClient, *options: Any) -> Any:
    user = client.databases.by_id("c-1").users.by_username("app")
    return await user.get(RequestConfiguration(options=options))


async def use_up(client: DigitalOceanClient) -> None:
    for _ in range(2):
        await read(client)


async def test_who_cannot_wait_is_told_at_once(server: RawServer, clock: JumpingClock) -> None:
    server.plays(answer(200, USER))
    async with opened(server, clock) as client:
        await use_up(client)
        with pytest.raises(RateLimited) as caught:
            await read(client, NOT_AT_ALL)

    assert len(server.requests) == 2
    assert clock.sleeps == []
    assert caught.value.attempts == 0
    assert (caught.value.retryable, caught.value.gave_up) == (True, "max_wait")
    assert 60 <= (caught.value.retry_after or 0) <= 61
    assert "nothing was sent" in str(caught.value)


async def test_a_free_budget_has_nothing_to_wait_for(
    server: RawServer, clock: JumpingClock
) -> None:
    server.plays(answer(200, USER))
    async with opened(server, clock) as client:
        assert (await read(client, NOT_AT_ALL)).name == "app"


async def test_a_create_that_was_not_sent_may_be_made_again(
    server: RawServer, clock: JumpingClock
) -> None:
    server.plays(answer(200, USER))
    async with opened(server, clock, options=[NOT_AT_ALL]) as client:
        await use_up(client)
        with pytest.raises(RateLimited) as caught:
            await client.databases.by_id("c-1").users.post(UserCreate(name="app"))

    assert caught.value.retryable
    assert len(server.requests) == 2


@pytest.mark.parametrize(("seconds", "waits"), [(59, False), (62, True), (None, True)])
async def test_who_can_wait_a_while_does(
    server: RawServer, clock: JumpingClock, seconds: float | None, waits: bool
) -> None:
    server.plays(answer(200, USER))
    async with opened(server, clock, options=[NOT_AT_ALL]) as client:
        await use_up(client)
        try:
            await read(client, RateLimitOption(max_wait=seconds))
        except RateLimited:
            assert not waits

    assert len(server.requests) == 2 + waits
    assert sum(clock.sleeps) == pytest.approx(60.5 * waits)


async def test_the_deadline_counts_if_it_is_shorter(server: RawServer, clock: JumpingClock) -> None:
    server.plays(answer(200, USER))
    async with opened(server, clock) as client:
        await use_up(client)
        with pytest.raises(RequestTimedOut) as caught:
            await read(client, RateLimitOption(max_wait=30), TimeoutOption(total=20))

    assert caught.value.phase == "rate limit"
    assert not caught.value.sent


async def test_a_repetition_that_would_wait_is_not_waited_for(
    server: RawServer, clock: JumpingClock
) -> None:
    server.plays(answer(503))
    async with opened(server, clock) as client:
        with pytest.raises(RateLimited) as caught:
            await read(client, NOT_AT_ALL, RetryOption(base_delay=0.0))

    assert (caught.value.attempts, caught.value.retries) == (2, ("503", "503"))


async def test_no_bearer_is_fetched_for_who_would_not_wait_for_it(
    server: RawServer, clock: JumpingClock
) -> None:
    hosts: dict[str, Any] = dict.fromkeys(("auth_url", "api_url", "database_api_url"), server.url)
    limit = RateLimit([Window(1, 60)], clock=clock)
    await limit.acquire()
    async with ScalingoClient("a-token", **hosts, rate_limit=limit, clock=clock) as client:
        users = client.databases.by_id("db-1", app="shop").users
        with pytest.raises(RateLimited):
            await users.get(RequestConfiguration(options=[NOT_AT_ALL]))

    assert server.requests == []


async def test_a_hook_that_takes_its_time_breaks_no_window(
    server: RawServer, clock: JumpingClock
) -> None:
    sent: list[float] = []

    async def slow(request: RequestInformation, handler: Handler) -> Response:
        await clock.sleep(30 if not sent else 0)
        sent.append(clock.now)
        return await handler(request)

    server.plays(answer(200, USER))
    async with opened(server, clock, middleware=[slow]) as client:
        for _ in range(3):
            await read(client)

    assert sent[2] - sent[0] >= 60


@pytest.mark.parametrize("seconds", [-1, float("nan"), "5", True])
def test_a_wait_that_is_no_time_is_refused(seconds: Any) -> None:
    with pytest.raises(DbusersError, match="max_wait"):
        RateLimitOption(max_wait=seconds)
