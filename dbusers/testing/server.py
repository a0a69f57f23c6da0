"""The sandbox on a socket: requests are read raw, recorded, spoilt by faults, and answered.

The two APIs behind it are plain functions from a request to an answer; everything that knows
aiohttp is here.
"""

import asyncio
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from typing import Protocol

from aiohttp import web
from attrs import evolve

from dbusers.testing.faults import Fault, FaultDoesNotFit, FaultScript
from dbusers.testing.wire import Answer, RecordedRequest

# SO_LINGER, on, with a timeout of zero: closing sends a reset instead of a regular end.
_RESET_ON_CLOSE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
_SECONDS_TO_CLOSE = 0.1  # what is then still running waits in a fault's delay; it is cancelled


class API(Protocol):
    """One provider's API, without a socket."""

    origin: str

    def answer(self, request: RecordedRequest) -> Answer:
        """Process the request."""

    def scripted(self, request: RecordedRequest, status: int) -> Answer:
        """Return the provider's answer of this status, without processing anything."""


class Server:
    """Serves both APIs on one port."""

    def __init__(
        self,
        digitalocean: API,
        scalingo: API,
        *,
        clock: Callable[[], float],
        record: bool,
    ) -> None:
        self._digitalocean = digitalocean
        self._scalingo = scalingo
        self._clock = clock
        self._record = record
        self._runner: web.ServerRunner | None = None
        self._listener: asyncio.Server | None = None
        self.faults: FaultScript = FaultScript()
        self.requests: list[RecordedRequest] = []
        self.url: str = ""

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 picks a free one. Raises `OSError` when the address cannot be had."""
        if self._runner is not None:
            raise RuntimeError("the sandbox is already running")
        protocols = web.Server(self._handle, access_log=None)
        runner = web.ServerRunner(protocols, shutdown_timeout=_SECONDS_TO_CLOSE)
        await runner.setup()
        try:
            loop = asyncio.get_running_loop()
            self._listener = await loop.create_server(protocols, host, port)
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        bound_port = self._listener.sockets[0].getsockname()[1]
        shown_host = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown_host}:{bound_port}"
        self._digitalocean.origin = self._scalingo.origin = self.url

    async def aclose(self) -> None:
        """Stop listening and end every connection; does nothing when not running."""
        runner, self._runner = self._runner, None
        listener, self._listener = self._listener, None
        self.url = ""
        if listener is not None and runner is not None:
            await _stop_listening(listener)
            await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await _body_of(request)
        path, _, _ = request.raw_path.partition("?")
        received = RecordedRequest(
            request.method, path, dict(request.query), request.headers, body or b"", self._clock()
        )
        if self._record:
            self.requests.append(received)
        if body is None:
            answer = Answer.text(413, "the request body is too large\n")
        elif (fault := self.faults.next_for(received)) is not None:
            return await self._handle_with_fault(request, received, fault)
        else:
            answer = self._api_for(path).answer(received)
        received.status = answer.status
        return _response(self._dated(answer))

    async def _handle_with_fault(
        self, request: web.BaseRequest, received: RecordedRequest, fault: Fault
    ) -> web.StreamResponse:
        await asyncio.sleep(fault.delay)
        if fault.cut == "before":
            _reset(request)
            return web.Response()
        api = self._api_for(received.path)
        answer = (
            api.answer(received) if fault.status is None else api.scripted(received, fault.status)
        )
        try:
            answer = fault.spoil(answer)
        except FaultDoesNotFit as misfit:
            answer = Answer.text(500, f"{misfit}\n")
        received.status = answer.status
        answer = self._dated(answer)
        if fault.cut == "after":
            _reset(request)
        elif fault.cut is not None:
            sent = len(answer.content) // 2 if fault.cut == "body" else 0
            _end_early(request, answer, sent)
        return _response(answer)

    def _dated(self, answer: Answer) -> Answer:
        # By the clock that its other headers go by; the HTTP library would take the machine's.
        date = formatdate(self._clock(), usegmt=True)
        return evolve(answer, headers={"date": date, **answer.headers})

    def _api_for(self, path: str) -> API:
        is_scalingo = path.startswith(("/v1/", "/api/"))
        return self._scalingo if is_scalingo else self._digitalocean


async def _stop_listening(listener: asyncio.Server) -> None:
    """Stop listening once every connection that was accepted has reached its protocol.

    One still on its way would make Python 3.13 print a traceback:
    https://github.com/python/cpython/issues/109564
    """
    with suppress(NotImplementedError):  # Windows
        for listening in listener.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
    await asyncio.sleep(0)
    listener.close()


async def _body_of(request: web.BaseRequest) -> bytes | None:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        return None


def _response(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status,
        reason=answer.reason or None,
        body=answer.content or None,
        headers=answer.headers,
    )


def _reset(request: web.BaseRequest) -> None:
    """Break the connection, so that the other side sees a reset."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()


def _end_early(request: web.BaseRequest, answer: Answer, sent: int) -> None:
    """Send the head, promise the whole body, send a part of it and end the connection.

    With a reset the other side's system may drop what was not read yet, headers included; a
    regular end delivers exactly this much, and the length still gives it away.
    """
    transport = request.transport
    if transport is not None:
        promised = evolve(
            answer, headers={**answer.headers, "content-length": str(len(answer.content))}
        )
        head = [f"HTTP/1.1 {promised.status} {promised.reason}"]
        head += [f"{name}: {value}" for name, value in promised.headers.items()]
        raw_head = "\r\n".join([*head, "", ""]).encode()
        transport.write(raw_head + answer.content[:sent])
        transport.close()
