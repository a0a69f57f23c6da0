"""A server that answers every request for the same path with the same bytes, and does little else.

It runs in a process of its own, so that its CPU time is not the client's.
"""

import asyncio
import sys
from typing import Final

import orjson

USER: Final = {
    "name": "app-01",
    "role": "normal",
    "password": "jge5lfxtzhx42iff",
    "mysql_settings": {"auth_plugin": "caching_sha2_password"},
}
HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nratelimit-limit: 5000\r\n"
    b"ratelimit-remaining: 4816\r\nratelimit-reset: 1795298546\r\n"
    b"x-request-id: 515850a0-a812-50bf-aa3c-d0d21d287e40\r\nContent-Length: %d\r\n\r\n"
)


def answer(document: object) -> bytes:
    """Return the whole answer with `document` in it."""
    body = orjson.dumps(document)
    return HEAD % len(body) + body


ONE: Final = answer({"user": USER})
TEN: Final = answer({"users": [{**USER, "name": f"app-{number:02}"} for number in range(10)]})


class Static(asyncio.Protocol):
    """Answers the heads of requests that have no body."""

    transport: asyncio.Transport
    tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        *heads, self.tail = (self.tail + data).split(b"\r\n\r\n")
        answers = [TEN if head.split(b" ", 2)[1].endswith(b"/users") else ONE for head in heads]
        self.transport.write(b"".join(answers))


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Static, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
