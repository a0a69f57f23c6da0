"""Planted secrets, and everything that an error, a log and a repr would show of them."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import aiohttp
import orjson
import pytest

from dbusers import (
    ConfigurationError,
    DbusersError,
    DigitalOceanClient,
    InvalidRequest,
    RequestConfiguration,
    RequestInformation,
    Response,
    RetryOption,
    ScalingoClient,
    TimeoutOption,
)
from dbusers import digitalocean as do
from dbusers import scalingo as sc
from dbusers.options import OnResponse
from dbusers.request import Handler
from tests.canary import CERTIFICATE, GENERATED, PASSWORD, TOKEN, leaks, shown_by
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

ONE_RETRY = RetryOption(max_retries=1, base_delay=0)
SHORT = 0.05  # seconds; for servers that never answer
SECRET_USER = {
    "name": "app",
    "password": GENERATED,
    "access_cert": CERTIFICATE,
    "access_key": GENERATED,
    "something_new": {"secret": GENERATED},
}
WHOLE = orjson.dumps({"user": SECRET_USER, "users": [SECRET_USER], "database_user": SECRET_USER})


def wrong(field: str, value: Any) -> Step:
    """Answer with a user one field of which has the wrong type."""
    user = {**SECRET_USER, field: value}
    return answer(200, {"user": user, "users": [user], "database_user": user})


async def echo(exchange: Exchange) -> None:
    """Refuse, and quote the whole request: head, body and all."""
    assert exchange.received is not None
    body = exchange.received.body.decode()
    quoted = f"bad: {exchange.received.headers['authorization']} {body}"
    headers = {"x-refused": exchange.received.headers["authorization"], "x-request-id": "r-1"}
    await answer(422, {"message": quoted, "error": quoted, "id": quoted}, headers)(exchange)


async def echo_as_html(exchange: Exchange) -> None:
    assert exchange.received is not None
    content = f"<html>{exchange.received}</html>".encode()
    await answer(500, content, {"Content-Type": "text/html"})(exchange)


async def broken_head(exchange: Exchange) -> None:
    """Repeat the request's headers, and end in the middle of one more."""
    assert exchange.received is not None
    echoed = exchange.received.headers["authorization"]
    await exchange.write(f"HTTP/1.1 200 OK\r\nX-Echo: {echoed}\r\nX-".encode())
    await exchange.end()


FAILURES: dict[str, Step | BeforeReading] = {
    "reset before reading": BeforeReading(reset),
    "reset": reset,
    "end": end,
    "not HTTP": raw(b"canary-answer\r\n\r\n"),
    "bad header": raw(b"HTTP/1.1 200 OK\r\ncanary-header\r\n\r\n"),
    "a head that breaks off": broken_head,
    "cut off": raw(head(200, {"Content-Length": str(len(WHOLE))}) + WHOLE[:-9]),
    "silence": silence(),
    "silence in the body": silence(head(200, {"Content-Length": str(len(WHOLE))}) + WHOLE[:-9]),
    "half of a document": answer(200, WHOLE[:-9]),
    "garbage after it": answer(200, WHOLE + b"canary-garbage"),
    "another root": answer(200, {"canary-key": SECRET_USER}),
    "a list": answer(200, [SECRET_USER]),
    "wrong password": wrong("password", {GENERATED: GENERATED}),
    "wrong certificate": wrong("access_cert", [CERTIFICATE]),
    "wrong name": wrong("name", {"x": GENERATED}),
    "wrong settings": wrong("settings", GENERATED),
    "wrong role": wrong("role", [GENERATED]),
    "wrong pages": answer(200, {"users": [SECRET_USER], "links": GENERATED}),
    "wrong meta": answer(
        200, {"database-users": [SECRET_USER], "meta": {"pagination": {"next_page": GENERATED}}}
    ),
    "bad gzip": answer(200, gzip.compress(WHOLE)[:-9], {"Content-Encoding": "gzip"}),
    "echo": echo,
    "echo as HTML": echo_as_html,
    "a cookie": answer(403, {"message": "no"}, {"Set-Cookie": "session=canary-session"}),
    "401": answer(401, {"message": "no"}),
    "429": answer(429, b"Retry later", {"Retry-After": "3600"}),
    "redirect": answer(302, b"", {"Location": "/login"}),
}

Verb = Callable[[DigitalOceanClient, ScalingoClient], Awaitable[object]]


def do_users(client: DigitalOceanClient) -> do.UsersRequestBuilder:
    return client.databases.by_id("c-1").users


def sc_users(client: ScalingoClient) -> sc.UsersRequestBuilder:
    return client.databases.by_id("ad-1").users


