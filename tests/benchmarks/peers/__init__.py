"""The clients that stand side by side: one module each, and all can do what `Peer` says.

`floor` is aiohttp with orjson, `ours` is dbusers, the others are what else people use. Each is set
up as its own documentation shows.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from importlib import import_module
from typing import Final, Protocol, cast

from tests.benchmarks.rows import FLOOR, OURS

MODULES: Final = {  # by their names in the tables
    FLOOR: "floor",
    OURS: "ours",
    "httpx": "httpx",
    "pydo": "pydo",
    "Kiota": "kiota",
}


class Client(Protocol):
    """One client, open: it has connections, and keeps them."""

    async def user(self, database: str, name: str) -> object:
        """Return a user of a database, as this client's users have it."""

    async def users(self, database: str) -> object:
        """Return all users of a database."""


class Peer(Protocol):
    """A module of this package."""

    PACKAGES: tuple[str, ...]  # whose versions matter
    IMPORT: str  # the statement of its users

    def connected(self, url: str, token: str) -> AbstractAsyncContextManager[Client]:
        """Return a client of the API at this URL, to be opened and closed by `async with`."""

    def decode(self, content: bytes) -> object:
        """Return what this client makes of the body of a list of users."""


def peer(name: str) -> Peer:
    """Return the client of this name. Raises `ModuleNotFoundError` where it is not installed."""
    return cast(Peer, import_module(f"{__name__}.{MODULES[name]}"))


def found() -> Mapping[str, Peer]:
    """Return the clients that are installed, by name."""
    peers = {}
    for name in MODULES:
        with suppress(ModuleNotFoundError):
            peers[name] = peer(name)
    return peers
