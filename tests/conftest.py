"""Fixtures for the tests of the kernel and the providers: a raw server, clocks, mocks that work."""

import gc
import socket
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aioresponses import aioresponses
from hypothesis import settings

from dbusers import DigitalOceanClient
from dbusers.testing import Sandbox
from tests.clocks import JumpingClock
from tests.raw_server import RawServer

# A deadline would measure the machine.
settings.register_profile("dbusers", deadline=None, max_examples=100)
settings.load_profile("dbusers")

VARIABLES = (
    "DIGITALOCEAN_TOKEN",
    "DIGITALOCEAN_ACCESS_TOKEN",
    "DIGITALOCEAN_API_URL",
    "SCALINGO_API_TOKEN",
    "SCALINGO_REGION",
    "SCALINGO_API_URL",
    "SCALINGO_AUTH_URL",
    "SCALINGO_DB_URL",
)


def pytest_collection_finish() -> None:
    """Leave what was imported out of the collections of garbage that tests ask for."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_credentials_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with RawServer() as running:
        yield running


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
async def client(server: RawServer, clock: JumpingClock) -> AsyncIterator[DigitalOceanClient]:
    """A client of the raw server whose waits take no time."""
    async with DigitalOceanClient("a-token", base_url=server.url, clock=clock) as opened:
        yield opened


@pytest.fixture
def refused_url() -> Iterator[str]:
    """A URL at which nobody listens: the port is taken, and closed."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(limits=False) as running:
        yield running


class MockedResponse(aiohttp.ClientResponse):
    """What aioresponses builds, on an aiohttp that wants one argument more than it knows of."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **kwargs)


@pytest.fixture
def response_class() -> type[aiohttp.ClientResponse]:
    """To be given to each call of `mocked`: aioresponses 0.7.9 cannot build aiohttp 3.14's own."""
    return MockedResponse


@pytest.fixture
def mocked() -> Iterator[aioresponses]:
    with aioresponses() as mocks:
        yield mocks
