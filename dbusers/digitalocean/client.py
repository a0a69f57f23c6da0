"""`DigitalOceanClient`: the root of the builders, and the owner of the connections."""

from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self

import aiohttp

from dbusers.adapter import Adapter
from dbusers.auth import BearerToken, base_url_of, token_of
from dbusers.clock import SYSTEM_CLOCK, Clock
from dbusers.digitalocean.databases import DatabasesRequestBuilder
from dbusers.digitalocean.errors import read_error
from dbusers.errors import ConfigurationError
from dbusers.options import RequestOption
from dbusers.ratelimit import PROVIDER_LIMIT, ProviderLimit, RateLimit, rate_limit_of
from dbusers.request import Middleware
from dbusers.secret import Secret
from dbusers.transport import MAX_BODY_SIZE
from dbusers.windows import Window

BASE_URL: Final = "https://api.digitalocean.com"
# Requests per token; API reference, "Rate Limit". Each counts for an hour after it was made.
WINDOWS: Final = (Window(250, 60), Window(5000, 3600))


class DigitalOceanClient:
    """A client of DigitalOcean's Databases API; use it with `async with`, or call `aclose`.

    - `token`: else `DIGITALOCEAN_TOKEN`, else `DIGITALOCEAN_ACCESS_TOKEN`.
    - `base_url`: else `DIGITALOCEAN_API_URL`, else the public API.
    - `session`: an aiohttp session to use and not to close. aiohttp repeats an idempotent request
      once by itself when a kept-alive connection drops; only in its own session can the client
      switch that off.
    - `middleware`: hooks around each attempt of each call, the first one outermost.
    - `operation_middleware`: hooks around each request with its retries and waits; they see the
      answer or the error that these end with, and are themselves outside the deadline.
    - `options`: for all calls: `RetryOption`, `TimeoutOption`, `OnResponse` or your own.
    - `rate_limit`: the provider's 250 requests a minute and 5,000 an hour, shared by all clients
      of this process with the same token, unless another `RateLimit` is given; None is none.
    - `max_body_size`: bytes, decompressed; a longer answer raises `UnexpectedBody`.
    - `clock`: another time than the machine's, for tests that shall not wait.

    It lives on the event loop of its first call. Raises `ConfigurationError` without a token, or
    for a URL that is not https (loopback excepted).
    """

    def __init__(
        self,
        token: str | Secret | None = None,
        *,
        base_url: str | None = None,
        session: aiohttp.ClientSession | None = None,
        middleware: Iterable[Middleware] = (),
        operation_middleware: Iterable[Middleware] = (),
        options: Iterable[RequestOption] = (),
        rate_limit: RateLimit | ProviderLimit | None = PROVIDER_LIMIT,
        max_body_size: int = MAX_BODY_SIZE,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        # The name is given up for the secret: a traceback with locals shows this frame.
        token = None if token is None else Secret.of(token)
        token = token_of(token, "DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN")
        if token is None:
            raise ConfigurationError(
                "no DigitalOcean token: pass one, or set DIGITALOCEAN_TOKEN; the control panel "
                "makes them under API, with the scope database:read and those of your calls"
            )
        base_url = base_url_of("base_url", base_url, "DIGITALOCEAN_API_URL", default=BASE_URL)
        self.adapter: Adapter = Adapter(
            base_url,
            BearerToken(token, base_url),
            read_error,
            rate_limit=rate_limit_of(rate_limit, token, WINDOWS, clock),
            session=session,
            middleware=middleware,
            operation_middleware=operation_middleware,
            options=options,
            max_body_size=max_body_size,
            clock=clock,
        )
        # Made once: every chain begins here.
        self._databases = DatabasesRequestBuilder(self.adapter, base_url, {})

    @property
    def databases(self) -> DatabasesRequestBuilder:
        """Return the builder of the clusters."""
        return self._databases

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
