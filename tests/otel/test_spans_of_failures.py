"""Spans of what fails, waits too long, is cancelled or closed: how they end, and what they tell."""

import asyncio
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from dbusers import (
    ConfigurationError,
    DbusersError,
    RateLimited,
    RateLimitOption,
    RequestInformation,
    RequestTimedOut,
    Response,
    RetryOption,
    TimeoutOption,
)
from dbusers.digitalocean import UserCreate
from dbusers.request import Handler
from dbusers.testing import Fault, ManualClock, Sandbox
from tests.calls import get, opened
from tests.clocks import JumpingClock
from tests.otel.conftest import USER, Recorded, attributes, with_budget
from tests.raw_server import RawServer, answer, end, raw, silence


@pytest.mark.parametrize(
    ("step", "error_type", "status"),
    [
        (answer(404, {"id": "not_found"}), "404", 404),
        (answer(503), "503", 503),
        (answer(302, headers={"Location": "/elsewhere"}), "302", 302),
        (end, "dbusers.errors.ConnectionFailed", None),
        (raw(b"nonsense\r\n\r\n"), "dbusers.errors.ConnectionFailed", None),
        (
            answer(200, b"x" * 65, {"Content-Encoding": "gzip"}),
            "dbusers.errors.UnexpectedBody",
            200,
        ),
    ],
    ids=["404", "503", "redirect", "reset", "not HTTP", "body"],
)
async def test_what_fails_is_an_error_by_its_status_or_its_class_and_nothing_else(
    server: RawServer,
    recorded: Recorded,
    step: Any,
    error_type: str,
    status: int | None,
) -> None:
    server.plays(step)

    async with opened(server, **recorded.hooks) as client:
        with pytest.raises(DbusersError):
            await get(client, RetryOption(max_retries=0))

    assert len(recorded.spans) == 2
    for span in recorded.spans:
        assert attributes(span)["error.type"] == error_type
        assert attributes(span).get("http.response.status_code") == status
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description is None
        assert not span.events


async def test_a_removal_whose_answer_was_lost_is_no_error_of_the_operation(
    recorded: Recorded,
) -> None:
    async with Sandbox(limits=False) as sandbox:
        sandbox.inject(Fault("/v2/databases/*/users/app", method="DELETE", cut="after"))
        async with sandbox.digitalocean(clock=ManualClock(), **recorded.hooks) as client:
            cluster = next(c["id"] for c in sandbox.fleet.digitalocean if c["engine"] == "pg")
            users = client.databases.by_id(cluster).users
            await users.post(UserCreate("app"))
            await users.by_username("app").delete()

    removal = recorded.operations[-1]
    assert [attributes(span).get("error.type") for span in recorded.attempts[-2:]] == [
        "dbusers.errors.ConnectionFailed",
        "404",
    ]
    assert attributes(removal)["http.response.status_code"] == 204
    assert removal.status.status_code is StatusCode.UNSET


async def test_a_deadline_that_passes_between_attempts_ends_the_operation(
    server: RawServer, recorded: Recorded
) -> None:
    server.plays(answer(503))

    async with opened(server, **recorded.hooks) as client:
        with pytest.raises(RequestTimedOut):
            await get(client, TimeoutOption(total=5), RetryOption(base_delay=10, jitter=0))

    (operation,), (attempt,) = recorded.operations, recorded.attempts
    assert attributes(operation)["error.type"] == "dbusers.errors.RequestTimedOut"
    assert attributes(operation)["dbusers.operation.retries"] == ("503",)
    assert attributes(attempt)["error.type"] == "503"


async def test_a_deadline_that_passes_during_an_attempt_ends_both(
    server: RawServer, recorded: Recorded
) -> None:
    server.plays(silence())

    async with opened(server, **recorded.hooks) as client:
        with pytest.raises(RequestTimedOut):
            await get(client, TimeoutOption(total=0.02))

    assert [span.status.status_code for span in recorded.spans] == [StatusCode.ERROR] * 2
    (operation,) = recorded.operations
    assert attributes(operation)["error.type"] == "dbusers.errors.RequestTimedOut"


