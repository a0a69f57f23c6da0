"""`Transport`: sends one request over aiohttp; the only file that touches a socket.

It knows nothing of retries, budgets or deadlines: one request, one answer, or one of our errors.
"""

import asyncio
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.tracing import Trace
from multidict import CIMultiDict
from yarl import URL

from dbusers.auth import origin
from dbusers.codec import Problem
from dbusers.errors import (
    ConfigurationError,
    ConnectionFailed,
    DbusersError,
    InvalidRequest,
    RequestTimedOut,
)
from dbusers.options import RETRIED_STATUSES, TimeoutOption
from dbusers.proxy import proxies_for
from dbusers.request import RequestInformation
from dbusers.response import Response, new_response
from dbusers.secret import Secret, SecretBuffer, SecretBytes, SecretText
from dbusers.timeouts import Timeouts
from dbusers.version import __version__

# Bytes, decompressed. 1,000 users take about 184 KB, 4 MB with certificates; what Python makes of
# the most wasteful documents takes 24 times as much.
MAX_BODY_SIZE: Final = 16 * 1024 * 1024
CONNECTIONS: Final = 100  # at once, per client
CLOSED: Final = "the client is closed: make a new one"
DEFAULT_HEADERS: Final = CIMultiDict(
    {"Accept": "application/json", "User-Agent": f"dbusers/{__version__}"}
)


