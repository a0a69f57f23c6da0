"""`Adapter`: sends a `RequestInformation` over aiohttp; the only file that touches a socket."""

import asyncio
from collections.abc import Iterable
from math import inf
from typing import Final

import aiohttp
import attrs
from multidict import CIMultiDict
from yarl import URL

from dbusers.auth import Authenticator
from dbusers.clock import SYSTEM_CLOCK, Clock
from dbusers.codec import Problem
from dbusers.errors import (
    ConfigurationError,
    ConnectionFailed,
    DbusersError,
    InvalidRequest,
    RequestTimedOut,
)
from dbusers.middleware import (
    Authorize,
    InTime,
    Limit,
    OutOfTime,
    Progress,
    Retry,
    chain,
    progress,
)
from dbusers.options import OnResponse, RequestOption, TimeoutOption
from dbusers.ratelimit import RateLimit
from dbusers.request import Handler, Middleware, Repeat, RequestInformation, options_of
from dbusers.response import ErrorReader, Response
from dbusers.secret import Secret, SecretBuffer, SecretBytes, SecretText
from dbusers.version import __version__

MAX_BODY_SIZE: Final = 64 * 1024 * 1024  # bytes, decompressed; 1,000 users take about 184 KB
LEAST_TIME: Final = 0.001  # seconds; aiohttp takes 0 for "without end"
CONNECTIONS: Final = 100  # at once, per client
DEFAULT_TIMEOUT: Final = TimeoutOption()
DEFAULT_HEADERS: Final = CIMultiDict(
    {"Accept": "application/json", "User-Agent": f"dbusers/{__version__}"}
)


