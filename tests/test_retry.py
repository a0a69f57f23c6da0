"""What is sent again, when, and how often: on a real socket, counted at the server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from attrs import frozen

from dbusers import (
    APIError,
    ConnectionFailed,
    DbusersError,
    DigitalOceanClient,
    NotFound,
    RateLimited,
    RequestConfiguration,
    RequestInformation,
    Response,
    RetryOption,
    ScalingoClient,
    ServerError,
)
from dbusers import digitalocean as do
from dbusers import scalingo as sc
from dbusers.options import OnResponse
from dbusers.retry import retry_delay
from tests.clocks import JumpingClock
from tests.raw_server import BeforeReading, RawServer, Step, answer, end, raw, reset, truncated

DO_USER = answer(200, {"user": {"name": "app"}})
SC_USER = answer(200, {"database_user": {"name": "app"}})
NO_DELAYS = RetryOption(base_delay=0)


@frozen
class Call:
    """One verb, called on whichever client it is of, and a server's good answer to it."""

    send: Callable[[Any, RequestConfiguration], Awaitable[object]]
    good: Step
    provider: type[Any] = DigitalOceanClient


def _do_user(client: DigitalOceanClient) -> do.UserRequestBuilder:
    return client.databases.by_id("c-1").users.by_username("app")


def _sc_user(client: ScalingoClient) -> sc.UserRequestBuilder:
    return client.databases.by_id("ad-1").users.by_username("app")


IDEMPOTENT = {
    "GET": Call(lambda c, rc: _do_user(c).get(rc), DO_USER),
    "PUT": Call(
        lambda c, rc: _do_user(c).put(do.UserUpdate(settings=do.UserSettings()), rc), DO_USER
    ),
    "DELETE": Call(lambda c, rc: _do_user(c).delete(rc), answer(204)),
    "Scalingo's GET": Call(
        lambda c, rc: c.databases.by_id("ad-1").users.get(rc),
        answer(200, {"database-users": []}),
        ScalingoClient,
    ),
}
CHANGES = {
    "POST": Call(
        lambda c, rc: c.databases.by_id("c-1").users.post(do.UserCreate("app"), rc), DO_USER
    ),
    "Scalingo's POST": Call(
        lambda c, rc: c.databases.by_id("ad-1").users.post(sc.UserCreate("app-01"), rc),
        SC_USER,
        ScalingoClient,
    ),
    "PATCH": Call(lambda c, rc: _sc_user(c).patch(sc.UserUpdate(), rc), SC_USER, ScalingoClient),
    "own POST": Call(
        lambda c, rc: c.adapter.send(RequestInformation("post", "/v2/x", options=rc.options)),
        answer(200, {}),
    ),
}
RESETS = {
    "reset_auth": Call(lambda c, rc: _do_user(c).reset_auth.post(None, rc), DO_USER),
    "reset_password": Call(
        lambda c, rc: _sc_user(c).reset_password.post(rc), SC_USER, ScalingoClient
    ),
}
ALL = IDEMPOTENT | CHANGES | RESETS

SENT_AND_LOST: dict[str, Step | BeforeReading] = {
    "reset before reading": BeforeReading(reset),
    "ended before reading": BeforeReading(end),
    "reset after reading": reset,
    "ended after reading": end,
    "truncated body": truncated(b'{"user": {"na'),
    "truncated head": raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "not HTTP": raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "408": answer(408),
    "500": answer(500, {"id": "server_error", "message": "oops"}),
    "502": answer(502, b"<html>bad gateway</html>", {"Content-Type": "text/html"}),
    "503": answer(503),
    "504": answer(504),
    "599": answer(599),
}
REFUSALS = (400, 403, 404, 405, 409, 410, 412, 413, 422, 451)


class Sender:
    """Clients of both providers at one server, whose waits take no time."""

    def __init__(self, server: RawServer, stack: AsyncExitStack) -> None:
        self.server = server
        self.clock = JumpingClock()
        self.answers: list[Response] = []
        self._stack = stack

    async def __call__(
        self, call: Call, retry: RetryOption = NO_DELAYS, url: str | None = None
    ) -> object:
        client = await self.client_for(call, url or self.server.url)
        options = [retry, OnResponse(self.answers.append)]
        return await call.send(client, RequestConfiguration(options=options))

    async def client_for(self, call: Call, url: str) -> Any:
        client: Any
        if call.provider is DigitalOceanClient:
            client = DigitalOceanClient("a-token", base_url=url, clock=self.clock, rate_limit=None)
        else:
            client = ScalingoClient(
                database_token="a-token", database_api_url=url, clock=self.clock, rate_limit=None
            )
        return await self._stack.enter_async_context(client)


@pytest.fixture
async def send(server: RawServer) -> AsyncIterator[Sender]:
    async with AsyncExitStack() as stack:
        yield Sender(server, stack)


def connections_or_requests(server: RawServer) -> int:
    return max(server.connections, len(server.requests))


# Method by method, failure by failure


@pytest.mark.parametrize("failure", SENT_AND_LOST)
@pytest.mark.parametrize("method", IDEMPOTENT)
async def test_what_does_no_harm_twice_is_sent_again(
    server: RawServer, send: Sender, method: str, failure: str
) -> None:
    server.plays(SENT_AND_LOST[failure], ALL[method].good)

    await send(ALL[method])
    assert connections_or_requests(server) == 2
    (found,) = send.answers
    assert found.attempts == 2
    assert len(found.retries) == 1


