"""Hooks around whole operations: what they see, and what an attempt's hook sees of the waits."""

import asyncio

import attrs
import pytest

from dbusers import (
    ConfigurationError,
    ConnectionFailed,
    InvalidRequest,
    NotFound,
    OnResponse,
    RateLimit,
    RequestInformation,
    RequestTimedOut,
    Response,
    RetryOption,
    ScalingoClient,
    TimeoutOption,
    Window,
)
from dbusers.deadline import progress
from dbusers.request import Handler
from tests.calls import get, opened
from tests.clocks import JumpingClock
from tests.raw_server import RawServer, answer, end, silence

USER = {"user": {"name": "app"}}


class Witness:
    """A hook that keeps what it was given, and what came of it."""

    def __init__(self) -> None:
        self.requests: list[RequestInformation] = []
        self.outcomes: list[Response | BaseException] = []

    async def __call__(self, request: RequestInformation, handler: Handler) -> Response:
        self.requests.append(request)
        try:
            response = await handler(request)
        except BaseException as error:
            self.outcomes.append(error)
            raise
        self.outcomes.append(response)
        return response


@pytest.fixture
def witness() -> Witness:
    return Witness()


async def test_a_hook_stands_around_all_attempts(server: RawServer, witness: Witness) -> None:
    server.plays(answer(503), answer(503), answer(200, USER))

    async with opened(server, operation_middleware=[witness]) as client:
        await get(client)

    (response,) = witness.outcomes
    assert isinstance(response, Response)
    assert (response.status, response.attempts, response.retries) == (200, 3, ("503", "503"))


async def test_the_first_hook_is_the_outermost_and_all_stand_outside_those_of_attempts(
    server: RawServer,
) -> None:
    trace: list[str] = []

    def naming(name: str) -> object:
        async def hook(request: RequestInformation, handler: Handler) -> Response:
            trace.append(name)
            return await handler(request)

        return hook

    server.plays(answer(503), answer(200, USER))
    hooks = [naming("first"), naming("second")]
    async with opened(server, operation_middleware=hooks, middleware=[naming("attempt")]) as client:
        await get(client)

    assert trace == ["first", "second", "attempt", "attempt"]


async def test_a_refusal_is_still_an_answer_there(server: RawServer, witness: Witness) -> None:
    server.plays(answer(404, {"id": "not_found", "message": "none"}, {"x-request-id": "r-1"}))

    async with opened(server, operation_middleware=[witness]) as client:
        with pytest.raises(NotFound):
            await get(client)

    (response,) = witness.outcomes
    assert isinstance(response, Response)
    assert (response.status, response.request_id) == (404, "r-1")


async def test_a_failure_is_the_error_that_the_caller_gets(
    server: RawServer, witness: Witness
) -> None:
    server.plays(end)

    async with opened(server, operation_middleware=[witness]) as client:
        with pytest.raises(ConnectionFailed) as caught:
            await get(client, RetryOption(max_retries=2))

    assert witness.outcomes == [caught.value]
    assert (caught.value.attempts, caught.value.gave_up) == (3, "max_retries")


async def test_a_passed_deadline_is_the_error_that_the_caller_gets(
    server: RawServer, witness: Witness
) -> None:
    server.plays(answer(503))

    async with opened(server, operation_middleware=[witness]) as client:
        with pytest.raises(RequestTimedOut) as caught:
            await get(client, TimeoutOption(total=5), RetryOption(base_delay=10, jitter=0))

    assert witness.outcomes == [caught.value]
    assert (caught.value.phase, caught.value.retries) == ("retry delay", ("503",))


async def test_a_hook_sees_a_cancellation(server: RawServer, witness: Witness) -> None:
    server.plays(silence())

    async with opened(server, operation_middleware=[witness]) as client:
        call = asyncio.create_task(get(client))
        await server.arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    assert [type(outcome) for outcome in witness.outcomes] == [asyncio.CancelledError]


async def test_a_hook_sees_that_the_client_was_closed(server: RawServer, witness: Witness) -> None:
    server.plays(silence())

    async with opened(server, operation_middleware=[witness]) as client:
        call = asyncio.create_task(get(client))
        await server.arrived.wait()
        await client.aclose()
        with pytest.raises(ConfigurationError, match="closed during the call"):
            await call
        with pytest.raises(ConfigurationError, match="closed: make"):
            await get(client)

    assert [type(outcome) for outcome in witness.outcomes] == [ConfigurationError] * 2


