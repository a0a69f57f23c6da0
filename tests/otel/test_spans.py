"""Spans: one for each operation, one for each attempt in it."""

import asyncio
from urllib.parse import urlsplit

import attrs
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from dbusers import (
    ConfigurationError,
    RequestInformation,
    Response,
    RetryOption,
    ScalingoClient,
)
from dbusers.otel import Telemetry
from dbusers.request import Handler
from dbusers.testing import Fault, ManualClock, Sandbox
from tests.calls import get, opened
from tests.otel.conftest import USER, Recorded, attributes, with_budget
from tests.raw_server import RawServer, answer, end

READ = "GET /v2/databases/{database_cluster_uuid}/users/{username}"


def parent(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def number(span: ReadableSpan) -> int:
    assert span.context is not None
    found: int = span.context.span_id
    return found


async def test_an_operation_and_its_attempt_are_told_as_the_conventions_ask(
    server: RawServer, recorded: Recorded
) -> None:
    server.plays(answer(200, USER, {"x-request-id": "r-1"}))

    async with opened(server, **recorded.hooks) as client:
        await get(client)

    operation, attempt = recorded.spans
    told = {
        "http.request.method": "GET",
        "url.template": "/v2/databases/{database_cluster_uuid}/users/{username}",
        "server.address": "127.0.0.1",
        "server.port": urlsplit(server.url).port,
        "http.response.status_code": 200,
        "http.response.header.x-request-id": ("r-1",),
    }
    assert attributes(attempt) == told
    assert attributes(operation) == told | {"dbusers.operation.attempts": 1}
    assert [span.name for span in recorded.spans] == [READ, READ]
    assert (operation.kind, attempt.kind) == (SpanKind.INTERNAL, SpanKind.CLIENT)
    assert [span.status.status_code for span in recorded.spans] == [StatusCode.UNSET] * 2
    assert (parent(operation), parent(attempt)) == (None, number(operation))


async def test_spans_hang_on_the_one_that_the_program_has_open(
    server: RawServer, recorded: Recorded
) -> None:
    server.plays(answer(200, USER))

    async with opened(server, **recorded.hooks) as client:
        with recorded.tracer.start_as_current_span("rotate") as own:
            await get(client)
            await get(client)

    assert [parent(span) for span in recorded.operations] == [own.get_span_context().span_id] * 2
    assert [parent(span) for span in recorded.attempts] == [
        number(span) for span in recorded.operations
    ]


async def test_each_repetition_is_a_span_with_its_number(
    server: RawServer, recorded: Recorded
) -> None:
    server.plays(answer(503), end, answer(200, USER))

    async with opened(server, **recorded.hooks) as client:
        await get(client)

    (operation,) = recorded.operations
    assert [attributes(span).get("http.request.resend_count") for span in recorded.attempts] == [
        None,
        1,
        2,
    ]
    assert [attributes(span).get("http.response.status_code") for span in recorded.attempts] == [
        503,
        None,
        200,
    ]
    assert [attributes(span).get("error.type") for span in recorded.attempts] == [
        "503",
        "dbusers.errors.ConnectionFailed",
        None,
    ]
    assert {parent(span) for span in recorded.attempts} == {number(operation)}
    assert attributes(operation)["dbusers.operation.attempts"] == 3
    assert attributes(operation)["dbusers.operation.retries"] == ("503", "ConnectionFailed")
    assert "error.type" not in attributes(operation)


async def test_a_wait_for_the_budget_stands_at_the_attempt_that_waited(
    server: RawServer, recorded: Recorded
) -> None:
    server.plays(answer(200, USER))

    async with with_budget(1, server, recorded) as client:
        await get(client)
        await get(client)

    first, second = (attributes(span) for span in recorded.attempts)
    assert "dbusers.rate_limit.wait" not in first
    assert second["dbusers.rate_limit.wait"] == pytest.approx(60, abs=1)


async def test_calls_at_the_same_time_keep_their_spans_apart(recorded: Recorded) -> None:
    async with Sandbox(limits=False, databases=12) as sandbox:
        for status in (503, 500, 502):
            sandbox.inject(Fault("/v2/databases/*/users", status=status, times=3, after=status % 7))
        many = [RetryOption(max_retries=9)]
        keywords = {"clock": ManualClock(), "options": many, **recorded.hooks}
        async with sandbox.digitalocean(**keywords) as client:

            async def read(cluster: str) -> None:
                with recorded.tracer.start_as_current_span(cluster):
                    await client.databases.by_id(cluster).users.get()

            with_users = [c["id"] for c in sandbox.fleet.digitalocean if c["engine"] == "pg"]
            clusters = with_users * 10
            await asyncio.gather(*map(read, clusters))

    own = {number(span): span.name for span in recorded.spans if parent(span) is None}
    assert sorted(own[parent(span) or 0] for span in recorded.operations) == sorted(clusters)
    for operation in recorded.operations:
        below = [span for span in recorded.attempts if parent(span) == number(operation)]
        assert len(below) == attributes(operation)["dbusers.operation.attempts"]
        resends = [attributes(span).get("http.request.resend_count", 0) for span in below]
        assert resends == list(range(len(below)))
    assert len(recorded.attempts) == len(clusters) + 9


async def test_both_providers_requests_have_their_templates_for_names(recorded: Recorded) -> None:
    async with Sandbox(limits=False) as sandbox, sandbox.scalingo(**recorded.hooks) as client:
        found = next(d for d in await client.databases.get() if d.engine == "postgresql")
        await client.databases.by_id(found.id, app=found.app).users.get()

    names = {span.name for span in recorded.spans}
    assert "GET /api/databases/{db}/users" in names
    assert "GET /v1/apps/{app}/addons" in names
    assert not any("exchange" in name for name in names)  # bearers are fetched out of hooks' sight


async def test_further_pages_have_the_name_of_the_first(recorded: Recorded) -> None:
    async with (
        Sandbox(limits=False, page_size=2) as sandbox,
        sandbox.digitalocean(**recorded.hooks) as client,
    ):
        await client.databases.get()

    assert len(recorded.operations) > 2
    assert {span.name for span in recorded.spans} == {"GET /v2/databases"}


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/elsewhere/secret-id", "GET"),
        ("GET", "/v2/databases?page=2", "GET /v2/databases"),
        ("PURGE", "/v2/databases", "HTTP /v2/databases"),
    ],
)
async def test_a_name_has_only_what_is_known(
    server: RawServer, recorded: Recorded, method: str, path: str, name: str
) -> None:
    request = RequestInformation(method, "/v2/databases", raw_url=server.url + path)

    async with opened(server, **recorded.hooks) as client:
        await client.adapter.send(request)

    verb, _, template = name.partition(" ")
    assert [span.name for span in recorded.spans] == [name, name]
    for told in map(attributes, recorded.spans):
        assert told["http.request.method"] == verb.replace("HTTP", "_OTHER")
        assert told.get("url.template", "") == template


