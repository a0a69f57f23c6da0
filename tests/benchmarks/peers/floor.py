"""The floor: aiohttp, and `orjson.loads` of the body."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
import attrs
import orjson

PACKAGES: Final = ("aiohttp", "orjson")
IMPORT: Final = "import aiohttp, attrs, cattrs, orjson"  # all that dbusers stands on


@attrs.frozen
class _Client:
    session: aiohttp.ClientSession
    url: str
    headers: dict[str, str]

    async def user(self, database: str, name: str) -> object:
        return await self._get(f"{self.url}/v2/databases/{database}/users/{name}")

    async def users(self, database: str) -> object:
        return await self._get(f"{self.url}/v2/databases/{database}/users")

    async def _get(self, url: str) -> object:
        async with self.session.get(url, headers=self.headers) as answer:
            return orjson.loads(await answer.read())


@asynccontextmanager
async def connected(url: str, token: str) -> AsyncIterator[_Client]:
    async with aiohttp.ClientSession() as session:
        yield _Client(session, url, {"Authorization": f"Bearer {token}"})


def decode(content: bytes) -> object:
    return orjson.loads(content)
