"""What is sent again, when, and how often: on a real socket, counted at the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest

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
    ServerError,
)
from dbusers.deadline import Progress, progress
from dbusers.middleware import Limit
from dbusers.retry import Retry
from dbusers.secret import Secret
from tests.clocks import JumpingClock
from tests.raw_server import RawServer, answer, end, reset, truncated
from tests.sending import ALL, CHANGES, DO_USER, IDEMPOTENT, RESETS, SENT_AND_LOST, Sender, do_user

REFUSALS = (400, 403, 404, 405, 409, 410, 412, 413, 422, 451)


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


class NoBearer:
    """Knows no credential, and how to get none."""

    base_urls: tuple[str, ...] = ("https://api.example.com",)

    def __init__(self) -> None:
        self.asked = 0

    def at_hand(self, request: RequestInformation) -> None:
        return None

    async def fetch(self, request: RequestInformation) -> Secret:
        self.asked += 1
        raise ConnectionFailed("no bearer", sent=False)

    def renew(self, request: RequestInformation, refused: Secret) -> bool:
        return True


async def test_what_failed_before_there_was_an_attempt_is_not_tried_again() -> None:
    # Where it comes from, a bearer's own request, it has been tried again already.
    nobody = NoBearer()
    limit = Limit(None, nobody, JumpingClock())

    async def unreachable(request: RequestInformation) -> Response:
        raise AssertionError("sent without a credential")

    task = asyncio.current_task()
    assert task is not None
    progress.set(Progress(task))
    with pytest.raises(ConnectionFailed, match="no bearer"):
        await Retry(limit, JumpingClock())(RequestInformation("GET", "/v1/apps"), unreachable)
    assert nobody.asked == 1


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
        user = await do_user(client).get()
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


async def test_a_refusal_in_between_leaves_a_delete_whose_answer_was_lost_done(
    server: RawServer, send: Sender
) -> None:
    server.plays(reset, answer(429), answer(404))

    await send(ALL["DELETE"])
    assert len(server.requests) == 3
