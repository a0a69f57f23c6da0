"""A server that speaks bytes: it records each request as it came and does what its script says.

An HTTP library would hide what these tests are about: the request line as it was written, how many
requests arrived on how many connections, and connections that end where they should not.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

import orjson
from attrs import define, frozen

# SO_LINGER with a timeout of zero: closing sends a reset instead of a regular end.
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


@frozen
class Received:
    """One request as it arrived; `line` is the request line, `connection` counts from 0."""

    line: bytes
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def method(self) -> str:
        return self.line.split(b" ")[0].decode()

    @property
    def target(self) -> bytes:
        return self.line.split(b" ")[1]


@define
class Exchange:
    """One request and the connection to answer it on."""

    received: Received | None
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def write(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    async def end(self) -> None:
        self.writer.close()

    async def reset(self) -> None:
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.writer.transport.abort()


Step = Callable[[Exchange], Awaitable[None]]


class BeforeReading:
    """Wraps a step that acts as soon as a connection is there, with nothing read from it."""

    def __init__(self, step: Step) -> None:
        self.step = step


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Some Reason", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def answer(status: int = 200, body: Any = b"", headers: Mapping[str, str] | None = None) -> Step:
    """Answer; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    sent = {"Content-Type": "application/json", **(headers or {})}
    if status != 204:
        sent["Content-Length"] = str(len(content))

    async def step(exchange: Exchange) -> None:
        await exchange.write(head(status, sent) + content)

    return step


def raw(content: bytes) -> Step:
    """Send just these bytes and end the connection."""

    async def step(exchange: Exchange) -> None:
        await exchange.write(content)
        await exchange.end()

    return step


def truncated(body: bytes, missing: int = 10) -> Step:
    """Promise more than is sent, then end the connection."""
    return raw(head(200, {"Content-Length": str(len(body) + missing)}) + body)


async def reset(exchange: Exchange) -> None:
    """Reset the connection without an answer."""
    await exchange.reset()


async def end(exchange: Exchange) -> None:
    """End the connection without an answer, as a server does with one that was idle too long."""
    await exchange.end()


def silence(after: bytes = b"") -> Step:
    """Send no more than these bytes, and wait until the client ends the connection."""

    async def step(exchange: Exchange) -> None:
        await exchange.write(after)
        await exchange.reader.read()
        await exchange.end()

    return step


class RawServer:
    """Serves `script`, one step for each request; the last one serves all that follow.

    `arrived` is set whenever a request is complete and `left` when a connection is over, so that a
    test need not guess when to act.
    """

    def __init__(self) -> None:
        self.script: list[Step | BeforeReading] = [answer(200, {})]
        self.requests: list[Received] = []
        self.connections = 0
        self.arrived = asyncio.Event()
        self.left = asyncio.Event()
        self.url = ""
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    def plays(self, *script: Step | BeforeReading) -> None:
        """Play this from now on."""
        self.script = list(script)

    def refuse_connections(self) -> None:
        """Listen no more; connections that are there stay."""
        assert self._server is not None
        self._server.close()

    @property
    def lines(self) -> list[bytes]:
        return [request.line for request in self.requests]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def open_connections(self) -> int:
        """How many connections the clients have not ended."""
        return len(self._serving)

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """The server's own tasks, which are no client's."""
        return set(self._serving)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self.connections = self.connections, self.connections + 1
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            while await self._serve(reader, writer, number):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has gone, or the test is over: both end the connection below
        finally:
            self._serving.discard(task)
            writer.close()
            self.left.set()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> bool:
        if isinstance(self.script[0], BeforeReading):
            await self._next_step()(Exchange(None, reader, writer))
            return False
        request = await self._read(reader, number)
        self.requests.append(request)
        self.arrived.set()
        await self._next_step()(Exchange(request, reader, writer))
        return not writer.is_closing()

    def _next_step(self) -> Step:
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return step.step if isinstance(step, BeforeReading) else step

    async def _read(self, reader: asyncio.StreamReader, number: int) -> Received:
        whole = await reader.readuntil(b"\r\n\r\n")
        line, *rest = whole[:-4].split(b"\r\n")
        headers = {}
        for header in rest:
            name, _, value = header.decode("latin-1").partition(": ")
            headers[name.lower()] = value
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Received(line, headers, body, number)
