"""A company's network: a provider that has a name and TLS, and a proxy on the way to it."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Final, Self

import attrs
import pytest
import trustme
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.raw_server import Exchange, RawServer, answer, head

HOST: Final = "api.provider.test"
SCALINGO_HOSTS: Final = ("auth.provider.test", "app.provider.test", "db.provider.test")
PUNYCODE: Final = "xn--bcher-kva.test"
USER: Final = {"user": {"name": "app"}}
ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Tunnel:
    """A step of a raw server that makes it a proxy; all names are those of this machine to it.

    `seen` has the bytes that the client sent through it, as the proxy's owner could read them.
    """

    def __init__(self) -> None:
        self.seen = bytearray()

    async def __call__(self, exchange: Exchange) -> None:
        assert exchange.received is not None
        assert exchange.received.method == "CONNECT"
        port = int(exchange.received.target.rpartition(b":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await exchange.write(ESTABLISHED)
        await asyncio.gather(
            _pass_on(exchange.reader, writer, self.seen),
            _pass_on(reader, exchange.writer, bytearray()),
        )


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: bytearray
) -> None:
    try:
        while content := await reader.read(65536):
            seen += content
            writer.write(content)
            await writer.drain()
    except ConnectionError:
        pass  # one end has gone, and the other one learns it below
    finally:
        writer.close()


async def half_an_echo(exchange: Exchange) -> None:
    """Begin an answer that repeats what proves who asks, and end within its head."""
    assert exchange.received is not None
    proofs = [v for k, v in exchange.received.headers.items() if k.endswith("authorization")]
    await exchange.write(head(200, {"X-Echo": proofs[0]})[:-4] + b"\r\nX-")
    await exchange.end()


class TLSServer(RawServer):
    """A raw server behind TLS, that goes by a name."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        super().__init__()
        self.context = context
        self.name = name
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self.context)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"https://{self.name}:{self.port}"
        return self


class Names(AbstractResolver):
    """Resolves every name to this machine; `asked` has those that a client looked up itself."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        pass  # there is nothing to close


@attrs.frozen
class Network:
    """A proxy, which HTTPS_PROXY names, and the provider behind it."""

    proxy: RawServer
    provider: TLSServer
    tunnel: Tunnel
    names: Names

    @property
    def connect(self) -> bytes:
        """The request line by which the proxy is asked for the provider."""
        return f"CONNECT {self.provider.name}:{self.provider.port} HTTP/1.1".encode()

    async def all_connections_have_ended(self) -> None:
        """Return when clients have ended theirs; raises `TimeoutError` if they do not."""
        async with asyncio.timeout(5):
            for server in (self.proxy, self.provider):
                while server.open_connections:
                    server.left.clear()
                    await server.left.wait()


@cache
def authority() -> trustme.CA:
    return trustme.CA()


def certified(*names: str, by: trustme.CA) -> ssl.SSLContext:
    """The TLS of a server with these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    by.issue_cert(*names).configure_cert(context)
    return context


def clear_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        for variable in (name, name.lower()):
            monkeypatch.delenv(variable, raising=False)


@asynccontextmanager
async def company_network(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Network]:
    """Have clients look up no names, trust the provider's certificate, and find the proxy."""
    clear_variables(monkeypatch)
    names = Names()
    monkeypatch.setattr("aiohttp.connector.DefaultResolver", lambda **_: names)
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority().configure_trust(trusting)
    # aiohttp makes its own when it is imported, from SSL_CERT_FILE: too early for most tests. The
    # one that runs the command does without this.
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)
    context = certified(HOST, PUNYCODE, *SCALINGO_HOSTS, by=authority())
    async with RawServer() as proxy, TLSServer(context, HOST) as provider:
        tunnel = Tunnel()
        proxy.plays(tunnel)
        provider.plays(answer(200, USER))
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        yield Network(proxy, provider, tunnel, names)