class Adapter:
    """The pipeline of one client, and its connections.

    It lives on one event loop: the session is opened on the first request and closed by
    `aclose`. A session that was passed in is used and never closed.
    """

    def __init__(
        self,
        base_url: str,
        authenticator: Authenticator,
        read_error: ErrorReader,
        *,
        rate_limit: RateLimit | None = None,
        session: aiohttp.ClientSession | None = None,
        middleware: Iterable[Middleware] = (),
        options: Iterable[RequestOption] = (),
        max_body_size: int = MAX_BODY_SIZE,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.base_url = base_url
        self.options = options_of(options)
        self._read_error = read_error
        self._session = session
        self._owns_session = session is None
        self._max_body_size = max_body_size
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._authorize = Authorize(authenticator, self._transmit, clock)
        self._clock = clock
        self._outer: tuple[Middleware, ...] = (
            Retry(clock),
            Limit(rate_limit, authenticator, clock),
        )
        self._middleware = tuple(middleware)
        self._private_chain = chain(self._outer, self._authorize)
        self._chain = self._chain_with(())

    async def send(self, request: RequestInformation) -> Response:
        """Return the answer to `request`, through the client's whole pipeline.

        Builders call this, and so may you, for what the SDK does not cover:

            request = RequestInformation("GET", "/v2/databases/{id}/replicas", {"id": cluster_id})
            replicas = (await client.adapter.send(request)).json()["replicas"]

        Raises an `APIError` for any status but 2xx, and the other errors of `dbusers.errors`.
        """
        request = request.with_defaults(self.base_url, self.options)
        handler = self._chain_with(request.middleware) if request.middleware else self._chain
        response = await self._operate(request, handler)
        observer = request.option(OnResponse)
        if observer is not None:
            observer.callback(response)
        return self._value_or_raise(request, response)

    async def send_privately(self, request: RequestInformation) -> Response:
        """Return the answer to `request`, past no caller's hook: it is itself a credential."""
        options = tuple(option for option in self.options if not isinstance(option, OnResponse))
        request = request.with_defaults(self.base_url, options)
        return self._value_or_raise(request, await self._operate(request, self._private_chain))

    async def aclose(self) -> None:
        """Close the connections. Requests under way fail; later ones raise an error."""
        self._closed = True
        if self._session is not None and self._owns_session:
            await self._session.close()

    def _chain_with(self, middleware: tuple[Middleware, ...]) -> Handler:
        hooks = (*self._middleware, *middleware)
        if not hooks:
            return self._private_chain
        return chain((*self._outer, InTime(self._clock), *hooks), self._authorize)

    def _value_or_raise(self, request: RequestInformation, response: Response) -> Response:
        if 200 <= response.status < 300:
            return response
        raise response.error(self._read_error, request.secrets)

    async def _operate(self, request: RequestInformation, handler: Handler) -> Response:
        total = (request.option(TimeoutOption) or DEFAULT_TIMEOUT).total
        at = Progress(inf if total is None else self._clock.monotonic() + total)
        token = progress.set(at)
        try:
            return await handler(request)
        except DbusersError as failure:
            if not failure.attempts:  # those of a token's request, if it failed, are more telling
                failure.attempts, failure.retries = at.attempts, tuple(at.retries)
            raise
        except OutOfTime:
            pass
        finally:
            progress.reset(token)
        error = RequestTimedOut(
            f"no answer within {total} s (TimeoutOption.total); under way: {at.phase}",
            phase=at.phase,
            sent=at.attempts > 0,
            retryable=request.repeat is Repeat.ALWAYS or not at.attempts,
        )
        error.attempts, error.retries = at.attempts, tuple(at.retries)
        raise error

    async def _transmit(self, request: RequestInformation, credential: Secret) -> Response:
        session = self._session_on_this_loop()
        timeout = request.option(TimeoutOption) or DEFAULT_TIMEOUT
        left = progress.get().deadline - self._clock.monotonic()
        last = timeout.attempt is None or left < timeout.attempt
        if last:
            timeout = attrs.evolve(timeout, attempt=max(left, LEAST_TIME) if left < inf else None)
        outcome = await self._exchange(session, request, credential, timeout)
        # Raised here and not there: that frame, which a traceback would show, knows the credential.
        if isinstance(outcome, DbusersError):
            if last and isinstance(outcome, RequestTimedOut) and outcome.phase == "attempt":
                raise OutOfTime
            raise outcome
        return outcome

    async def _exchange(
        self,
        session: aiohttp.ClientSession,
        request: RequestInformation,
        credential: Secret,
        timeout: TimeoutOption,
    ) -> Response | DbusersError:
        headers = DEFAULT_HEADERS.copy()
        if request.content is not None:
            headers["Content-Type"] = "application/json"
        if request.headers:
            headers.update(request.headers)
        headers["Authorization"] = SecretText(credential.reveal())
        try:
            async with session.request(
                request.method,
                URL(request.url, encoded=True),  # nothing is normalised: what is quoted stays so
                headers=headers,
                data=None if request.content is None else SecretBytes(request.content),
                allow_redirects=False,
                raise_for_status=False,  # a session may do so, and its error has no body
                timeout=(
                    DEFAULT_CLIENT_TIMEOUT
                    if timeout is DEFAULT_TIMEOUT
                    else _client_timeout(timeout)
                ),
                middlewares=request.aiohttp_middlewares or None,  # None: the session's own
            ) as answer:
                content = await self._read(answer)
                if isinstance(content, Problem):
                    answer.close()
                    return Response(answer.status, answer.headers, attempts=0).unexpected(content)
                return Response(answer.status, answer.headers, bytes(content))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return _translated(error, timeout)
        except (RuntimeError, ValueError) as error:
            if request.aiohttp_middlewares and not session.closed:
                raise  # a caller's hook is the likelier source
            return _misused(session, error)

    async def _read(self, answer: aiohttp.ClientResponse) -> SecretBuffer | Problem:
        # No piece of it is ever a plain local: a traceback would show it.
        body = answer.content
        try:
            content = SecretBuffer(await body.readany())
            while not body.at_eof() and len(content) <= self._max_body_size:
                content += await body.readany()
        except aiohttp.ClientPayloadError as error:
            if "content-encoding" not in str(error):
                raise
            return Problem(("the body is not compressed as its headers say",))
        if len(content) > self._max_body_size:
            return Problem((f"the body is larger than {self._max_body_size} bytes",))
        return content

    def _session_on_this_loop(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ConfigurationError("the client is closed: make a new one")
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        if self._loop is not loop:
            raise ConfigurationError(
                "the client was first used on another event loop: make one client for each "
                "asyncio.run(), and close it there"
            )
        if self._session is None:
            self._session = _new_session()
        return self._session


def _new_session() -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    # By itself aiohttp sends an idempotent request again when a kept-alive connection drops: past
    # the rate limit, and a DELETE whose first answer was lost would end as "not found". There is
    # no public switch; tests/test_retry.py fails if this one stops working.
    session._retry_connection = False
    return session


def _client_timeout(timeout: TimeoutOption) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=timeout.attempt, sock_connect=timeout.connect, sock_read=timeout.read
    )


DEFAULT_CLIENT_TIMEOUT: Final = _client_timeout(DEFAULT_TIMEOUT)


def _translated(error: Exception, timeout: TimeoutOption) -> DbusersError:  # noqa: PLR0911  (a table)
    """Return our error for aiohttp's: the one seam where foreign exceptions end.

    Their text names hosts and system errors, never headers or bodies.
    """
    match error:
        case aiohttp.ConnectionTimeoutError():
            return RequestTimedOut(
                f"no connection within {timeout.connect} s (TimeoutOption.connect)",
                phase="connect",
                sent=False,
            )
        case aiohttp.SocketTimeoutError():
            return RequestTimedOut(
                f"no data for {timeout.read} s (TimeoutOption.read)", phase="read", sent=True
            )
        case TimeoutError():
            return RequestTimedOut(
                f"no answer within {timeout.attempt} s (TimeoutOption.attempt)",
                phase="attempt",
                sent=True,
            )
        case aiohttp.ClientSSLError():
            return ConnectionFailed(f"no secure connection: {error}", sent=False, retryable=False)
        case aiohttp.ClientConnectorError():
            return ConnectionFailed(f"no connection: {error}", sent=False)
        case aiohttp.InvalidURL():
            return InvalidRequest("the URL cannot be sent: its host or port is invalid")
        case aiohttp.ClientResponseError():
            return ConnectionFailed("the answer is not HTTP", sent=True)
        case aiohttp.ClientPayloadError():  # whose own text may quote the body
            return ConnectionFailed("the answer broke off before its end", sent=True)
        case _:
            reason = str(error) or type(error).__name__
            return ConnectionFailed(f"the connection broke: {reason}", sent=True)


def _misused(session: aiohttp.ClientSession, error: Exception) -> ConfigurationError:
    if session.closed:
        return ConfigurationError("the aiohttp session is closed: pass an open one")
    return ConfigurationError(f"the aiohttp session cannot be used: {error}")
