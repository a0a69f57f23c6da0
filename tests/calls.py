"""A client of the raw server, and the two calls that most tests make of it."""

from typing import Any

from dbusers import DigitalOceanClient, RequestConfiguration
from dbusers.digitalocean import UserCreate
from tests.clocks import JumpingClock
from tests.raw_server import RawServer


def opened(server: RawServer, **keywords: Any) -> DigitalOceanClient:
    keywords = {"clock": JumpingClock(), "rate_limit": None, "base_url": server.url} | keywords
    return DigitalOceanClient("a-token", **keywords)


async def get(client: DigitalOceanClient, *options: Any) -> Any:
    user = client.databases.by_id("c-1").users.by_username("app")
    return await user.get(RequestConfiguration(options=options))


async def create(client: DigitalOceanClient, *options: Any) -> Any:
    users = client.databases.by_id("c-1").users
    return await users.post(UserCreate("app"), RequestConfiguration(options=options))
