"""Answers that no provider should give: each ends as a value or as one of our errors, soon.

Bodies are in test_hostile_bodies.py, headers, pages and bearers in test_hostile_headers.py.
"""

from typing import Any

import pytest

from dbusers import (
    APIError,
    ConnectionFailed,
    RequestConfiguration,
    RequestTimedOut,
    ScalingoClient,
    ServerError,
    TimeoutOption,
    UnexpectedBody,
)
from dbusers.clock import SystemClock
from tests.both_providers import GOOD, ONCE, VERBS, Verb, opened
from tests.canary import TOKEN
from tests.odd_answers import (
    BODY,
    CANARY,
    CHUNK,
    CHUNKED,
    LENGTH,
    OK,
    READ,
    SHORT,
    drip,
    each_reading_verb,
    endless,
    failure,
    header,
    in_pieces,
    several_reading_verbs,
    several_verbs,
    some,
    status_line,
    still_works,
    two_verbs,
)
from tests.raw_server import (
    BeforeReading,
    Exchange,
    RawServer,
    Step,
    answer,
    end,
    head,
    raw,
    reset,
    silence,
)

# What is no answer

NO_ANSWERS: dict[str, Step | BeforeReading] = {
    "nothing": end,
    "nothing before the request": BeforeReading(end),
    "a reset": reset,
    "no HTTP": raw(CANARY + b"\r\n\r\n"),
    "HTTP/0.9": raw(BODY),
    "HTTP/2": raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "HTTP/3.7": raw(OK.replace(b"HTTP/1.1", b"HTTP/3.7")),
    "an alert of TLS": raw(b"\x15\x03\x01\x00\x02\x02\x46"),
    "a status of two digits": status_line("99"),
    "a status of four digits": status_line("1000"),
    "a negative status": status_line("-1"),
    "a status in words": status_line(CANARY.decode()),
    "NUL in a header": header(b"X: a\0" + CANARY),
    "a space in a header's name": header(b"X y: " + CANARY),
    "a bare carriage return": header(b"X: a\rY: " + CANARY),
    "a negative length": raw(OK.replace(LENGTH, b"-1")),
    "a length in words": raw(OK.replace(LENGTH, CANARY)),
    "a length with a sign": raw(OK.replace(LENGTH, b"+" + LENGTH)),
    "a length of 5,000 digits": raw(OK.replace(LENGTH, b"9" * 5000)),
    "a length that is too long": raw(OK.replace(LENGTH, b"9" + LENGTH)),
    "two lengths": header(b"Content-Length: 3"),
    "a length and chunks": raw(CHUNKED[:-2] + b"Content-Length: 5\r\n\r\n" + CHUNK + b"0\r\n\r\n"),
    "a chunk's size in words": silence(CHUNKED + CANARY + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk of negative size": silence(CHUNKED + b"-5\r\n" + BODY),
    "a chunk of 2**68 bytes": silence(CHUNKED + b"f" * 17 + b"\r\n" + BODY),
    "a chunk without its end": silence(CHUNKED + b"5\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "no last chunk": raw(CHUNKED + CHUNK),
    "endless words": endless(b"", b"a" * 4000),
    "an endless reason": endless(b"HTTP/1.1 200 ", b"a" * 4000),
    "an endless header": endless(b"HTTP/1.1 200 OK\r\nX: ", b"a" * 4000),
    "endless headers": endless(b"HTTP/1.1 200 OK\r\n", b"X-Header: value\r\n" * 100),
}


@pytest.mark.parametrize("step", NO_ANSWERS.values(), ids=NO_ANSWERS)
@several_verbs
async def test_what_is_no_answer_is_a_failed_connection(
    server: RawServer, step: Step | BeforeReading, verb: Verb
) -> None:
    server.plays(step)

    async with opened(server.url) as clients:
        error = await failure(verb(clients, None))
        assert isinstance(error, ConnectionFailed)
        assert (error.sent, error.status, error.attempts) == (True, None, 1)
        await still_works(server, clients, verb)


# What breaks when a part of the body was read already

BROKEN_LATER: dict[str, Step] = {
    "a chunk's size in words": in_pieces(CHUNKED + CHUNK, CANARY + b"\r\n"),
    "a negative chunk": in_pieces(CHUNKED + CHUNK, b"-1\r\n"),
    "a chunk of another size": in_pieces(CHUNKED + b"3\r\n", BODY),
    "a chunk without its end": in_pieces(CHUNKED + b"5\r\n", b"12345678"),
    "an endless trailer": endless(CHUNKED + CHUNK + b"0\r\nX: ", b"a" * 4000),
    "endless trailers": endless(CHUNKED + CHUNK + b"0\r\n", b"X-Trailer: value\r\n" * 100),
}


@pytest.mark.parametrize("step", BROKEN_LATER.values(), ids=BROKEN_LATER)
@two_verbs
async def test_an_answer_that_breaks_in_its_middle_ends_with_the_attempt_at_the_latest(
    server: RawServer, step: Step, verb: Verb
) -> None:
    server.plays(step)
    options = [ONCE, TimeoutOption(attempt=SHORT)]

    async with opened(server.url) as clients:
        # aiohttp does not always tell whoever reads the body, and switches its read timeout off.
        error = await failure(verb(clients, RequestConfiguration(options=options)))
        assert isinstance(error, ConnectionFailed | RequestTimedOut)
        assert error.sent
        await still_works(server, clients, verb)


# What never ends

ENDLESS: dict[str, Step] = {
    "silence": silence(),
    "silence in the headers": silence(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "silence in the body": silence(OK[:-1]),
    "silence after a chunk": silence(CHUNKED + CHUNK),
    "a body of 2**60 bytes": silence(OK.replace(LENGTH, str(2**60).encode())),
    "a chunk of 2**63 - 1 bytes": silence(CHUNKED + b"7fffffffffffffff\r\n" + BODY),
    "empty lines": endless(b"", b"\r\n" * 1000),
    "an endless chunk size": endless(CHUNKED, b"0" * 4000),
    "an endless chunk extension": endless(CHUNKED + b"5;", b"a=b;" * 1000),
    "early hints": drip(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
    "a header now and then": drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "a byte now and then": drip(OK.replace(LENGTH, b"1000000"), b" "),
    "a chunk now and then": drip(CHUNKED, b"1\r\n \r\n"),
    "a trailer now and then": drip(CHUNKED + b"0\r\n", b"X: y\r\n"),
}


@pytest.mark.parametrize("limit", ["attempt", "total"])
@pytest.mark.parametrize("step", ENDLESS.values(), ids=ENDLESS)
@two_verbs
async def test_what_never_ends_is_ended_by_the_timeout(
    server: RawServer, step: Step, verb: Verb, limit: str
) -> None:
    server.plays(step)
    options = [ONCE, TimeoutOption(**{limit: SHORT})]

    async with opened(server.url, clock=SystemClock()) as clients:
        error = await failure(verb(clients, RequestConfiguration(options=options)))
        assert isinstance(error, RequestTimedOut)
        assert f"{SHORT} s (TimeoutOption.{limit})" in str(error)
        assert error.sent
        await still_works(server, clients, verb)
    assert server.open_connections <= 1


# Statuses that nobody documents


@pytest.mark.parametrize("status", [300, 304, 402, 418, 499, 501, 599, 600, 999])
@pytest.mark.parametrize("body", [b"", BODY, CANARY, b"\xff\xfe{"])
async def test_any_other_status_is_a_refusal(server: RawServer, status: int, body: bytes) -> None:
    server.plays(answer(status, b"" if status == 304 else body, {"x-request-id": "r-1"}))

    async with opened(server.url) as clients:
        for name in ("do-list", "do-put", "sc-create", "sc-delete"):
            error = await failure(VERBS[name](clients, None))
            assert isinstance(error, APIError)
            assert isinstance(error, ServerError) == (500 <= status < 600)
            assert (error.status, error.request_id) == (status, "r-1")


@pytest.mark.parametrize("status", [202, 206, 299])
@several_reading_verbs
async def test_any_2xx_is_read(server: RawServer, status: int, verb: Verb) -> None:
    server.plays(answer(status, GOOD))

    async with opened(server.url) as clients:
        assert await verb(clients, None) in READ


@pytest.mark.parametrize("status", [200, 204])
@each_reading_verb
async def test_success_without_a_body_is_told_where_there_must_be_one(
    server: RawServer, status: int, verb: Verb
) -> None:
    server.plays(answer(status))

    async with opened(server.url) as clients:
        error = await failure(verb(clients, None))
        assert isinstance(error, UnexpectedBody)
        assert (error.status, error.problems) == (status, ("the body is empty",))


@pytest.mark.parametrize("status", [200, 202, 204, 205])
@some("do-delete", "sc-delete")
async def test_a_removal_needs_no_body_and_reads_none(
    server: RawServer, status: int, verb: Verb
) -> None:
    server.plays(answer(status, b"" if status == 204 else CANARY))

    async with opened(server.url) as clients:
        await verb(clients, None)
    assert len(server.requests) == 1


async def test_a_body_behind_a_204_is_nobodys_answer(server: RawServer) -> None:
    poisoned = head(204, {"Content-Length": str(len(OK))}) + OK.replace(b"app", CANARY)

    async def step(exchange: Exchange) -> None:
        await exchange.write(poisoned)

    server.plays(step, answer(200, GOOD))
    async with opened(server.url) as clients:
        try:
            await VERBS["do-delete"](clients, None)
        except ConnectionFailed:  # both are right: it depends on how the bytes arrive
            server.plays(answer(200, GOOD))
        (user,) = await clients.do_users.get()
    assert user.name == "app"


INTERIM = (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")


@pytest.mark.parametrize(
    "step",
    [
        raw(INTERIM[0] + OK),
        raw(INTERIM[1] + OK),
        raw((INTERIM[0] + INTERIM[1]) * 20 + OK),
        BeforeReading(raw(OK)),
        raw(b"HTTP/1.0 200 OK\r\n\r\n" + BODY),
        raw(OK.replace(b"\r\n\r\n", b"\r\nContent-Type: text/html; charset=utf-7\r\n\r\n")),
        raw(OK.replace(b"\r\n\r\n", b"\r\nX: a\r\n b\r\n\r\n")),
        raw(CHUNKED + CHUNK + b"0\r\nX-Trailer: y\r\n\r\n"),
        raw(CHUNKED + CHUNK.replace(b"\r\n", b";extension\r\n", 1) + b"0\r\n\r\n"),
        raw(CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"),
    ],
    ids=[
        "100 first", "103 first", "many hints", "before the request", "HTTP/1.0", "text/html",
        "a folded header", "a trailer", "a chunk extension", "one byte a chunk",
    ],
)  # fmt: skip
async def test_an_odd_answer_is_read_all_the_same(server: RawServer, step: Step) -> None:
    server.plays(step)

    for name in ("do-list", "sc-get"):
        async with opened(server.url) as clients:  # some of them end the connection
            assert await VERBS[name](clients, None) in READ


@pytest.mark.parametrize("status", ["100", "101", "199"])
async def test_an_interim_answer_alone_is_none(server: RawServer, status: str) -> None:
    server.plays(status_line(status, b"Upgrade: x\r\nConnection: upgrade\r\n"))

    async with opened(server.url) as clients:
        for verb in VERBS.values():
            error = await failure(verb(clients, None))
            assert isinstance(error, ConnectionFailed | APIError)


# Redirects


@pytest.mark.parametrize("location", [None, "", "/x", "elsewhere", "file:///etc/passwd", "\\\\x"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_takes_anything_anywhere(
    server: RawServer, status: int, location: str | None
) -> None:
    async with RawServer() as other, opened(server.url) as clients:
        to = f"{other.url}/v2/databases" if location == "elsewhere" else location
        server.plays(answer(status, b"", {} if to is None else {"Location": to}))
        for name in ("do-list", "do-put", "sc-create", "sc-delete"):
            error = await failure(VERBS[name](clients, None))
            assert "redirect" in str(error)
            assert error.status == status
            assert not error.retryable
        assert len(server.requests) == 4

    assert other.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirected_exchange_does_not_take_the_api_token_along(
    server: RawServer, status: int
) -> None:
    hosts: dict[str, Any] = dict.fromkeys(("auth_url", "api_url", "database_api_url"), server.url)
    async with RawServer() as other, ScalingoClient(TOKEN, rate_limit=None, **hosts) as client:
        server.plays(answer(status, b"", {"Location": f"{other.url}/v1/tokens/exchange"}))
        error = await failure(client.apps.get())

    assert error.status == status
    assert other.connections == 0
    assert server.lines == [b"POST /v1/tokens/exchange HTTP/1.1"]