async def test_a_hook_may_change_the_request_of_every_attempt(server: RawServer) -> None:
    async def change(request: RequestInformation, handler: Handler) -> Response:
        return await handler(request.with_header("x-trace", "7"))

    server.plays(answer(503), answer(200, USER))
    async with opened(server, operation_middleware=[change]) as client:
        await get(client)

    assert [request.headers["x-trace"] for request in server.requests] == ["7", "7"]


async def test_a_hook_may_change_the_answer_before_it_is_observed(server: RawServer) -> None:
    async def change(request: RequestInformation, handler: Handler) -> Response:
        return attrs.evolve(await handler(request), content=b'{"user": {"name": "other"}}')

    answers: list[Response] = []
    server.plays(answer(200, USER))
    async with opened(server, operation_middleware=[change]) as client:
        user = await get(client, OnResponse(answers.append))

    assert user.name == "other"
    assert [found.json() for found in answers] == [{"user": {"name": "other"}}]


async def test_a_hook_may_answer_by_itself(server: RawServer) -> None:
    async def cached(request: RequestInformation, handler: Handler) -> Response:
        return Response(200, content=b'{"user": {"name": "cached"}}')

    async with opened(server, operation_middleware=[cached]) as client:
        assert (await get(client)).name == "cached"
    assert server.connections == 0


async def test_a_hook_may_run_the_operation_again_and_each_has_its_own_deadline(
    server: RawServer,
) -> None:
    async def stubborn(request: RequestInformation, handler: Handler) -> Response:
        try:
            return await handler(request)
        except RequestTimedOut:
            return await handler(request)

    server.plays(answer(503), answer(200, USER))
    async with opened(server, operation_middleware=[stubborn]) as client:
        user = await get(client, TimeoutOption(total=5), RetryOption(base_delay=10, jitter=0))

    assert user.name == "app"
    assert len(server.requests) == 2


async def test_the_calls_that_fetch_bearers_pass_no_hook(
    server: RawServer, witness: Witness
) -> None:
    server.plays(
        answer(200, {"token": "a-bearer"}),
        answer(200, {"addon": {"token": "another"}}),
        answer(200, {"database-users": []}),
    )
    async with ScalingoClient(
        "tk-us-x",
        auth_url=server.url,
        api_url=server.url,
        database_api_url=server.url,
        rate_limit=None,
        operation_middleware=[witness],
    ) as client:
        await client.databases.by_id("ad-1", app="shop").users.get()

    assert len(server.requests) == 3
    assert [request.url_template for request in witness.requests] == ["/api/databases/{db}/users"]


@pytest.mark.parametrize("hooks", [5, [5]])
async def test_what_cannot_be_called_is_refused(server: RawServer, hooks: object) -> None:
    with pytest.raises(InvalidRequest, match="operation_middleware must be"):
        opened(server, operation_middleware=hooks)


# What an attempt's hook is told of the wait before it


class Waits:
    """A hook that notes what each attempt has waited."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, request: RequestInformation, handler: Handler) -> Response:
        self.seconds.append(progress.get().waited)
        return await handler(request)


async def test_an_attempt_knows_how_long_it_waited_for_the_budget(server: RawServer) -> None:
    waits, clock = Waits(), JumpingClock()
    limit = RateLimit([Window(1, 60)], clock=clock)
    server.plays(answer(200, USER), answer(503), answer(200, USER))

    async with opened(server, middleware=[waits], rate_limit=limit, clock=clock) as client:
        await get(client)
        await get(client, RetryOption(base_delay=40, jitter=0, max_delay=40))

    # The second call's first attempt waits for the whole window, the next for what the delay left.
    assert waits.seconds == [0, pytest.approx(60, abs=1), pytest.approx(20, abs=1)]


async def test_an_attempt_without_a_budget_has_not_waited(server: RawServer) -> None:
    waits = Waits()
    server.plays(answer(503), answer(200, USER))

    async with opened(server, middleware=[waits]) as client:
        await get(client)

    assert waits.seconds == [0, 0]
