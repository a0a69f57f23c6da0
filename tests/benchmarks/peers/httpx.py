"""httpx as it is, and the `json` of its answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import attrs
import httpx

PACKAGES: Final = ("httpx", "httpcore", "h11")
IMPORT: Final = "import httpx"


@attrs.frozen
class _Client:
    client: httpx.AsyncClient

    async def user(self, database: str, name: str) -> object:
        return await self._get(f"/v2/databases/{database}/users/{name}")

    async def users(self, database: str) -> object:
        return await self._get(f"/v2/databases/{database}/users")

    async def _get(self, path: str) -> object:
        return (await self.client.get(path)).raise_for_status().json()


@asynccontextmanager
async def connected(url: str, token: str) -> AsyncIterator[_Client]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        yield _Client(client)


def decode(content: bytes) -> object:
    return httpx.Response(200, content=content).json()