async def test_the_server_is_the_one_that_a_raw_url_names(
    server: RawServer, recorded: Recorded
) -> None:
    async with (
        RawServer() as other,
        ScalingoClient(
            database_token="a-token",
            database_api_url=server.url,
            api_url=other.url,
            auth_url=other.url,
            **recorded.hooks,
        ) as client,
    ):
        request = RequestInformation("GET", "/v1/apps", raw_url=f"{server.url}/api/databases/1")
        await client.adapter.send(attrs.evolve(request, base_url=other.url))

    assert len(server.requests) == 1
    assert {attributes(span)["server.port"] for span in recorded.spans} == {
        urlsplit(server.url).port
    }


async def test_a_request_takes_the_trace_along_only_when_asked_to(server: RawServer) -> None:
    recorded = Recorded(propagate=True)
    server.plays(answer(503), answer(200, USER))

    async with opened(server, **recorded.hooks) as client:
        await get(client)

    sent = [request.headers["traceparent"].rpartition("-")[0] for request in server.requests]
    assert sent == [
        f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}"
        for span in recorded.attempts
        if span.context
    ]
    recorded.shutdown()


async def test_by_itself_no_request_takes_the_trace_along(
    server: RawServer, recorded: Recorded
) -> None:
    server.plays(answer(200, USER))

    async with opened(server, **recorded.hooks) as client:
        await get(client)

    assert not {"traceparent", "tracestate", "baggage"} & set(server.requests[0].headers)


async def test_an_attempts_hook_in_the_place_of_an_operations_says_so(
    server: RawServer, recorded: Recorded
) -> None:
    async with opened(server, operation_middleware=[recorded.telemetry.attempt]) as client:
        with pytest.raises(ConfigurationError, match="`middleware`"):
            await get(client)
    assert server.connections == 0


async def test_without_a_provider_nothing_is_recorded_and_calls_go_on(server: RawServer) -> None:
    telemetry = Telemetry()
    server.plays(answer(503), answer(200, USER))

    async with opened(
        server, middleware=[telemetry.attempt], operation_middleware=[telemetry.operation]
    ) as client:
        assert (await get(client)).name == "app"


async def test_one_telemetry_serves_clients_of_both_providers(recorded: Recorded) -> None:
    async with (
        Sandbox(limits=False) as sandbox,
        sandbox.digitalocean(**recorded.hooks) as digitalocean,
        sandbox.scalingo(**recorded.hooks) as scalingo,
    ):
        await asyncio.gather(digitalocean.databases.get(), scalingo.apps.get())

    assert {span.name for span in recorded.operations} == {"GET /v2/databases", "GET /v1/apps"}


async def test_the_answer_of_a_hook_is_what_the_operation_tells(
    server: RawServer, recorded: Recorded
) -> None:
    async def change(request: RequestInformation, handler: Handler) -> Response:
        return attrs.evolve(await handler(request), status=200)

    server.plays(answer(404, USER))
    async with opened(
        server,
        operation_middleware=[recorded.telemetry.operation],
        middleware=[change, recorded.telemetry.attempt],
    ) as client:
        await get(client)

    (operation,), (attempt,) = recorded.operations, recorded.attempts
    assert attributes(attempt)["http.response.status_code"] == 404
    assert attributes(operation)["http.response.status_code"] == 200
