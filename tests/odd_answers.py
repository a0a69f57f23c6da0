"""Servers that answer oddly, and what a call to them must come to all the same."""

import asyncio
from collections.abc import Awaitable

import orjson
import pytest

from dbusers import (
    DbusersError,
)
from dbusers import digitalocean as do
from dbusers import scalingo as sc
from tests.both_providers import GOOD, READING_VERBS, VERBS, Clients, Verb
from tests.canary import leaks
from tests.raw_server import (
    Exchange,
    RawServer,
    Step,
    answer,
    raw,
)

SHORT = 0.05  # seconds; for answers that never end
PATIENCE = 10.0  # seconds; what hangs is not bounded by anything of ours
CANARY = b"canary-answer"

BODY = orjson.dumps(GOOD)
# What it is read as, by whatever verb.
USERS = (do.DatabaseUser("app"), sc.DatabaseUser("app"))
READ = (*USERS, *([user] for user in USERS))
LENGTH = str(len(BODY)).encode()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: " + LENGTH + b"\r\n\r\n" + BODY
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = f"{len(BODY):x}\r\n".encode() + BODY + b"\r\n"
KIBIBYTE = 1024
MEBIBYTE = KIBIBYTE * KIBIBYTE


def status_line(status: str, headers: bytes = b"") -> Step:
    """Answer as well as can be with this status."""
    return raw(OK.replace(b"200 OK\r\n", status.encode() + b" Some Reason\r\n" + headers))


def header(line: bytes) -> Step:
    """Answer as well as can be, with this line among the headers."""
    return raw(OK.replace(b"200 OK\r\n", b"200 OK\r\n" + line + b"\r\n"))


def endless(start: bytes, piece: bytes) -> Step:
    """Send `start`, and then `piece` again and again until the client has gone."""

    async def step(exchange: Exchange) -> None:
        await exchange.write(start)
        while True:
            await exchange.write(piece)
            await asyncio.sleep(0)

    return step


def drip(start: bytes, piece: bytes) -> Step:
    """Send `start`, and then `piece` now and then until the client has gone."""

    async def step(exchange: Exchange) -> None:
        await exchange.write(start)
        while True:
            await exchange.write(piece)
            await asyncio.sleep(SHORT / 20)

    return step


def in_pieces(*pieces: bytes) -> Step:
    """Send the pieces one by one, so that each is read for itself, and then no more."""

    async def step(exchange: Exchange) -> None:
        for piece in pieces:
            await exchange.write(piece)
            await asyncio.sleep(SHORT / 20)
        await exchange.reader.read()
        await exchange.end()

    return step


async def failure(call: Awaitable[object]) -> DbusersError:
    """Return what the call raises of ours, which quotes nothing and breaks no line."""
    with pytest.raises(DbusersError) as caught:
        await asyncio.wait_for(call, PATIENCE)
    error = caught.value
    assert str(error).isprintable()
    assert len(str(error)) < KIBIBYTE
    assert leaks([str(error), repr(vars(error))]) == []
    return error


async def still_works(server: RawServer, clients: Clients, verb: Verb) -> None:
    server.plays(answer(200, GOOD))

    assert await asyncio.wait_for(verb(clients, None), PATIENCE) in (None, *READ)


def some(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("verb", [VERBS[name] for name in names], ids=names)


each_reading_verb = some(*READING_VERBS)
several_verbs = some("do-list", "do-reset", "sc-create", "sc-delete")
several_reading_verbs = some("do-list", "do-put", "sc-create", "sc-get")
two_verbs = some("do-list", "sc-create")
