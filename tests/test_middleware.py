"""The chain: what stands where, what hooks may do, and what they never see."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from math import inf
from typing import Any, cast

import attrs
import orjson
import pytest
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

from dbusers import (
    APIError,
    DigitalOceanClient,
    NotFound,
    RateLimit,
    RequestConfiguration,
    RequestInformation,
    RequestOption,
    RequestTimedOut,
    Response,
    RetryOption,
    ScalingoClient,
    TimeoutOption,
    Window,
)
from dbusers.deadline import progress
from dbusers.options import OnResponse
from dbusers.request import Handler
from dbusers.secret import Secret
from tests.clocks import JumpingClock
from tests.raw_server import RawServer, answer, end, silence

HOSTS = ("auth_url", "api_url", "database_api_url")

TOKEN = "canary-token-5d1c"
USER = {"user": {"name": "app"}}
Hook = Callable[[RequestInformation, Handler], Awaitable[Response]]


def naming(name: str, trace: list[str]) -> Hook:
    async def hook(request: RequestInformation, handler: Handler) -> Response:
        trace.append(f"{name} in")
        response = await handler(request)
        trace.append(f"{name} out")
        return response

    return hook


class TracedLimit(RateLimit):
    """A budget that says when it was asked."""

    def __init__(self, trace: list[str]) -> None:
        super().__init__([Window(1000, 60)])
        self.trace = trace

    async def acquire(self, within: float = inf) -> float:
        self.trace.append("limit")
        return await super().acquire(within)


class ByAnotherClock(RateLimit):
    """A budget whose moments say nothing to the client."""

    def __init__(self) -> None:
        super().__init__([Window(1000, 60)])

    async def acquire(self, within: float = inf) -> float:
        return 12_345.0


def opened(server: RawServer, **keywords: Any) -> DigitalOceanClient:
    keywords = {"clock": JumpingClock(), "rate_limit": None} | keywords
    return DigitalOceanClient(TOKEN, base_url=server.url, **keywords)


async def get(client: DigitalOceanClient, **configuration: Any) -> Any:
    user = client.databases.by_id("c-1").users.by_username("app")
    return await user.get(RequestConfiguration(**configuration))


# The order


async def test_each_attempt_passes_limit_then_client_then_call_then_wire(server: RawServer) -> None:
    trace: list[str] = []

    async def wire(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        trace.append("wire")
        return await handler(request)

    server.plays(answer(503), answer(200, USER))
    hooks = [naming("first", trace), naming("second", trace)]
    async with opened(server, middleware=hooks, rate_limit=TracedLimit(trace)) as client:
        await get(client, middleware=[naming("call", trace)], aiohttp_middlewares=[wire])

    attempt = ["limit", "first in", "second in", "call in", "wire"]
    attempt += ["call out", "second out", "first out"]
    assert trace == attempt * 2


async def test_what_an_attempt_has_waited_is_told_by_the_clients_clock(server: RawServer) -> None:
    waited: list[float] = []

    async def hook(request: RequestInformation, handler: Handler) -> Response:
        waited.append(progress.get().waited)
        return await handler(request)

    server.plays(answer(200, USER))
    async with opened(server, middleware=[hook], rate_limit=ByAnotherClock()) as client:
        await get(client)
    assert waited == [0.0]


class Bookkeeping(RateLimit):
    """A budget that knows which attempts are under way."""

    def __init__(self) -> None:
        super().__init__([Window(1000, 60)])
        self.under_way = 0
        self.settled = 0

    def acquire_at_once(self) -> float | None:
        self.under_way += 1
        return super().acquire_at_once()

    def settle(self, counted: float) -> None:
        self.under_way -= 1
        self.settled += 1
        super().settle(counted)


async def test_every_attempt_is_settled_once_however_it_ends(server: RawServer) -> None:
    limit = Bookkeeping()
    server.plays(answer(503), end, answer(404), answer(200, USER), silence())

    async with opened(server, rate_limit=limit) as client:
        with suppress(NotFound):  # after two attempts that may be repeated
            await get(client)
        assert (limit.under_way, limit.settled) == (0, 3)
        await get(client)
        server.arrived.clear()
        cancelled = asyncio.create_task(get(client))
        await server.arrived.wait()
        assert (limit.under_way, limit.settled) == (1, 4)
        cancelled.cancel()
        await asyncio.wait([cancelled])
    assert (limit.under_way, limit.settled) == (0, 5)


async def test_a_calls_hooks_are_for_that_call_only(server: RawServer) -> None:
    trace: list[str] = []
    server.plays(answer(200, USER))

    async with opened(server, middleware=[naming("client", trace)]) as client:
        await get(client, middleware=[naming("call", trace)])
        trace.clear()
        await get(client)
    assert trace == ["client in", "client out"]


async def test_a_final_answer_is_observed_once_however_many_attempts_it_took(
    server: RawServer,
) -> None:
    answers: list[Response] = []
    server.plays(answer(503), answer(200, USER, {"x-request-id": "r-1"}))

    async with opened(server, options=[OnResponse(answers.append)]) as client:
        await get(client)
    (found,) = answers
    assert (found.status, found.request_id, found.attempts) == (200, "r-1", 2)
    assert found.retries == ("503",)


async def test_an_error_answer_is_observed_too(server: RawServer) -> None:
    answers: list[Response] = []
    server.plays(answer(404, {"id": "not_found", "message": "none"}))

    async with opened(server) as client:
        with pytest.raises(NotFound):
            await get(client, options=[OnResponse(answers.append)])
    assert [found.status for found in answers] == [404]


# What a hook may do


async def test_a_hook_may_change_the_request(server: RawServer) -> None:
    async def change(request: RequestInformation, handler: Handler) -> Response:
        request = request.with_header("x-trace", "7")
        return await handler(attrs.evolve(request, query_parameters={"deep": True}))

    server.plays(answer(200, USER))
    async with opened(server, middleware=[change]) as client:
        await get(client)

    (request,) = server.requests
    assert request.headers["x-trace"] == "7"
    assert request.target == b"/v2/databases/c-1/users/app?deep=true"


async def test_a_hook_cannot_replace_the_credential(server: RawServer) -> None:
    async def hook(request: RequestInformation, handler: Handler) -> Response:
        request = request.with_header("x-trace", "7")
        cast("dict[str, str]", request.headers)["authorization"] = "Basic evil"
        return await handler(request)

    server.plays(answer(200, USER))
    async with opened(server, middleware=[hook]) as client:
        await get(client)
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


async def test_a_hook_may_change_the_answer(server: RawServer) -> None:
    async def change(request: RequestInformation, handler: Handler) -> Response:
        return attrs.evolve(await handler(request), content=b'{"user": {"name": "other"}}')

    server.plays(answer(200, USER))
    async with opened(server, middleware=[change]) as client:
        assert (await get(client)).name == "other"


async def test_a_hook_may_answer_by_itself(server: RawServer) -> None:
    async def cached(request: RequestInformation, handler: Handler) -> Response:
        return Response(200, content=b'{"user": {"name": "cached"}}')

    async with opened(server, middleware=[cached]) as client:
        assert (await get(client)).name == "cached"
    assert server.connections == 0


async def test_a_hook_may_call_the_handler_again(server: RawServer) -> None:
    trace: list[str] = []

    async def twice(request: RequestInformation, handler: Handler) -> Response:
        await handler(request)
        return await handler(request.with_header("x-again", "1"))

    server.plays(
        answer(200, {"user": {"name": "first"}}), answer(200, {"user": {"name": "second"}})
    )
    async with opened(server, middleware=[twice, naming("inner", trace)]) as client:
        user = await get(client)

    assert user.name == "second"
    assert [request.headers.get("x-again") for request in server.requests] == [None, "1"]
    assert trace == ["inner in", "inner out"] * 2


async def test_an_error_that_a_hook_raises_reaches_the_caller_as_it_is(server: RawServer) -> None:
    async def refuse(request: RequestInformation, handler: Handler) -> Response:
        raise PermissionError("not on a Friday")

    async with opened(server, middleware=[refuse]) as client:
        with pytest.raises(PermissionError, match="not on a Friday"):
            await get(client)
    assert server.connections == 0


async def test_a_timeout_in_a_hook_is_not_taken_for_the_deadline(server: RawServer) -> None:
    async def impatient(request: RequestInformation, handler: Handler) -> Response:
        raise TimeoutError("the cache is slow")

    async with opened(server, middleware=[impatient]) as client:
        with pytest.raises(TimeoutError, match="the cache is slow"):
            await get(client)


async def test_a_hooks_own_option_reaches_it(server: RawServer) -> None:
    @attrs.frozen
    class Tenant(RequestOption):
        name: str

    seen = []

    async def read(request: RequestInformation, handler: Handler) -> Response:
        seen.append(request.option(Tenant))
        return await handler(request)

    server.plays(answer(200, USER))
    async with opened(server, middleware=[read], options=[Tenant(name="a")]) as client:
        await get(client)
        await get(client, options=[Tenant(name="b")])
    assert seen == [Tenant(name="a"), Tenant(name="b")]


# What a hook never sees


def _all_of(value: Any, depth: int = 0) -> str:
    """Return everything that can be read off a value, secrets as they print themselves."""
    if depth > 4 or isinstance(value, Secret | type) or callable(value):
        return repr(value)
    if attrs.has(type(value)):
        fields = (getattr(value, field.name) for field in attrs.fields(type(value)))
        return repr(value) + "".join(_all_of(field, depth + 1) for field in fields)
    if isinstance(value, bytes | str):
        return str(value)
    try:
        return repr(value) + "".join(f"{k}: {v}" for k, v in dict(value).items())
    except (TypeError, ValueError):
        return repr(value)


@pytest.mark.parametrize("status", [200, 401, 404])
async def test_no_hook_sees_the_credential(server: RawServer, status: int) -> None:
    seen: list[str] = []

    async def spy(request: RequestInformation, handler: Handler) -> Response:
        seen.append(_all_of(request))
        response = await handler(request)
        seen.append(_all_of(response))
        return response

    server.plays(answer(status, USER))
    async with opened(server, middleware=[spy]) as client:
        with suppress(APIError):
            await get(client)

    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert len(seen) == 2
    assert TOKEN not in "".join(seen)


async def test_hooks_do_not_see_the_calls_that_fetch_bearers(server: RawServer) -> None:
    paths: list[str] = []

    async def spy(request: RequestInformation, handler: Handler) -> Response:
        paths.append(request.url.removeprefix(server.url))
        return await handler(request)

    server.plays(
        answer(200, {"token": "a-bearer"}),
        answer(200, {"addon": {"token": "another"}}),
        answer(200, {"database-users": []}),
    )
    hosts: dict[str, Any] = dict.fromkeys(HOSTS, server.url)
    async with ScalingoClient("tk-us-x", middleware=[spy], rate_limit=None, **hosts) as client:
        await client.databases.by_id("ad-1", app="shop").users.get()

    assert len(server.requests) == 3
    assert paths == ["/api/databases/ad-1/users"]


async def test_observers_do_not_see_the_answers_with_bearers(server: RawServer) -> None:
    answers: list[Response] = []
    server.plays(answer(200, {"token": "a-bearer"}), answer(200, {"apps": []}))
    hosts: dict[str, Any] = dict.fromkeys(HOSTS, server.url)
    options = [OnResponse(answers.append)]

    async with ScalingoClient("tk-us-x", options=options, rate_limit=None, **hosts) as client:
        await client.apps.get()
    assert len(server.requests) == 2
    assert [orjson.loads(each.content) for each in answers] == [{"apps": []}]


async def test_a_call_inside_another_leaves_the_outer_ones_progress_alone(
    server: RawServer,
) -> None:
    server.plays(
        answer(200, {"token": "a-bearer"}),
        answer(200, {"addon": {"token": "another"}}),
        answer(503),
    )
    hosts: dict[str, Any] = dict.fromkeys(HOSTS, server.url)
    options = [TimeoutOption(total=5), RetryOption(base_delay=10, jitter=0)]
    async with ScalingoClient("tk-us-x", clock=JumpingClock(), rate_limit=None, **hosts) as client:
        users = client.databases.by_id("ad-1", app="shop").users  # two bearers are fetched within
        with pytest.raises(RequestTimedOut) as caught:
            await users.get(RequestConfiguration(options=options))

    assert (caught.value.phase, caught.value.sent) == ("retry delay", True)


async def test_a_hook_that_closes_the_client_still_gives_its_answer(server: RawServer) -> None:
    server.plays(answer(200, USER))
    client = opened(server)

    async def last(request: RequestInformation, handler: Handler) -> Response:
        response = await handler(request)
        await client.aclose()
        return response

    assert (await get(client, middleware=[last])).name == "app"


async def test_a_hook_sees_no_token_in_a_redirect(server: RawServer) -> None:
    seen: list[Response] = []

    async def spy(request: RequestInformation, handler: Handler) -> Response:
        seen.append(await handler(request))
        return seen[-1]

    server.plays(answer(302, headers={"Location": f"https://elsewhere.example/?t={TOKEN}"}))
    async with opened(server, middleware=[spy]) as client:
        with suppress(APIError):
            await get(client)

    assert seen[0].headers["location"].startswith("https://elsewhere.example/?t=*")


async def test_aiohttps_own_middlewares_see_the_wire(server: RawServer) -> None:
    seen = []

    async def wire(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        seen.append(request.headers["Authorization"])
        request.headers["x-wire"] = "1"
        return await handler(request)

    server.plays(answer(200, USER))
    async with opened(server) as client:
        await get(client, aiohttp_middlewares=[wire])
        await get(client)

    assert seen == [f"Bearer {TOKEN}"]
    assert [request.headers.get("x-wire") for request in server.requests] == ["1", None]


# Masking what a server quotes