VERBS: dict[str, Verb] = {
    "list": lambda one, _: do_users(one).get(),
    "get": lambda one, _: do_users(one).by_username("app").get(),
    "create": lambda one, _: do_users(one).post(do.UserCreate("app")),
    "reset": lambda one, _: do_users(one).by_username("app").reset_auth.post(),
    "Scalingo's list": lambda _, other: sc_users(other).get(),
    "Scalingo's create": lambda _, other: sc_users(other).post(
        sc.UserCreate("app-01", password=PASSWORD)
    ),
    "Scalingo's update": lambda _, other: (
        sc_users(other).by_username("app").patch(sc.UserUpdate(password=PASSWORD))
    ),
}


class Clients:
    """Clients of both providers at one server, with the planted tokens."""

    def __init__(self, url: str, attempt: float = SHORT) -> None:
        options = [ONE_RETRY, TimeoutOption(attempt=attempt)]
        self.digitalocean = DigitalOceanClient(
            TOKEN, base_url=url, options=options, rate_limit=None, max_body_size=1024 * 1024
        )
        self.scalingo = ScalingoClient(
            database_token=TOKEN, database_api_url=url, options=options, rate_limit=None
        )

    async def call(self, verb: str) -> object:
        return await VERBS[verb](self.digitalocean, self.scalingo)


async def outcome(call: Awaitable[object]) -> object:
    """Return what the call returns or raises of ours."""
    try:
        return await call
    except DbusersError as error:
        return error


@pytest.fixture
async def clients(server: RawServer) -> AsyncIterator[Clients]:
    made = Clients(server.url)
    async with made.digitalocean, made.scalingo:
        yield made


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """All that is logged, by whom and at what level ever; asyncio in debug mode."""
    with caplog.at_level(logging.DEBUG):
        for name in ("asyncio", "aiohttp", "aiohttp.client", "aiohttp.internal", "dbusers"):
            logging.getLogger(name).setLevel(logging.NOTSET)
        yield lambda: [record.getMessage() for record in caplog.records] + [caplog.text]


@pytest.fixture(autouse=True)
async def _debug() -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0001  # so that callbacks are logged, with what they show
    yield
    loop.set_debug(False)


def test_the_search_finds_what_is_there() -> None:
    def fail(password: str) -> None:
        raise ValueError(len(password))

    with pytest.raises(ValueError, match="21") as caught:
        fail(GENERATED)
    assert leaks([shown_by(caught.value)])


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("verb", VERBS)
async def test_no_failure_shows_a_secret(
    server: RawServer, clients: Clients, logged: Callable[[], list[str]], verb: str, failure: str
) -> None:
    server.plays(FAILURES[failure])

    found = await outcome(clients.call(verb))
    if isinstance(found, DbusersError):
        assert leaks([shown_by(found)]) == []
    assert leaks([repr(found), str(found), *logged()]) == []


@pytest.mark.parametrize("moment", ["silence", "silence in the body"])
@pytest.mark.parametrize("verb", VERBS)
async def test_a_cancelled_call_does_not_show_a_secret(
    server: RawServer, logged: Callable[[], list[str]], verb: str, moment: str
) -> None:
    server.plays(FAILURES[moment])
    patient = Clients(server.url, attempt=30)
    async with patient.digitalocean, patient.scalingo:
        under_way = asyncio.create_task(patient.call(verb))
        await server.arrived.wait()
        for _ in range(20):  # so that a part of the body has been read
            await asyncio.sleep(0)

        under_way.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await under_way
    assert "_transport.exchange" in shown_by(caught.value)  # it did break off in the middle
    assert leaks([shown_by(caught.value), *logged()]) == []


@pytest.mark.parametrize("verb", VERBS)
async def test_a_refused_connection_does_not_show_a_secret(
    refused_url: str, logged: Callable[[], list[str]], verb: str
) -> None:
    clients = Clients(refused_url)
    async with clients.digitalocean, clients.scalingo:
        with pytest.raises(DbusersError) as caught:
            await clients.call(verb)

    assert leaks([shown_by(caught.value), *logged()]) == []


async def test_a_large_body_that_is_reset_while_it_is_sent_does_not_show_a_secret(
    server: RawServer, clients: Clients
) -> None:
    async def read_a_little(exchange: Exchange) -> None:
        await exchange.reader.readexactly(10)
        await exchange.reset()

    server.plays(BeforeReading(read_a_little))
    body = sc.UserCreate("app", password=PASSWORD, additional_data={"pad": "x" * 1_000_000})

    with pytest.raises(DbusersError) as caught:
        await sc_users(clients.scalingo).post(body)
    assert leaks([shown_by(caught.value)]) == []


