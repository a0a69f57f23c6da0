"""What an app answers when a call of the SDK fails: in its own words, and about its own caller."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from fastapi.requests import HTTPConnection
from starlette.types import Message

from dbusers import DbusersError, DigitalOceanClient, NotFound, RetryOption, TimeoutOption
from dbusers.fastapi import DigitalOcean, lifespan, problem_response
from tests.fastapi.serving import asked
from tests.raw_server import RawServer, answer, reset, silence

ONCE = RetryOption(max_retries=0)
TOKEN = "canary-token-of-the-backend"
REFUSAL = {"id": "canary-id", "message": "canary-message at canary-host.internal"}
MEMBERS = {"type", "title", "status", "detail", "retryable"}


def an_app(**client: Any) -> FastAPI:
    wiring: dict[str, Any] = {"token": TOKEN, "options": [ONCE], "rate_limit": None} | client
    app = FastAPI(
        lifespan=lifespan(lambda: DigitalOceanClient(**wiring)),
        exception_handlers={DbusersError: problem_response},
    )

    @app.get("/users/{name}")
    async def read(name: str, client: DigitalOcean) -> str:
        return (await client.databases.by_id("c-1").users.by_username(name).get()).name

    @app.get("/closed")
    async def closed(client: DigitalOcean) -> None:
        await client.aclose()
        await client.databases.get()

    return app


@asynccontextmanager
async def backend(server: RawServer, **client: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with asked(an_app(**({"base_url": server.url} | client))) as browser:
        yield browser


@pytest.mark.parametrize(
    ("upstream", "answered", "title"),
    [
        (400, 422, "Unprocessable Content"),
        (401, 502, "Bad Gateway"),
        (402, 502, "Bad Gateway"),
        (403, 502, "Bad Gateway"),
        (404, 404, "Not Found"),
        (409, 409, "Conflict"),
        (412, 409, "Conflict"),
        (418, 502, "Bad Gateway"),
        (422, 422, "Unprocessable Content"),
        (429, 503, "Service Unavailable"),
        (500, 502, "Bad Gateway"),
        (502, 502, "Bad Gateway"),
        (503, 503, "Service Unavailable"),
        (504, 502, "Bad Gateway"),
        (302, 502, "Bad Gateway"),
    ],
)
async def test_a_refusal_becomes_an_answer_of_our_own(
    server: RawServer, upstream: int, answered: int, title: str
) -> None:
    server.plays(answer(upstream, REFUSAL, {"X-Request-Id": "req-7", "Location": "/"}))

    async with backend(server) as browser:
        got = await browser.get("/users/app")

    problem = got.json()
    assert (got.status_code, problem["status"], problem["title"]) == (answered, answered, title)
    assert got.headers["content-type"] == "application/problem+json"
    assert got.headers["cache-control"] == "no-store"
    assert problem["type"] == "about:blank"
    assert problem["upstream_request_id"] == "req-7"
    assert set(problem) == {*MEMBERS, "upstream_request_id"}
    whole = f"{got.text} {got.headers}"
    assert "canary" not in whole
    assert server.url.removeprefix("http://") not in whole


@pytest.mark.parametrize(
    ("status", "headers", "passed_on"),
    [
        (429, {"Retry-After": "7"}, "7"),
        (429, {"Retry-After": "0.2"}, "1"),
        (429, {"Retry-After": "6.01"}, "7"),
        (429, {"Retry-After": "0"}, "1"),
        (429, {"Retry-After": "soon\tcanary"}, None),
        (429, {}, None),
        (503, {"Retry-After": "120"}, "120"),
        (503, {}, None),
        (500, {"Retry-After": "7"}, None),
        (401, {"Retry-After": "7"}, None),
    ],
)
async def test_retry_after_is_passed_on_with_503(
    server: RawServer, status: int, headers: dict[str, str], passed_on: str | None
) -> None:
    server.plays(answer(status, REFUSAL, headers))

    async with backend(server) as browser:
        got = await browser.get("/users/app")

    assert got.headers.get("retry-after") == passed_on


async def test_no_answer_is_a_bad_gateway(server: RawServer, refused_url: str) -> None:
    server.plays(reset)
    async with backend(server) as browser:
        was_reset = await browser.get("/users/app")
    async with backend(server, base_url=refused_url) as browser:
        refused = await browser.get("/users/app")

    for got in (was_reset, refused):
        assert (got.status_code, got.json()["retryable"]) == (502, True)
        assert "127.0.0.1" not in got.text
        assert set(got.json()) == MEMBERS


async def test_a_late_answer_is_a_gateway_timeout(server: RawServer) -> None:
    server.plays(silence())

    async with backend(server, options=[ONCE, TimeoutOption(attempt=0.05)]) as browser:
        got = await browser.get("/users/app")

    assert (got.status_code, got.json()["title"]) == (504, "Gateway Timeout")


async def test_an_answer_that_cannot_be_read_is_a_bad_gateway(server: RawServer) -> None:
    server.plays(answer(200, {"user": {"name": ["canary"]}}))

    async with backend(server) as browser:
        got = await browser.get("/users/app")

    assert got.status_code == 502
    assert "canary" not in got.text


async def test_what_the_sdk_refuses_by_itself_is_the_callers_fault(server: RawServer) -> None:
    async with backend(server) as browser:
        got = await browser.get("/users/%2E%2E")

    assert got.status_code == 422
    assert server.requests == []


async def test_a_backend_that_is_set_up_wrongly_says_no_more_than_that(
    server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with backend(server) as browser:
        got = await browser.get("/closed")

    assert (got.status_code, got.json()["title"]) == (500, "Internal Server Error")
    assert "closed" not in got.text
    (record,) = (each for each in caplog.records if each.name == "dbusers.fastapi")
    assert record.levelname == "ERROR"
    assert record.exc_info


@pytest.mark.parametrize(
    ("status", "level"), [(404, "INFO"), (422, "INFO"), (401, "WARNING"), (429, "WARNING")]
)
async def test_a_failure_is_logged_once_with_what_the_caller_is_not_told(
    server: RawServer, status: int, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dbusers.fastapi")
    server.plays(answer(status, {"id": "an-id", "message": "because"}, {"X-Request-Id": "req-7"}))

    async with backend(server, options=[RetryOption(max_retries=1, base_delay=0)]) as browser:
        await browser.get("/users/somebody")

    (record,) = (each for each in caplog.records if each.name == "dbusers.fastapi")
    said = record.getMessage()
    assert record.levelname == level
    assert said.startswith("GET /users/{name} answered with ")
    assert "because (upstream request id req-7, attempts" in said
    assert "somebody" not in said
    assert TOKEN not in said


async def test_a_token_that_the_provider_quotes_is_in_neither_answer_nor_log(
    server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    quoting = {"message": f"bad token {TOKEN}", "request_id": TOKEN}
    server.plays(answer(401, quoting, {"X-Request-Id": TOKEN}))

    async with backend(server) as browser:
        got = await browser.get("/users/app")

    assert TOKEN not in got.text
    assert TOKEN not in caplog.text


async def test_of_several_failures_the_first_is_answered(server: RawServer) -> None:
    app = an_app(base_url=server.url)
    app.add_exception_handler(ExceptionGroup, problem_response)

    @app.get("/side-by-side")
    async def side_by_side(client: DigitalOcean) -> None:
        users = client.databases.by_id("c-1").users
        async with asyncio.TaskGroup() as outer, asyncio.TaskGroup() as inner:
            for group in (outer, inner, inner):
                group.create_task(users.by_username("app").get())

    server.plays(answer(404, REFUSAL))
    async with asked(app) as browser:
        got = await browser.get("/side-by-side")

    assert got.status_code == 404
    assert "canary" not in got.text


async def test_failures_that_have_a_defect_among_them_are_not_answered() -> None:
    failures = ExceptionGroup("two", [NotFound("no user", status=404), ValueError("a defect")])

    with pytest.raises(ExceptionGroup) as caught:
        await problem_response(HTTPConnection({"type": "http"}), failures)
    assert caught.value is failures


@pytest.mark.parametrize("odd", ["<script>", "a b", "x" * 129, "königlich", "{}"])
async def test_a_request_id_that_is_none_is_left_out(server: RawServer, odd: str) -> None:
    server.plays(answer(404, {"message": "no", "request_id": odd}))

    async with backend(server) as browser:
        got = await browser.get("/users/app")

    assert set(got.json()) == MEMBERS


@pytest.mark.parametrize(("upstream", "code"), [(503, 1013), (404, 1011)])
async def test_a_websocket_that_is_open_is_closed(
    server: RawServer, upstream: int, code: int
) -> None:
    server.plays(answer(upstream, REFUSAL))
    app = an_app(base_url=server.url, options=[ONCE])

    @app.websocket("/socket")
    async def socket(socket: WebSocket, client: DigitalOcean) -> None:
        await socket.accept()
        await client.databases.get()

    sent = await said_to_a_websocket(app)

    assert [each["type"] for each in sent] == ["websocket.accept", "websocket.close"]
    assert sent[1]["code"] == code


async def test_a_websocket_that_is_not_open_yet_is_answered(server: RawServer) -> None:
    server.plays(answer(404, REFUSAL))
    app = an_app(base_url=server.url)

    @app.websocket("/socket")
    async def socket(socket: WebSocket, client: DigitalOcean) -> None:
        await client.databases.get()

    sent = await said_to_a_websocket(app)

    assert (sent[0]["type"], sent[0]["status"]) == ("websocket.http.response.start", 404)


async def said_to_a_websocket(app: FastAPI) -> list[Message]:
    """Connect to the app's, and return what the server is to send."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/socket", "query_string": b"", "headers": []}
    async with app.router.lifespan_context(app):
        await app(scope, receive, send)
    return sent