async def test_a_deadline_that_passes_before_a_request_is_sent_is_the_callers_error_too(
    server: RawServer, recorded: Recorded
) -> None:
    clock = JumpingClock()

    async def slow(request: RequestInformation, handler: Handler) -> Response:
        await clock.sleep(7)
        return await handler(request)

    telemetry = recorded.telemetry
    hooks = {"middleware": [telemetry.attempt, slow], "operation_middleware": [telemetry.operation]}
    async with opened(server, clock=clock, **hooks) as client:
        with pytest.raises(RequestTimedOut):
            await get(client, TimeoutOption(total=5))

    assert [attributes(span)["error.type"] for span in recorded.spans] == [
        "dbusers.errors.RequestTimedOut"
    ] * 2
    assert server.connections == 0


async def test_an_attempt_that_takes_too_long_is_an_error(
    server: RawServer, recorded: Recorded
) -> None:
    server.plays(silence(), answer(200, USER))

    async with opened(server, **recorded.hooks) as client:
        await get(client, TimeoutOption(attempt=0.02))

    first, second = recorded.attempts
    assert attributes(first)["error.type"] == "dbusers.errors.RequestTimedOut"
    assert attributes(second)["http.request.resend_count"] == 1


async def test_a_cancelled_call_ends_its_spans(server: RawServer, recorded: Recorded) -> None:
    server.plays(silence())

    async with opened(server, **recorded.hooks) as client:
        call = asyncio.create_task(get(client))
        await server.arrived.wait()
        assert recorded.spans == []
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    assert len(recorded.spans) == 2
    for span in recorded.spans:
        assert attributes(span)["error.type"] == "asyncio.exceptions.CancelledError"
        assert span.status.status_code is StatusCode.ERROR
        assert "dbusers.operation.attempts" not in attributes(span)


async def test_a_closed_client_ends_its_spans(server: RawServer, recorded: Recorded) -> None:
    server.plays(silence())

    async with opened(server, **recorded.hooks) as client:
        call = asyncio.create_task(get(client))
        await server.arrived.wait()
        await client.aclose()
        with pytest.raises(ConfigurationError):
            await call

    (operation,), (attempt,) = recorded.operations, recorded.attempts
    assert attributes(operation)["error.type"] == "dbusers.errors.ConfigurationError"
    assert attributes(attempt)["error.type"] == "asyncio.exceptions.CancelledError"


async def test_a_call_that_must_not_wait_has_no_attempt_and_no_status(
    server: RawServer, recorded: Recorded
) -> None:
    server.plays(answer(200, USER))

    async with with_budget(1, server, recorded) as client:
        await get(client)
        with pytest.raises(RateLimited):
            await get(client, RateLimitOption(max_wait=0))

    refused = attributes(recorded.operations[-1])
    assert len(recorded.attempts) == 1
    assert refused["error.type"] == "dbusers.errors.RateLimited"
    assert refused["dbusers.operation.attempts"] == 0
    assert "http.response.status_code" not in refused


async def test_a_429_that_is_outwaited_is_an_attempt_among_others(recorded: Recorded) -> None:
    clock = ManualClock()
    async with Sandbox(limits=False, clock=clock) as sandbox:
        sandbox.inject(Fault("/v2/databases", status=429, headers={"retry-after": "7"}))
        async with sandbox.digitalocean(clock=clock, **recorded.hooks) as client:
            await client.databases.get()

    assert [attributes(span)["http.response.status_code"] for span in recorded.attempts] == [
        429,
        200,
    ]
    assert attributes(recorded.operations[0])["dbusers.operation.retries"] == ("429",)


async def test_other_hooks_answers_and_errors_pass_unchanged(
    server: RawServer, recorded: Recorded
) -> None:
    async def refuse(request: RequestInformation, handler: Handler) -> Response:
        raise PermissionError("app-01 must not")

    async with opened(
        server,
        operation_middleware=[recorded.telemetry.operation],
        middleware=[recorded.telemetry.attempt, refuse],
    ) as client:
        with pytest.raises(PermissionError, match="app-01 must not"):
            await get(client)

    assert [attributes(span)["error.type"] for span in recorded.spans] == [
        "builtins.PermissionError"
    ] * 2
