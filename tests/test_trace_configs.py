"""aiohttp's own tracing: the trace configs of a session that is passed in see every attempt."""

import aiohttp
import pytest

from dbusers import ConnectionFailed, RequestTimedOut, RetryOption, TimeoutOption
from tests.calls import get, opened
from tests.raw_server import RawServer, answer, end, silence

USER = {"user": {"name": "app"}}


def tracing(seen: list[str]) -> aiohttp.TraceConfig:
    config = aiohttp.TraceConfig()

    async def start(_: object, __: object, params: aiohttp.TraceRequestStartParams) -> None:
        seen.append(f"start {params.method} {params.url.path}")

    async def finish(_: object, __: object, params: aiohttp.TraceRequestEndParams) -> None:
        seen.append(f"end {params.response.status}")

    async def fail(_: object, __: object, params: aiohttp.TraceRequestExceptionParams) -> None:
        seen.append(type(params.exception).__name__)

    config.on_request_start.append(start)
    config.on_request_end.append(finish)
    config.on_request_exception.append(fail)
    return config


async def test_trace_configs_of_a_session_see_each_attempt(server: RawServer) -> None:
    seen: list[str] = []
    server.plays(answer(503), answer(200, USER))

    async with (
        aiohttp.ClientSession(trace_configs=[tracing(seen)]) as session,
        opened(server, session=session) as client,
    ):
        await get(client)

    start = "start GET /v2/databases/c-1/users/app"
    assert seen == [start, "end 503", start, "end 200"]


async def test_trace_configs_of_a_session_see_what_breaks(server: RawServer) -> None:
    seen: list[str] = []
    server.plays(end)

    async with (
        aiohttp.ClientSession(trace_configs=[tracing(seen)]) as session,
        opened(server, session=session) as client,
    ):
        with pytest.raises(ConnectionFailed):
            await get(client, RetryOption(max_retries=0))

    assert seen == ["start GET /v2/databases/c-1/users/app", "ServerDisconnectedError"]


async def test_trace_configs_of_a_session_see_the_end_of_an_attempt_as_a_cancellation(
    server: RawServer,
) -> None:
    seen: list[str] = []
    server.plays(silence())

    async with (
        aiohttp.ClientSession(trace_configs=[tracing(seen)]) as session,
        opened(server, session=session) as client,
    ):
        with pytest.raises(RequestTimedOut):
            await get(client, RetryOption(max_retries=0), TimeoutOption(attempt=0.05))

    assert seen == ["start GET /v2/databases/c-1/users/app", "CancelledError"]