@pytest.mark.parametrize("failure", SENT_AND_LOST)
@pytest.mark.parametrize("method", CHANGES | RESETS)
async def test_what_may_have_been_done_is_not_done_again(
    server: RawServer, send: Sender, method: str, failure: str
) -> None:
    server.plays(SENT_AND_LOST[failure], ALL[method].good)

    with pytest.raises(DbusersError) as caught:
        await send(ALL[method])
    assert connections_or_requests(server) == 1
    assert caught.value.attempts == 1
    assert caught.value.retries == ()
    assert not caught.value.retryable


@pytest.mark.parametrize("method", IDEMPOTENT | CHANGES)
async def test_a_429_was_not_processed_and_is_sent_again(
    server: RawServer, send: Sender, method: str
) -> None:
    server.plays(answer(429, b"Retry later"), ALL[method].good)

    await send(ALL[method])
    assert len(server.requests) == 2
    assert send.answers[0].retries == ("429",)


@pytest.mark.parametrize("method", RESETS)
async def test_a_reset_is_not_sent_again_even_after_a_429(
    server: RawServer, send: Sender, method: str
) -> None:
    server.plays(answer(429), ALL[method].good)

    with pytest.raises(RateLimited):
        await send(ALL[method])
    assert len(server.requests) == 1


@pytest.mark.parametrize("method", ALL)
async def test_what_was_never_sent_is_sent_again(
    refused_url: str, send: Sender, method: str
) -> None:
    with pytest.raises(ConnectionFailed) as caught:
        await send(ALL[method], RetryOption(max_retries=2), url=refused_url)

    error = caught.value
    assert not error.sent
    assert error.retryable
    assert (error.attempts, len(error.retries)) == (3, 2)


@pytest.mark.parametrize("status", REFUSALS)
@pytest.mark.parametrize("method", ["GET", "POST", "reset_auth"])
async def test_a_refusal_is_final(
    server: RawServer, send: Sender, method: str, status: int
) -> None:
    server.plays(answer(status), ALL[method].good)

    with pytest.raises(APIError) as caught:
        await send(ALL[method])
    assert len(server.requests) == 1
    assert caught.value.status == status
    assert not caught.value.retryable


async def test_a_401_of_a_token_that_cannot_be_renewed_is_final(
    server: RawServer, send: Sender
) -> None:
    server.plays(answer(401), DO_USER)

    with pytest.raises(APIError):
        await send(ALL["GET"])
    assert len(server.requests) == 1


# How often


@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_retries_end(server: RawServer, send: Sender, retries: int) -> None:
    server.plays(answer(503))

    with pytest.raises(ServerError) as caught:
        await send(ALL["GET"], RetryOption(max_retries=retries))
    assert len(server.requests) == retries + 1
    assert caught.value.attempts == retries + 1
    assert caught.value.retries == ("503",) * retries
    assert caught.value.retryable


async def test_the_reasons_are_told_in_order(server: RawServer, send: Sender) -> None:
    server.plays(answer(429), reset, answer(502), DO_USER)

    await send(ALL["GET"])
    assert send.answers[0].retries == ("429", "ConnectionFailed", "502")


async def test_statuses_can_be_chosen(server: RawServer, send: Sender) -> None:
    server.plays(answer(412), answer(503), DO_USER)

    with pytest.raises(ServerError):
        await send(ALL["GET"], RetryOption(statuses=frozenset({412})))
    assert len(server.requests) == 2


async def test_an_attempt_gives_its_connection_back_before_the_next(server: RawServer) -> None:
    # With one connection allowed, a response that was not released would block the next attempt.
    server.plays(answer(503), truncated(b"{"), answer(502), DO_USER)

    connector = aiohttp.TCPConnector(limit=1)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        DigitalOceanClient(
            "a-token", base_url=server.url, session=session, clock=JumpingClock()
        ) as client,
    ):
        user = await _do_user(client).get()
    assert user.name == "app"


async def test_aiohttp_does_not_repeat_anything_by_itself(server: RawServer, send: Sender) -> None:
    # A server that ends kept-alive connections: aiohttp would send again unseen, and a DELETE whose
    # first answer was lost would end as "not found".
    for method in IDEMPOTENT:
        call = ALL[method]
        client = await send.client_for(call, server.url)
        server.requests.clear()
        server.plays(call.good, end, call.good)
        never = RequestConfiguration(options=[RetryOption(max_retries=0)])

        await call.send(client, never)
        with pytest.raises(ConnectionFailed):
            await call.send(client, never)
        assert [request.connection for request in server.requests][1:] == [
            server.requests[0].connection
        ]


# How long it waits


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


# DELETE


@pytest.mark.parametrize("lost", ["reset after reading", "ended after reading", "500", "504"])
async def test_a_delete_whose_answer_was_lost_is_done_when_nothing_is_left(
    server: RawServer, send: Sender, lost: str
) -> None:
    server.plays(SENT_AND_LOST[lost], answer(404, {"id": "not_found", "message": "none"}))

    await send(ALL["DELETE"])
    assert len(server.requests) == 2


async def test_a_delete_of_nobody_is_not_found(server: RawServer, send: Sender) -> None:
    server.plays(answer(404))

    with pytest.raises(NotFound):
        await send(ALL["DELETE"])


async def test_a_delete_that_was_only_refused_before_is_not_found(
    server: RawServer, send: Sender
) -> None:
    server.plays(answer(429), answer(404))

    with pytest.raises(NotFound) as caught:
        await send(ALL["DELETE"])
    assert caught.value.attempts == 2


async def test_another_verb_after_a_lost_answer_is_not_found(
    server: RawServer, send: Sender
) -> None:
    server.plays(reset, answer(404))

    with pytest.raises(NotFound):
        await send(ALL["PUT"])