async def test_an_error_in_a_hook_does_not_show_a_secret(
    server: RawServer, clients: Clients
) -> None:
    async def broken(request: RequestInformation, handler: Handler) -> Response:
        await handler(request)
        raise ZeroDivisionError

    server.plays(answer(200, WHOLE))
    with pytest.raises(ZeroDivisionError) as caught:
        await sc_users(clients.scalingo).post(
            sc.UserCreate("app", password=PASSWORD), RequestConfiguration(middleware=[broken])
        )
    assert leaks([shown_by(caught.value)]) == []


async def test_an_error_in_an_observer_does_not_show_a_secret(
    server: RawServer, clients: Clients
) -> None:
    def broken(_: Response) -> None:
        raise ZeroDivisionError

    server.plays(answer(200, WHOLE))
    with pytest.raises(ZeroDivisionError) as caught:
        await do_users(clients.digitalocean).get(RequestConfiguration(options=[OnResponse(broken)]))
    assert leaks([shown_by(caught.value)]) == []


async def test_an_unusable_session_does_not_show_a_secret(server: RawServer) -> None:
    session = aiohttp.ClientSession()
    await session.close()

    with pytest.raises(ConfigurationError) as caught:
        await DigitalOceanClient(TOKEN, session=session).databases.get()
    assert leaks([shown_by(caught.value)]) == []


def _tokens() -> dict[str, Callable[[], object]]:
    return {
        "a bad URL": lambda: DigitalOceanClient(TOKEN, base_url="http://api.example.com"),
        "a bad option": lambda: DigitalOceanClient(TOKEN, options=[RetryOption()] * 2),
        "a line break": lambda: DigitalOceanClient(f"{TOKEN}\n"),
        "Scalingo, a bad region": lambda: ScalingoClient(TOKEN, region="../x"),
        "Scalingo, a bad URL": lambda: ScalingoClient(TOKEN, auth_url="http://x.example"),
        "Scalingo, a line break": lambda: ScalingoClient(TOKEN, database_token=f"{TOKEN}\n"),
    }


@pytest.mark.parametrize("mistake", _tokens())
def test_a_client_that_cannot_be_made_does_not_show_its_token(mistake: str) -> None:
    with pytest.raises((ConfigurationError, InvalidRequest)) as caught:
        _tokens()[mistake]()

    assert leaks([shown_by(caught.value)]) == []


def test_a_token_from_the_environment_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", f"{TOKEN}\n")

    with pytest.raises(ConfigurationError) as caught:
        DigitalOceanClient()
    assert leaks([shown_by(caught.value)]) == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: sc_users(ScalingoClient(TOKEN)).to_post_request_information(
            sc.UserCreate("", password=PASSWORD)
        ),
        lambda: sc_users(ScalingoClient(TOKEN)).to_post_request_information(
            sc.UserCreate("app", password=PASSWORD, additional_data={"x": object()})
        ),
        lambda: sc_users(ScalingoClient(TOKEN)).to_post_request_information(
            sc.UserCreate("\ud800", password=PASSWORD)
        ),
        lambda: sc_users(ScalingoClient(TOKEN)).to_post_request_information(
            sc.UserCreate("app", password=f"{PASSWORD}\ud800")
        ),
        lambda: sc_users(ScalingoClient(TOKEN)).to_post_request_information(
            sc.UserCreate(5, password=PASSWORD)  # type: ignore[arg-type]  # the case
        ),
    ],
    ids=["no name", "no JSON", "a surrogate", "a surrogate in the password", "a number"],
)
def test_a_body_that_cannot_be_written_does_not_show_its_password(
    make: Callable[[], object],
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        make()

    assert leaks([shown_by(caught.value)]) == []


async def test_no_repr_shows_a_secret(server: RawServer, clients: Clients) -> None:
    answers: list[Response] = []
    server.plays(answer(200, WHOLE, {"x-echo": TOKEN}))
    user = await (
        do_users(clients.digitalocean)
        .by_username("app")
        .get(RequestConfiguration(options=[OnResponse(answers.append)]))
    )

    create = sc.UserCreate("app", password=PASSWORD)
    information = sc_users(clients.scalingo).to_post_request_information(create)
    everything = [
        user,
        [user],
        {"user": user},
        create,
        sc.UserUpdate(password=PASSWORD),
        information,
        answers[0],
        clients.digitalocean,
        clients.digitalocean.adapter,
        vars(clients.digitalocean),
        vars(clients.digitalocean.adapter),
        clients.scalingo,
        vars(clients.scalingo),
        vars(clients.scalingo.adapter),
        do_users(clients.digitalocean),
        do.DatabaseConnection(uri=None, additional_data={"x": GENERATED}),
    ]
    assert leaks(map(repr, everything)) == []
    assert leaks(map(str, everything)) == []
