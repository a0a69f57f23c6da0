"""pydo, DigitalOcean's own SDK: its asynchronous client. What it returns are dicts."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
from pydo.aio import Client

PACKAGES: Final = ("pydo", "azure-core")
IMPORT: Final = "from pydo.aio import Client; Client('token')"  # loads aiohttp only then


@attrs.frozen
class _Client:
    databases: Any

    # azure-core, below pydo, sends no bearer over plain http unless told to, loopback or not.
    async def user(self, database: str, name: str) -> object:
        return await self.databases.get_user(database, name, enforce_https=False)

    async def users(self, database: str) -> object:
        return await self.databases.list_users(database, enforce_https=False)


@asynccontextmanager
async def connected(url: str, token: str) -> AsyncIterator[_Client]:
    async with Client(token, endpoint=url) as client:
        yield _Client(client.databases)


def decode(content: bytes) -> object:
    return json.loads(content.decode())
