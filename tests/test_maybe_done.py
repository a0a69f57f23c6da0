"""What an error says of a call that failed: may it be done all the same, may it be made again?"""

import pytest

from dbusers import (
    ConnectionFailed,
    DbusersError,
    RateLimited,
    RequestConfiguration,
    RequestTimedOut,
    RetryOption,
    TimeoutOption,
)
from tests.calls import create, get, opened
from tests.raw_server import Exchange, RawServer, Step, answer


def the_last(server: RawServer, step: Step) -> Step:
    """Do a step, after which nobody can connect any more."""

    async def last(exchange: Exchange) -> None:
        server.refuse_connections()
        await step(exchange)

    return last


async def closing(exchange: Exchange) -> None:
    """Refuse with a 429, and end the connection."""
    await answer(429, headers={"Retry-After": "1", "Connection": "close"})(exchange)
    await exchange.end()


async def test_a_removal_that_arrived_once_may_be_done_though_its_repetitions_were_refused(
    server: RawServer,
) -> None:
    server.plays(the_last(server, Exchange.reset))
    async with opened(server) as client:
        with pytest.raises(ConnectionFailed) as caught:
            await client.databases.by_id("c-1").users.by_username("app").delete()

    assert (len(server.requests), caught.value.attempts) == (1, 4)
    assert caught.value.sent


async def test_a_create_that_was_refused_and_then_could_not_arrive_is_not_done(
    server: RawServer,
) -> None:
    server.plays(the_last(server, closing))
    async with opened(server) as client:
        with pytest.raises(ConnectionFailed) as caught:
            await create(client)

    assert len(server.requests) == 1
    assert not caught.value.sent


async def test_a_reset_that_was_refused_is_not_repeated_but_may_be_made_again(
    server: RawServer,
) -> None:
    server.plays(answer(429, headers={"Retry-After": "1"}))
    async with opened(server) as client:
        with pytest.raises(RateLimited) as caught:
            await client.databases.by_id("c-1").users.by_username("app").reset_auth.post()

    assert len(server.requests) == 1
    assert caught.value.retryable


async def test_a_deadline_that_left_no_time_for_a_repetition_is_what_kept_the_client_from_it(
    server: RawServer,
) -> None:
    server.plays(answer(503, headers={"Retry-After": "60"}))
    async with opened(server) as client:
        with pytest.raises(RequestTimedOut) as caught:
            await get(client, TimeoutOption(total=30), RetryOption(max_retries=3))

    assert (caught.value.retryable, caught.value.gave_up) == (True, "deadline")


async def test_what_may_not_be_made_again_was_not_given_up(server: RawServer) -> None:
    server.plays(answer(404))
    async with opened(server) as client:
        with pytest.raises(DbusersError) as caught:
            await client.databases.get(RequestConfiguration())

    assert (caught.value.retryable, caught.value.gave_up) == (False, None)
