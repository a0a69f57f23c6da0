"""`ScalingoClient`: the root of the builders, and the owner of connections and tokens."""

import os
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self

import aiohttp

from dbusers.adapter import Adapter
from dbusers.auth import base_url_of, token_of
from dbusers.clock import SYSTEM_CLOCK, Clock
from dbusers.errors import ConfigurationError
from dbusers.options import RequestOption
from dbusers.ratelimit import PROVIDER_LIMIT, ProviderLimit, RateLimit, rate_limit_of
from dbusers.request import Middleware
from dbusers.scalingo.apps import AppsRequestBuilder, RegionsRequestBuilder
from dbusers.scalingo.auth import Hosts, TokenChain
from dbusers.scalingo.databases import DatabasesRequestBuilder
from dbusers.scalingo.errors import read_error
from dbusers.secret import Secret
from dbusers.transport import MAX_BODY_SIZE
from dbusers.windows import Window

AUTH_URL: Final = "https://auth.scalingo.com"
API_URL: Final = "https://api.{region}.scalingo.com"
DATABASE_API_URL: Final = "https://db-api.{region}.scalingo.com"
REGION: Final = "osc-fr1"
# Requests per token; API documentation, "Rate limiting". Whether the three hosts share them is not
# documented: they are assumed to.
WINDOWS: Final = (Window(60, 60),)


class ScalingoClient:
    """A client of Scalingo's Database API; use it with `async with`, or call `aclose`.

    - `api_token`: else `SCALINGO_API_TOKEN`, unless a `database_token` is given; the client
      exchanges it for bearers as it needs them.
    - `database_token`: a ready-made bearer of one database, sent with all calls to the database
      host; the platform's calls (`databases.get()`, `apps`, `regions`) need the API token too.
    - `region`: else `SCALINGO_REGION`, else `osc-fr1`; chooses the hosts.
    - `auth_url`, `api_url`, `database_api_url`: else `SCALINGO_AUTH_URL`, `SCALINGO_API_URL`,
      `SCALINGO_DB_URL`, else the region's.
    - `session`: an aiohttp session to use and not to close. aiohttp repeats an idempotent request
      once by itself when a kept-alive connection drops; only in its own session can the client
      switch that off.
    - `middleware`: hooks around each attempt of each call, the first one outermost; the calls that
      fetch bearers do not pass them.
    - `operation_middleware`: hooks around each request with its retries and waits; they see the
      answer or the error that these end with, and are themselves outside the deadline.
    - `options`: for all calls: `RetryOption`, `TimeoutOption`, `OnResponse` or your own.
    - `rate_limit`: the provider's 60 requests a minute, shared by all clients of this process with
      the same token, unless another `RateLimit` is given; None is none.
    - `max_body_size`: bytes, decompressed; a longer answer raises `UnexpectedBody`.
    - `clock`: another time than the machine's, for tests that shall not wait.

    It lives on the event loop of its first call. Raises `ConfigurationError` without a token, or
    for a URL that is not https (loopback excepted).
    """

    def __init__(
        self,
        api_token: str | Secret | None = None,
        *,
        database_token: str | Secret | None = None,
        region: str | None = None,
        auth_url: str | None = None,
        api_url: str | None = None,
        database_api_url: str | None = None,
        session: aiohttp.ClientSession | None = None,
        middleware: Iterable[Middleware] = (),
        operation_middleware: Iterable[Middleware] = (),
        options: Iterable[RequestOption] = (),
        rate_limit: RateLimit | ProviderLimit | None = PROVIDER_LIMIT,
        max_body_size: int = MAX_BODY_SIZE,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        # The names are given up for the secrets: a traceback with locals shows this frame.
        api_token = None if api_token is None else Secret.of(api_token)
        database_token = None if database_token is None else Secret.of(database_token)
        if database_token is None or api_token is not None:
            api_token = token_of(api_token, "SCALINGO_API_TOKEN")
        database_token = token_of(database_token)
        token = api_token or database_token
        if token is None:
            raise ConfigurationError(
                "no Scalingo token: pass api_token, or set SCALINGO_API_TOKEN (the dashboard makes "
                "them under your profile, API tokens), or pass the database_token of one database"
            )
        region = region or os.environ.get("SCALINGO_REGION") or REGION
        hosts = Hosts(
            auth=base_url_of("auth_url", auth_url, "SCALINGO_AUTH_URL", default=AUTH_URL),
            api=base_url_of(
                "api_url", api_url, "SCALINGO_API_URL", default=_of_region(API_URL, region)
            ),
            database_api=base_url_of(
                "database_api_url",
                database_api_url,
                "SCALINGO_DB_URL",
                default=_of_region(DATABASE_API_URL, region),
            ),
        )
        self._hosts = hosts
        self._tokens = TokenChain(hosts, clock, api_token=api_token, database_token=database_token)
        self.adapter: Adapter = Adapter(
            hosts.database_api,
            self._tokens,
            read_error,
            rate_limit=rate_limit_of(rate_limit, token, WINDOWS, clock),
            session=session,
            middleware=middleware,
            operation_middleware=operation_middleware,
            options=options,
            max_body_size=max_body_size,
            clock=clock,
        )
        self._tokens.connect(self.adapter.send_privately, self.databases.get)

    @property
    def databases(self) -> DatabasesRequestBuilder:
        """Return the builder of the databases."""
        return DatabasesRequestBuilder(self.adapter, self._hosts, self._tokens)

    @property
    def apps(self) -> AppsRequestBuilder:
        """Return the builder of the apps."""
        return AppsRequestBuilder(self.adapter, self._hosts.api, {})

    @property
    def regions(self) -> RegionsRequestBuilder:
        """Return the builder of the regions."""
        return RegionsRequestBuilder(self.adapter, self._hosts.auth, {})

    async def aclose(self) -> None:
        """Close the connections; the client cannot be used afterwards."""
        await self.adapter.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def _of_region(template: str, region: str) -> str:
    if not region.isascii() or not region.replace("-", "").isalnum():
        raise ConfigurationError(f"{region!r} is not a region: osc-fr1 or osc-secnum-fr1, say")
    return template.format(region=region)
