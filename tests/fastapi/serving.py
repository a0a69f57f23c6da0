"""Apps as tests reach them: without a socket, on a real one, and as a client that goes away."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import httpx
import uvicorn
from fastapi import FastAPI

PATIENCE: Final = 10  # seconds; for what happens at once, on a machine that is busy


class Server(uvicorn.Server):
    """A server that leaves signals to the test run, which Ctrl-C and SIGTERM are to end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def asked(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Live the app's lifespan, and ask it without a socket."""
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as browser,
    ):
        yield browser


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """Serve the app by uvicorn, on a port of its own, at the URL that is returned."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            app, lifespan="on", log_config=None, ws="none", timeout_graceful_shutdown=1
        )
        server = Server(config)
        # Who connects before it has started waits in the socket's queue.
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def connected(
    url: str, path: str, method: str = "GET"
) -> AsyncIterator[asyncio.StreamReader]:
    """Ask, and leave at the end without having waited for the answer."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode()
    )
    try:
        yield reader
    finally:
        writer.close()
        await writer.wait_closed()
