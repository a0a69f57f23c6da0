"""A sandbox on a clock that stands still, and raw requests to it: the SDK has no part in these."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import orjson
import pytest
from attrs import frozen
from yarl import URL

from dbusers.testing import ManualClock, Sandbox
from dbusers.testing.digitalocean.fleet import Cluster
from dbusers.testing.scalingo.fleet import Database


@frozen
class Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.content)


class Caller:
    """Sends raw requests with one token; paths go out exactly as they are written."""

    def __init__(self, session: aiohttp.ClientSession, origin: str, token: str) -> None:
        self._session = session
        self._origin = origin
        self._token = token

    def with_token(self, token: str) -> "Caller":
        return Caller(self._session, self._origin, token)

    async def __call__(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        sent = {"authorization": f"Bearer {self._token}"} if self._token else {}
        if json is not None:
            content = orjson.dumps(json)
        if content is not None:
            sent["content-type"] = "application/json"
        async with self._session.request(
            method,
            URL(self._origin + path, encoded=True),
            data=content,
            headers=sent | dict(headers or {}),
            allow_redirects=False,
        ) as response:
            return Reply(response.status, response.headers, await response.read())


Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
def until() -> Until:
    """Waits until something has happened on the server's side."""

    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110  the sandbox offers no event to wait for
                await asyncio.sleep(0)

    return wait


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def sandbox(clock: ManualClock) -> AsyncIterator[Sandbox]:
    async with Sandbox(clock=clock) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    # A connection for each request: aiohttp repeats some requests on a reused one by itself.
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as opened:
        yield opened


@pytest.fixture
def anonymous(session: aiohttp.ClientSession, sandbox: Sandbox) -> Caller:
    return Caller(session, sandbox.url, token="")


@pytest.fixture
def digitalocean(anonymous: Caller, sandbox: Sandbox) -> Caller:
    return anonymous.with_token(sandbox.digitalocean_token)


@pytest.fixture
async def platform(anonymous: Caller, sandbox: Sandbox) -> Caller:
    """A caller with a bearer for Scalingo's platform."""
    login = aiohttp.encode_basic_auth("", sandbox.scalingo_token)
    reply = await anonymous("POST", "/v1/tokens/exchange", headers={"authorization": login})
    return anonymous.with_token(reply.json["token"])


@pytest.fixture
def cluster(sandbox: Sandbox) -> Callable[[str], Cluster]:
    """The first cluster of an engine."""

    def first(engine: str) -> Cluster:
        return next(c for c in sandbox.fleet.digitalocean if c["engine"] == engine)

    return first


@pytest.fixture
def database(sandbox: Sandbox) -> Callable[[str], Database]:
    """The first Scalingo database of a type."""

    def first(type_name: str) -> Database:
        databases = sandbox.fleet.scalingo.databases
        return next(d for d in databases if d["type_name"] == type_name)

    return first


@pytest.fixture
def owner(anonymous: Caller, sandbox: Sandbox, database: Callable[[str], Database]) -> Caller:
    """A caller with the bearer of the first PostgreSQL database."""
    return anonymous.with_token(sandbox.database_token(database("postgresql")["id"]))


@pytest.fixture
def users(database: Callable[[str], Database]) -> str:
    """The path of the users of the first PostgreSQL database."""
    return f"/api/databases/{database('postgresql')['id']}/users"
