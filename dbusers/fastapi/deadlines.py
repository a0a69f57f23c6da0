"""How long a request may take, as the deadline of every call that is made to serve it."""

import re
from typing import Any, Final

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from dbusers.clock import SYSTEM_CLOCK, Clock
from dbusers.deadline import limit_in_force, time_limit
from dbusers.fastapi.problems import MEDIA_TYPE

HEADER: Final = "X-Request-Timeout"
SECONDS: Final = re.compile(r"[0-9]{1,8}([.][0-9]{1,9})?")


class RequestDeadline:
    """Middleware: the SDK's calls end within the time that the request has.

        app.add_middleware(RequestDeadline, seconds=10)

    All calls made while a request is served have `seconds` together, counted from its arrival. Who
    asks may give the request less, in seconds, by the header `X-Request-Timeout` or another; never
    more. With `seconds=None` there is only what is asked for, with `header=None` only `seconds`. A
    call that cannot end in time raises `RequestTimedOut`, at once where that is known beforehand:
    see `dbusers.deadline.time_limit`. Nothing else of the request is ended. A header that is no
    number of seconds is answered with 400. Streams that take longer than requests do depend on
    `without_deadline`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        seconds: float | None = None,
        header: str | None = HEADER,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._app = app
        self._seconds = seconds
        self._header = header
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seconds = self._seconds
        asked = Headers(scope=scope).get(self._header) if self._header else None
        if asked is not None:
            if not SECONDS.fullmatch(asked):
                await _refusal(self._header)(scope, receive, send)
                return
            seconds = float(asked) if seconds is None else min(float(asked), seconds)
        if seconds is None:
            await self._app(scope, receive, send)
            return
        with time_limit(seconds, clock=self._clock):
            await self._app(scope, receive, send)


async def without_deadline() -> None:
    """Lift `RequestDeadline` for an endpoint: `dependencies=[Depends(without_deadline)]`.

    It is lifted for all that follows in this request: dependencies after this one, the endpoint,
    what it streams and its background tasks.
    """
    # Not for a `with`: until FastAPI 0.118 a dependency that yields is left before a stream begins.
    limit_in_force.set(None)


def _refusal(header: str | None) -> JSONResponse:
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": f"{header} must be a number of seconds, such as 2.5.",
    }
    return JSONResponse(problem, 400, media_type=MEDIA_TYPE)
