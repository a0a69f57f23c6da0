"""A server that answers every request with the same bytes, and does next to nothing else.

It runs in a process of its own, so that its CPU time is not the client's.
"""

import asyncio
import sys

USER = (
    b'{"user":{"name":"app-01","role":"normal","password":"jge5lfxtzhx42iff",'
    b'"mysql_settings":{"auth_plugin":"caching_sha2_password"}}}'
)
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nratelimit-limit: 5000\r\n"
    b"ratelimit-remaining: 4816\r\nratelimit-reset: 1795298546\r\n"
    b"x-request-id: 515850a0-a812-50bf-aa3c-d0d21d287e40\r\nContent-Length: %d\r\n\r\n"
)
ANSWER = HEAD % len(USER) + USER


class Static(asyncio.Protocol):
    """Counts the blank lines that end requests without a body, and answers each."""

    transport: asyncio.Transport
    tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self.tail = (self.tail + data).split(b"\r\n\r\n")
        self.transport.write(ANSWER * len(requests))


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Static, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
