"""Bodies in odd encodings, bombs, and documents that take long to explain.

Those of the wrong shape are in test_adapter.py and test_codec.py.
"""

import asyncio
import gzip
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dbusers import (
    APIError,
    UnexpectedBody,
)
from tests.both_providers import VERBS, Verb, opened
from tests.odd_answers import (
    BODY,
    CANARY,
    CHUNK,
    CHUNKED,
    KIBIBYTE,
    MEBIBYTE,
    endless,
    failure,
    several_reading_verbs,
    still_works,
    two_verbs,
)
from tests.raw_server import (
    RawServer,
    answer,
)

# Bodies


WRITTEN = BODY.decode()
UNREADABLE: dict[str, tuple[bytes, dict[str, str]]] = {
    "UTF-16": (WRITTEN.encode("utf-16"), {"Content-Type": "application/json; charset=utf-16"}),
    "UTF-32": (WRITTEN.encode("utf-32-le"), {"Content-Type": "application/json; charset=utf-32"}),
    "latin-1": (WRITTEN.replace("app", "é").encode("latin-1"), {}),
    "a byte order mark": (b"\xef\xbb\xbf" + BODY, {}),
    "overlong UTF-8": (BODY.replace(b"app", b"\xc1\xa1pp"), {}),
    "a surrogate in UTF-8": (BODY.replace(b"app", b"\xed\xa0\x80"), {}),
    "an escaped surrogate": (BODY.replace(b"app", b"\\ud800"), {}),
    "a proxy's page": (b"<html>" + CANARY + b"</html>", {"Content-Type": "text/html"}),
    "100,000 brackets": (b"[" * 100_000 + b"]" * 100_000, {}),
    "100,000 objects": (b'{"users":' * 100_000 + b"1" + b"}" * 100_000, {}),
    "a number of 100,000 digits": (BODY.replace(b'"app"', b"9" * 100_000), {}),
    "NaN": (BODY.replace(b'"app"', b"NaN"), {}),
    "two documents": (BODY + BODY, {}),
    "gzip that is none": (BODY, {"Content-Encoding": "gzip"}),
    "gzip in gzip": (gzip.compress(gzip.compress(BODY)), {"Content-Encoding": "gzip"}),
    "garbage behind gzip": (gzip.compress(BODY) + CANARY, {"Content-Encoding": "gzip"}),
    "gzip of nothing": (b"", {"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize(("body", "headers"), UNREADABLE.values(), ids=UNREADABLE)
@several_reading_verbs
async def test_an_unreadable_body_is_told_as_one(
    server: RawServer, body: bytes, headers: dict[str, str], verb: Verb
) -> None:
    server.plays(answer(200, body, headers))

    async with opened(server.url) as clients:
        error = await failure(verb(clients, None))
        assert isinstance(error, UnexpectedBody)
        assert (error.status, error.attempts) == (200, 1)
        await still_works(server, clients, verb)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (zlib.compress(BODY), {"Content-Encoding": "deflate"}),
        (zlib.compress(BODY)[2:-4], {"Content-Encoding": "deflate"}),
        (gzip.compress(BODY), {"Content-Encoding": "GZIP"}),
        (gzip.compress(BODY[:10]) + gzip.compress(BODY[10:]), {"Content-Encoding": "gzip"}),
        (BODY, {"Content-Encoding": "identity"}),
        (BODY.replace(b'"app"', b'"\\u0061pp"'), {}),
        (BODY.replace(b'{"', b'{"x":' + b"[" * 1000 + b"]" * 1000 + b',"', 1), {}),
    ],
    ids=[
        "zlib", "deflate", "upper case", "two members", "identity", "escapes", "1,000 deep",
    ],
)  # fmt: skip
async def test_a_body_in_another_spelling_is_read(
    server: RawServer, body: bytes, headers: dict[str, str]
) -> None:
    server.plays(answer(200, body, headers))

    async with opened(server.url) as clients:
        (user,) = await clients.do_users.get()
    assert user.name == "app"


# Bombs


def bomb(form: int) -> bytes:
    """Return a gibibyte of zeros, as about a mebibyte of zlib's `form`."""
    packer = zlib.compressobj(9, zlib.DEFLATED, form)
    start = packer.compress(bytes(MEBIBYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush nothing refers to what was before: the same bytes can come again.
    again = packer.compress(bytes(MEBIBYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + again * (KIBIBYTE - 1)


BOMBS = {"gzip": bomb(zlib.MAX_WBITS | 16), "deflate": bomb(zlib.MAX_WBITS)}


def test_the_bombs_are_bombs() -> None:
    for form, content in zip((31, 15), BOMBS.values(), strict=True):
        assert len(content) < 2 * MEBIBYTE
        unpacker = zlib.decompressobj(form)
        assert unpacker.decompress(content, 20 * MEBIBYTE) == bytes(20 * MEBIBYTE)


@pytest.fixture
def peak() -> Iterator[Callable[[], int]]:
    """The bytes allocated at most since the test began."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    yield lambda: tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()


@pytest.mark.parametrize("status", [200, 404, 503])
@pytest.mark.parametrize("kind", BOMBS)
async def test_a_bomb_is_not_unpacked(
    server: RawServer, kind: str, status: int, peak: Callable[[], int]
) -> None:
    server.plays(answer(status, BOMBS[kind], {"Content-Encoding": kind}))

    async with opened(server.url, max_body_size=MEBIBYTE) as clients:
        for name in ("do-list", "sc-create"):
            error = await failure(VERBS[name](clients, None))
            assert isinstance(error, UnexpectedBody if status == 200 else APIError)
            assert error.status == status
            assert ("larger than" in str(error)) is (status == 200)
    assert peak() < 10 * MEBIBYTE


async def test_what_a_body_may_hold_is_counted_over_all_chunks(
    server: RawServer, peak: Callable[[], int]
) -> None:
    piece = f"{4000:x}\r\n".encode() + b" " * 4000 + b"\r\n"
    server.plays(endless(CHUNKED, piece))

    async with opened(server.url, max_body_size=MEBIBYTE) as clients:
        for name in ("do-list", "sc-create"):
            error = await failure(VERBS[name](clients, None))
            assert isinstance(error, UnexpectedBody)
    assert peak() < 10 * MEBIBYTE


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nX: ", CHUNKED + CHUNK + b"0\r\n"]
)
async def test_a_flood_of_headers_is_not_collected(
    server: RawServer, start: bytes, peak: Callable[[], int]
) -> None:
    server.plays(endless(start, b"X-Header: value\r\n" * 1000))

    async with opened(server.url) as clients:
        await failure(VERBS["do-list"](clients, None))
    assert peak() < 10 * MEBIBYTE


# What takes long to explain

WRONG: dict[str, Any] = {
    "users": {"users": [{}] * 200_000, "database-users": [{}] * 200_000},
    "values": {"users": [5] * 400_000, "database-users": [5] * 400_000},
    "fields": {"users": [{"name": "a", "settings": {"acl": [{}] * 200_000}}]},
    "at the end": {
        "users": [{"name": "a", "settings": {"acl": [{"topic": "t", "permission": "p"}] * 9999}}],
        "links": [],
    },
    "unknown keys": {"users": [{str(number): 1 for number in range(100_000)}]},
}
WRONG["at the end"]["users"][0]["settings"]["acl"] += [{}]
LONG = "x" * (4 * MEBIBYTE)
LONG_MESSAGES: dict[str, Any] = {
    "message": {"id": "x", "message": LONG, "request_id": "r-1", "error": LONG},
    "id": {"id": LONG, "message": "m", "error": "m"},
    "request id": {"request_id": LONG, "message": "m", "error": "m"},
    "errors": {"errors": {str(number): ["x"] * 4 for number in range(200_000)}},
    "one field's errors": {"errors": {"name": ["x"] * 400_000}},
}
SOON = 3.0  # seconds, on a busy machine; what is not bounded takes minutes


@pytest.mark.parametrize("kind", WRONG)
async def test_mistakes_without_end_are_told_soon(
    server: RawServer, kind: str, peak: Callable[[], int]
) -> None:
    server.plays(answer(200, WRONG[kind]))

    async with opened(server.url) as clients:
        error = await asyncio.wait_for(failure(clients.do_users.get()), SOON)
        assert isinstance(error, UnexpectedBody)
        assert 1 <= len(error.problems) <= 100
    assert peak() < 100 * MEBIBYTE


@pytest.mark.parametrize("kind", LONG_MESSAGES)
@two_verbs
async def test_a_refusal_without_end_is_told_soon(server: RawServer, kind: str, verb: Verb) -> None:
    server.plays(answer(422, LONG_MESSAGES[kind]))

    async with opened(server.url) as clients:
        began = time.perf_counter()
        error = await failure(verb(clients, None))
        assert isinstance(error, APIError)
        assert len(error.message) <= KIBIBYTE
        assert time.perf_counter() - began < SOON
