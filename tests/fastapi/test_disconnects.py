"""A client that goes away ends what is done for it, where that is safe."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import pytest
from fastapi import BackgroundTasks, FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dbusers import DigitalOceanClient
from dbusers.fastapi import CancelOnDisconnect, DigitalOcean, lifespan
from tests.fastapi.serving import PATIENCE, asked, connected, served
from tests.raw_server import Exchange, RawServer, answer, silence

GONE: Message = {"type": "http.disconnect"}
GET = {"type": "http", "method": "GET"}
POST = {"type": "http", "method": "POST"}


def an_app(server: RawServer, **middleware: Any) -> FastAPI:
    make = lambda: DigitalOceanClient("a-token", base_url=server.url)  # noqa: E731
    app = FastAPI(lifespan=lifespan(make))
    app.add_middleware(CancelOnDisconnect, **middleware)

    @app.get("/read")
    @app.post("/write")
    async def call(client: DigitalOcean) -> str:
        user = await client.databases.by_id("c-1").users.by_username("app").get()
        app.state.ended.set()
        return user.name

    app.state.ended = asyncio.Event()
    return app


async def soon(happening: Awaitable[Any]) -> None:
    await asyncio.wait_for(happening, PATIENCE)


async def test_the_call_to_the_provider_ends_with_the_client(
    server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server.plays(silence())
    app = an_app(server)

    async with served(app) as url:
        async with connected(url, "/read"):
            await soon(server.arrived.wait())
        await soon(server.left.wait())

    assert not app.state.ended.is_set()
    assert len(server.requests) == 1
    said = [each.getMessage() for each in caplog.records if each.name == "dbusers.fastapi"]
    assert said == ["GET: the client has gone, and its request is cancelled"]
    assert not [each for each in caplog.records if each.levelno > logging.INFO]


async def test_the_next_request_is_served_as_ever(server: RawServer) -> None:
    server.plays(silence(), answer(200, {"user": {"name": "app"}}))

    async with served(an_app(server)) as url:
        async with connected(url, "/read"):
            await soon(server.arrived.wait())
        await soon(server.left.wait())
        async with connected(url, "/read") as reader:
            assert b"200 OK" in await asyncio.wait_for(reader.readline(), PATIENCE)


async def test_a_middleware_that_hides_the_going_is_no_hindrance(server: RawServer) -> None:
    server.plays(silence())
    app = FastAPI(lifespan=lifespan(lambda: DigitalOceanClient("t", base_url=server.url)))

    @app.middleware("http")
    async def hiding(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        return await call(request)

    @app.get("/read")
    async def read(client: DigitalOcean) -> None:
        await client.databases.get()

    app.add_middleware(CancelOnDisconnect)
    async with served(app) as url:
        async with connected(url, "/read"):
            await soon(server.arrived.wait())
        await soon(server.left.wait())


async def test_what_changes_something_goes_on_to_its_end(server: RawServer) -> None:
    may_answer = asyncio.Event()

    async def late(exchange: Exchange) -> None:
        await may_answer.wait()
        await answer(200, {"user": {"name": "app"}})(exchange)

    server.plays(late)
    app = an_app(server)
    arriving: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if arriving:
            return arriving.pop()
        return GONE

    async def send(_: Message) -> None: ...

    scope = {"type": "http", "method": "POST", "path": "/write", "headers": [], "query_string": b""}
    async with app.router.lifespan_context(app):
        serving = asyncio.create_task(app(scope, receive, send))
        await soon(server.arrived.wait())
        await asyncio.sleep(0)
        may_answer.set()
        await soon(serving)

    assert app.state.ended.is_set()


async def test_other_methods_are_cancelled_on_demand(server: RawServer) -> None:
    server.plays(silence())

    async with served(an_app(server, methods={"POST"})) as url:
        async with connected(url, "/write", "POST"):
            await soon(server.arrived.wait())
        await soon(server.left.wait())


async def test_a_stream_ends_with_the_client() -> None:
    app = FastAPI()
    cleaned_up = asyncio.Event()

    async def lines() -> AsyncIterator[bytes]:
        try:
            yield b"first\n"
            await asyncio.Event().wait()
        finally:
            cleaned_up.set()

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(lines())

    app.add_middleware(CancelOnDisconnect)
    async with served(app) as url:
        async with connected(url, "/stream") as reader:
            await asyncio.wait_for(reader.readuntil(b"first"), PATIENCE)
        await soon(cleaned_up.wait())


async def test_background_tasks_outlive_the_answer(server: RawServer) -> None:
    app = an_app(server)
    done = asyncio.Event()

    async def later() -> None:
        await asyncio.sleep(0)
        done.set()

    @app.get("/background")
    async def background(tasks: BackgroundTasks) -> None:
        tasks.add_task(later)

    async with served(app) as url:
        async with connected(url, "/background") as reader:
            await asyncio.wait_for(reader.readline(), PATIENCE)
        await soon(done.wait())


# Against ASGI itself


class Script:
    """A server's side of one request: its messages, and what the app sends."""

    def __init__(self, *messages: Message, then: Message | Exception | None = None) -> None:
        self.messages = list(messages)
        self.then = then
        self.read = 0
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        self.read += 1
        if self.messages:
            return self.messages.pop(0)
        if isinstance(self.then, Exception):
            raise self.then
        if self.then is None:
            await asyncio.Event().wait()
        assert self.then is not None
        return self.then

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def serves(self, app: ASGIApp, scope: Scope, **middleware: Any) -> None:
        await soon(CancelOnDisconnect(app, **middleware)(scope, self.receive, self.send))