class Transport:
    """The connections of one client, on one event loop.

    The session is opened with the first request and closed by `aclose`. A session that was passed
    in is used and never closed; which proxy it takes is its own affair.
    """

    def __init__(
        self, session: aiohttp.ClientSession | None, base_urls: Iterable[str], max_body_size: int
    ) -> None:
        self._session = session
        self._owns_session = session is None
        self._proxies = {} if session is not None else proxies_for(base_urls)
        self._max_body_size = max_body_size
        self._loop: asyncio.AbstractEventLoop | None = None
        self.closed: bool = False
        """Set before the end: nothing more is to be sent."""
        self._timeouts = Timeouts()
        # A session of our own adds them by itself, for less.
        self._headers = CIMultiDict[str]() if session is None else DEFAULT_HEADERS

    def running_loop(self) -> asyncio.AbstractEventLoop:
        """Return the running event loop.

        Raises `ConfigurationError` if it is not the first one, or if the client is closed.
        """
        if self.closed:
            raise ConfigurationError(CLOSED)
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        if self._loop is not loop:
            raise ConfigurationError(
                "the client was first used on another event loop: make one client for each "
                "asyncio.run(), and close it there"
            )
        return loop

    async def aclose(self) -> None:
        """Close the connections."""
        self._timeouts.close()
        if self._session is not None and self._owns_session:
            await self._session.close()

    async def exchange(
        self,
        request: RequestInformation,
        credential: Secret,
        timeout: TimeoutOption,
        seconds: float,
    ) -> Response | DbusersError:
        """Return the answer, or the error in place of one, after so many seconds at most.

        Returned and not raised, for a traceback would show this frame, which knows the credential.
        """
        loop = self._loop or self.running_loop()
        session = self._session
        if session is None:
            connector = _ProxyConnector if self._proxies else aiohttp.TCPConnector
            session = self._session = _new_session(connector)
        headers = self._headers.copy()
        if request.content is not None:
            headers["Content-Type"] = "application/json"
        if request.headers:
            headers.update(request.headers)
        headers["Authorization"] = SecretText(credential.reveal())  # last: no hook can replace it
        proxy = self._proxies.get(origin(request.url)) if self._proxies else None
        limit = self._timeouts.start(loop, seconds)
        try:
            answer = await session.request(
                request.method,
                URL(request.url, encoded=True),  # nothing is normalised: what is quoted stays so
                headers=headers,
                data=None if request.content is None else SecretBytes(request.content),
                allow_redirects=False,
                raise_for_status=False,  # a session may do so, and its error has no body
                timeout=_client_timeout(timeout.connect, timeout.read),
                proxy=proxy.url if proxy else None,
                proxy_headers=proxy.headers if proxy else None,
                middlewares=request.aiohttp_middlewares or None,  # None: the session's own
            )
            try:
                return await self._read(answer, (credential, *request.secrets))
            finally:
                if not answer.closed:  # which it is where all of it has been read
                    answer.release()
                if request.content is not None:  # an early answer does not wait for all of it
                    await answer.wait_for_close()
        except asyncio.CancelledError:
            if not limit.is_alone():
                raise
            return RequestTimedOut(
                f"no answer within {seconds:g} s (TimeoutOption.attempt)",
                phase="attempt",
                sent=True,
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return _translated(error, timeout)
        except (RuntimeError, ValueError) as error:
            if request.aiohttp_middlewares and not session.closed:
                raise  # a caller's hook is the likelier source
            return _misused(session, error)
        finally:
            self._timeouts.end(limit)

    async def _read(
        self, answer: aiohttp.ClientResponse, secrets: tuple[Secret, ...]
    ) -> Response | DbusersError:
        # No piece of the body is ever a plain local: a traceback would show it.
        body = answer.content
        status, headers = answer.status, answer.headers
        try:
            content = SecretBuffer(await body.readany())
            while not body.at_eof() and len(content) <= self._max_body_size:
                content += await body.readany()
        except aiohttp.ClientPayloadError as error:
            if "content-encoding" not in str(error):
                raise
            problem = "the body is not compressed as its headers say"
        else:
            if len(content) <= self._max_body_size:
                return new_response(status, headers, bytes(content), secrets=secrets)
            problem = f"the body is larger than {self._max_body_size} bytes"
        answer.close()
        if status >= 400:  # which says more than its body
            return Response(status, headers, secrets=secrets)
        found = Response(status, headers, attempts=0, secrets=secrets)
        return found.unexpected(Problem((problem,)))


class _ProxyConnector(aiohttp.TCPConnector):
    """aiohttp's, but one for which a proxy's answer to CONNECT is part of connecting.

    By itself it waits for that answer without end, and what goes wrong there looks as if the
    request had been sent.
    """

    async def _create_connection(
        self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        try:
            async with asyncio.timeout(timeout.sock_connect):
                return await super()._create_connection(req, traces, timeout)
        except TimeoutError:
            raise aiohttp.ConnectionTimeoutError from None
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.InvalidURL):
            raise
        except (aiohttp.ClientError, OSError):
            # From None: the error holds what the proxy said.
            broken = OSError("it ended the connection, or does not speak HTTP")
            raise aiohttp.ClientProxyConnectionError(req.connection_key, broken) from None


def _new_session(connector: type[aiohttp.TCPConnector]) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=connector(limit=CONNECTIONS),
        headers=DEFAULT_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    # By itself aiohttp sends an idempotent request again when a kept-alive connection drops: past
    # the rate limit, and a DELETE whose first answer was lost would end as "not found". There is
    # no public switch; tests/test_retry.py fails if this one stops working.
    session._retry_connection = False
    return session


@lru_cache(maxsize=64)
def _client_timeout(connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(sock_connect=connect, sock_read=read)


def _translated(error: Exception, timeout: TimeoutOption) -> DbusersError:  # noqa: PLR0911  (a table)
    """Return our error for aiohttp's: the one seam where foreign exceptions end.

    Ours names hosts and system errors, never headers or bodies.
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
        case TimeoutError():  # of a hook or a mock
            return RequestTimedOut("no answer in time", phase="attempt", sent=True)
        case aiohttp.ClientSSLError():
            return ConnectionFailed(f"no secure connection: {error}", sent=False, retryable=False)
        case aiohttp.ClientConnectorError():
            return ConnectionFailed(f"no connection: {error}", sent=False)
        case aiohttp.ClientHttpProxyError():
            return ConnectionFailed(
                f"the proxy refused the connection with status {error.status}",
                sent=False,
                retryable=error.status in RETRIED_STATUSES,
            )
        case aiohttp.InvalidURL():
            return InvalidRequest("the URL cannot be sent: its host or port is invalid")
        case aiohttp.ClientResponseError() if "content-encoding" in error.message.lower():
            return ConnectionFailed(
                "the answer is compressed in a way that cannot be read here",
                sent=True,
                retryable=False,
            )
        case aiohttp.ClientResponseError():
            return ConnectionFailed("the answer is not HTTP", sent=True)
        case aiohttp.ClientPayloadError():  # whose own text may quote the body
            return ConnectionFailed("the answer broke off before its end", sent=True)
        case OSError() if error.strerror:
            return ConnectionFailed(f"the connection broke: {error.strerror}", sent=True)
        case _:  # one of which holds the headers that came before the break
            return ConnectionFailed("the connection broke before the answer's end", sent=True)


def _misused(session: aiohttp.ClientSession, error: Exception) -> ConfigurationError:
    if session.closed:
        return ConfigurationError("the aiohttp session is closed: pass an open one")
    return ConfigurationError(f"the aiohttp session cannot be used: {error}")
