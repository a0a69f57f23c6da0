"""Ends the serving of a request whose client has gone.

By itself a server goes on to the end: the endpoint would have to ask whether somebody still waits.
This is written against ASGI itself, for Starlette's `BaseHTTPMiddleware`, which `@app.middleware`
makes, hides from what is inside that the client has gone: put this one outside of those, which is
to say add it after them.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Final

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READING: Final = frozenset({"GET", "HEAD"})
LAST: Final = frozenset({"http.response.body", "http.response.pathsend"})  # of an answer
# What a cancellation is for who is cancelled, and for the app's other tasks that write to its own:
# FastAPI's event streams raise it where they are left between two events.
OF_THE_GOING: Final = (TimeoutError, anyio.BrokenResourceError)
GONE: Final[Message] = {"type": "http.disconnect"}

_logger: Final = logging.getLogger("dbusers.fastapi")


class CancelOnDisconnect:
    """Middleware: a client that goes cancels what is done for its request, calls of the SDK too.

        app.add_middleware(CancelOnDisconnect)

    `methods` are those of the requests that are cancelled: GET and HEAD, unless others are given.
    To end an endpoint that changes things in the middle, between a new password and its place in a
    vault, say, loses more than it saves: it has the request's deadline to end. What runs after the
    answer (background tasks) is not touched. Clean up with `finally`, as for any cancellation.
    """

    def __init__(self, app: ASGIApp, *, methods: Collection[str] = READING) -> None:
        self._app = app
        self._methods = frozenset(methods)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http" or scope["method"] not in self._methods:
            await self._app(scope, receive, send)
            return
        # A timeout without an end is the standard library's way for a task to be cancelled from
        # within the program, and to tell this from every other cancellation.
        until_gone = asyncio.timeout(None)
        try:
            async with until_gone:
                client = _Client(receive, send, lambda: until_gone.reschedule(0))
                try:
                    await self._app(scope, client.receive, client.send)
                finally:
                    await client.stop_listening()
        except (*OF_THE_GOING, ExceptionGroup) as failure:
            if not until_gone.expired() or not _is_of_the_going(failure):
                raise
            _logger.info("%s: the client has gone, and its request is cancelled", scope["method"])


def _is_of_the_going(failure: Exception) -> bool:
    if isinstance(failure, ExceptionGroup):
        return failure.split(OF_THE_GOING)[1] is None
    return True


class _Client:
    """The two ways of one request, and an ear for the client's going.

    To hear it, messages are read before the app asks for them: one ahead, no more, so that a large
    body is still not taken in faster than the app reads it.
    """

    def __init__(self, receive: Receive, send: Send, on_leaving: Callable[[], None]) -> None:
        self._receive = receive
        self._send = send
        self._on_leaving = on_leaving
        self._answered = False
        self._ahead: asyncio.Queue[Message] = asyncio.Queue(maxsize=1)
        self._news = asyncio.Event()
        self._listening = asyncio.create_task(self._listen())
        self._listening.add_done_callback(lambda _: self._news.set())

    async def receive(self) -> Message:
        """Return the next message, as ASGI's `receive` does."""
        while self._ahead.empty():
            if self._listening.done():
                self._listening.result()  # raises what the server did, if it did
                return GONE
            self._news.clear()
            await self._news.wait()
        return self._ahead.get_nowait()

    async def send(self, message: Message) -> None:
        """Pass on a message of the app, as ASGI's `send` does."""
        if message["type"] in LAST and not message.get("more_body", False):
            self._answered = True  # from now on a server says that the client has gone, in any case
        await self._send(message)

    async def stop_listening(self) -> None:
        """Leave the server's messages alone."""
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self) -> None:
        while (message := await self._receive())["type"] != "http.disconnect":
            await self._ahead.put(message)
            self._news.set()
        if not self._answered:
            self._on_leaving()
