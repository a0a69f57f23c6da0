"""dbusers, with all that its pipeline does: retries, budget, deadlines, typed models, secrets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import attrs

from dbusers import DigitalOceanClient, RateLimit, Window
from dbusers.digitalocean import DatabaseUser
from dbusers.response import Response

PACKAGES: Final = ("dbusers", "attrs", "cattrs")
IMPORT: Final = "from dbusers import DigitalOceanClient"  # comes with all models of its provider


@attrs.frozen
class _Client:
    client: DigitalOceanClient

    async def user(self, database: str, name: str) -> object:
        return await self.client.databases.by_id(database).users.by_username(name).get()

    async def users(self, database: str) -> object:
        return await self.client.databases.by_id(database).users.get()


def unspent() -> RateLimit:
    """Return a budget that is never used up: its bookkeeping is part of what is measured."""
    return RateLimit([Window(10**8, 60), Window(10**9, 3600)])


@asynccontextmanager
async def connected(url: str, token: str) -> AsyncIterator[_Client]:
    async with DigitalOceanClient(token, base_url=url, rate_limit=unspent()) as client:
        yield _Client(client)


def decode(content: bytes) -> object:
    return Response(200, content=content).read(list[DatabaseUser], "users")