def part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def forever(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.Event().wait()


async def test_an_endpoint_that_never_reads_is_cancelled() -> None:
    await Script(part(b"", more=False), then=GONE).serves(forever, GET)


async def test_an_endpoint_that_reads_sees_all_there_is() -> None:
    seen: list[Message] = []

    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(5):
            seen.append(await receive())

    parts = [part(b"1", more=True), part(b"2", more=True), part(b"3", more=False)]
    await Script(*parts, then=GONE).serves(reading, POST, methods={"POST"})

    assert seen == [*parts, GONE, GONE]


async def test_a_defect_that_the_cancellation_brings_to_light_is_not_hidden() -> None:
    async def careless(scope: Scope, receive: Receive, send: Send) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails_at_the_end(anyio.BrokenResourceError()))
            group.create_task(fails_at_the_end(ValueError("a defect")))

    async def fails_at_the_end(failure: Exception) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise failure

    with pytest.raises(ExceptionGroup) as caught:
        await Script(then=GONE).serves(careless, GET)
    assert caught.value.subgroup(ValueError)


async def test_an_endpoint_may_clean_up_in_peace() -> None:
    cleaned_up = False

    async def careful(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal cleaned_up
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(3):
                await asyncio.sleep(0)
            cleaned_up = True

    await Script(then=GONE).serves(careful, GET)

    assert cleaned_up


async def test_a_body_is_read_no_faster_than_the_app_takes_it() -> None:
    script = Script(*(part(b"x", more=True) for _ in range(100)))

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        for taken in range(10):
            for _ in range(20):
                await asyncio.sleep(0)
            assert script.read <= taken + 2
            await receive()

    await script.serves(slow, POST, methods={"POST"})


async def test_what_the_server_fails_with_reaches_the_app() -> None:
    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        with pytest.raises(RuntimeError, match="broken"):
            await receive()

    await Script(part(b"", more=False), then=RuntimeError("broken")).serves(reading, GET)


async def test_a_failure_that_nobody_asks_for_is_not_complained_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def deaf(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    await Script(then=RuntimeError("broken")).serves(deaf, GET)

    assert caplog.records == []


@pytest.mark.parametrize(
    "last",
    [
        {"type": "http.response.body", "body": b"", "more_body": False},
        {"type": "http.response.body"},
        {"type": "http.response.pathsend", "path": "/a/file"},
    ],
)
async def test_after_the_answer_nothing_is_cancelled(last: Message) -> None:
    ended = False

    async def answers(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal ended
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send(last)
        assert await receive() == GONE
        await asyncio.sleep(0)
        ended = True

    await Script(then=GONE).serves(answers, GET)

    assert ended


async def test_in_the_middle_of_an_answer_it_is_cancelled() -> None:
    async def answers(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"1", "more_body": True})
        await forever(scope, receive, send)

    script = Script(part(b"", more=False), then=GONE)
    await script.serves(answers, GET)

    assert len(script.sent) == 2


async def test_a_cancellation_from_outside_is_not_swallowed() -> None:
    script = Script(part(b"", more=False))
    serving = asyncio.create_task(script.serves(forever, GET))
    async with asyncio.timeout(PATIENCE):
        while not script.read:  # noqa: ASYNC110  (it is the loop itself that is waited for)
            await asyncio.sleep(0)

    serving.cancel()

    with pytest.raises(asyncio.CancelledError):
        await serving


async def test_a_timeout_of_the_app_is_the_apps() -> None:
    async def times_out(scope: Scope, receive: Receive, send: Send) -> None:
        raise TimeoutError("the app's")

    with pytest.raises(TimeoutError, match="the app's"):
        await Script(part(b"", more=False)).serves(times_out, GET)


async def test_no_task_is_left() -> None:
    before = asyncio.all_tasks()

    async def at_once(scope: Scope, receive: Receive, send: Send) -> None: ...

    await Script().serves(at_once, GET)
    await Script(then=GONE).serves(forever, GET)

    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("scope", [POST, {"type": "websocket"}, {"type": "lifespan"}])
async def test_what_is_not_asked_for_passes_untouched(scope: Scope) -> None:
    passed: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.extend([receive, send])

    script = Script()
    await script.serves(app, scope)

    assert passed == [script.receive, script.send]


async def test_an_answer_is_what_it_would_be_without(server: RawServer) -> None:
    server.plays(answer(200, {"user": {"name": "app"}}))

    async with asked(an_app(server)) as browser:
        assert (await browser.get("/read")).json() == "app"
