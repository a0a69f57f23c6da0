"""How long a client waits before it sends a request again."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from dbusers import (
    RateLimited,
    Response,
    RetryOption,
    ServerError,
)
from dbusers.retry import retry_delay
from tests.raw_server import RawServer, answer
from tests.sending import ALL, DO_USER, Sender


@pytest.fixture
async def send(server: RawServer) -> AsyncIterator[Sender]:
    async with AsyncExitStack() as stack:
        yield Sender(server, stack)


async def test_delays_double_up_to_the_most(server: RawServer, send: Sender) -> None:
    server.plays(answer(503))
    option = RetryOption(max_retries=5, base_delay=0.5, max_delay=3, jitter=0)

    with pytest.raises(ServerError):
        await send(ALL["GET"], option)
    assert send.clock.sleeps == [0.5, 1, 2, 3, 3]


@pytest.mark.parametrize(("chance", "delay"), [(0.0, 4.0), (0.5, 3.0), (1.0, 2.0)])
def test_a_share_of_the_delay_is_left_to_chance(chance: float, delay: float) -> None:
    option = RetryOption(base_delay=1, jitter=0.5)

    assert retry_delay(Response(503), option, 2, lambda: chance) == delay


async def test_by_default_no_two_clients_wait_alike(server: RawServer, send: Sender) -> None:
    server.plays(answer(503))

    for _ in range(2):
        with pytest.raises(ServerError):
            await send(ALL["GET"], RetryOption())
    first, second = send.clock.sleeps[:3], send.clock.sleeps[3:]
    assert first != second
    for number, delay in enumerate(first):
        assert 0.25 * 2**number <= delay <= 0.5 * 2**number


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_in_seconds_is_waited_for(
    server: RawServer, send: Sender, status: int
) -> None:
    server.plays(answer(status, headers={"Retry-After": "17"}), DO_USER)

    await send(ALL["GET"])
    assert send.clock.sleeps == [17.0]


async def test_retry_after_as_a_date_is_waited_for(server: RawServer, send: Sender) -> None:
    headers = {
        "Date": "Wed, 21 Oct 2026 07:28:00 GMT",
        "Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT",
    }
    server.plays(answer(429, headers=headers), DO_USER)

    await send(ALL["GET"])
    assert send.clock.sleeps == [30.0]


async def test_a_longer_retry_after_than_accepted_ends_the_retries(
    server: RawServer, send: Sender
) -> None:
    server.plays(answer(429, headers={"Retry-After": "91"}), DO_USER)

    with pytest.raises(RateLimited) as caught:
        await send(ALL["GET"], RetryOption(max_retry_after=90))
    assert len(server.requests) == 1
    assert send.clock.sleeps == []
    assert caught.value.retry_after == 91.0
    assert caught.value.retryable


def test_a_thousandth_retry_does_not_overflow() -> None:
    assert retry_delay(Response(503), RetryOption(jitter=0), 5000, lambda: 0.0) == 30.0
