"""Scalingo's three hosts, each played by a server of its own, and a client of them."""

import base64
from typing import Any

import orjson

from dbusers import (
    RetryOption,
    ScalingoClient,
)
from tests.clocks import JumpingClock
from tests.raw_server import Exchange, RawServer, answer

API_TOKEN = "tk-us-4f1c"
BASIC = "Basic " + base64.b64encode(f":{API_TOKEN}".encode()).decode()
HOUR = 3600.0


def jwt(**claims: float) -> str:
    parts = ({"alg": "none"}, claims, {"signature": 1})
    return ".".join(
        base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=").decode() for part in parts
    )


class Provider:
    """Plays Scalingo's three hosts, each on a server of its own."""

    def __init__(self, auth: RawServer, api: RawServer, databases: RawServer) -> None:
        self.auth, self.api, self.databases = auth, api, databases
        self.bearers = 0
        self.lifetime: dict[str, float] | None = None  # claims of a JWT, None for an opaque bearer
        self.auth.plays(self._exchange)
        self.api.plays(self._platform)
        self.databases.plays(answer(200, {"database-users": [{"name": "app"}]}))

    def _bearer(self, kind: str) -> str:
        self.bearers += 1
        if self.lifetime is None:
            return f"{kind}-{self.bearers}"
        return jwt(**self.lifetime, number=self.bearers)

    async def _exchange(self, exchange: Exchange) -> None:
        await answer(200, {"token": self._bearer("platform")})(exchange)

    async def _platform(self, exchange: Exchange) -> None:
        assert exchange.received is not None
        target = exchange.received.target.decode()
        bodies: dict[str, Any] = {
            "/v1/apps": {"apps": [{"id": "1", "name": "shop"}, {"id": "2", "name": "blog"}]},
            "/v1/databases": {"databases": []},
            "/v1/apps/shop/addons": {"addons": [{"id": "ad-1"}, {"id": "ad-2"}]},
            "/v1/apps/blog/addons": {"addons": [{"id": "ad-3"}]},
        }
        if target.endswith("/token"):
            await answer(200, {"addon": {"id": "x", "token": self._bearer("database")}})(exchange)
        else:
            await answer(200, bodies[target])(exchange)

    @property
    def exchanges(self) -> int:
        return len(self.auth.requests)

    @property
    def token_calls(self) -> list[str]:
        return [r.target.decode() for r in self.api.requests if r.target.endswith(b"/token")]


def opened(provider: Provider, clock: JumpingClock, **keywords: Any) -> ScalingoClient:
    keywords = {"rate_limit": None, "options": [RetryOption(max_retries=0)]} | keywords
    return ScalingoClient(
        keywords.pop("api_token", API_TOKEN),
        auth_url=provider.auth.url,
        api_url=provider.api.url,
        database_api_url=provider.databases.url,
        clock=clock,
        **keywords,
    )


def users_of(client: ScalingoClient, database: str = "ad-1", app: str | None = "shop") -> Any:
    return client.databases.by_id(database, app=app).users
