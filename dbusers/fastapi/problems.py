"""Errors of the SDK as answers: problem documents (RFC 9457) that are about the caller.

What a provider answers to the backend is not what the backend should answer to its own caller: a
token that the provider refuses is the backend's, and so is a budget that is used up. And of what a
provider says nothing is repeated: it may name hosts, tokens and other people's users.
"""

import logging
import re
from http import HTTPStatus
from math import ceil
from typing import Any, Final, cast

from fastapi.requests import HTTPConnection
from fastapi.responses import JSONResponse, Response
from fastapi.websockets import WebSocket, WebSocketState
from starlette.types import Receive, Scope, Send

from dbusers.errors import (
    APIError,
    BadRequest,
    ConfigurationError,
    Conflict,
    DbusersError,
    InvalidRequest,
    NotFound,
    RateLimited,
    RequestTimedOut,
    ServerError,
    Unprocessable,
)

MEDIA_TYPE: Final = "application/problem+json"
REQUEST_ID: Final = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)  # ids and trace ids of all kinds
TITLES: Final = {422: "Unprocessable Content"}  # RFC 9110's name; Python has it since 3.13
OPEN: Final = WebSocketState.CONNECTED
INTERNAL_ERROR, TRY_AGAIN_LATER = 1011, 1013  # of the codes that close a WebSocket; IANA's registry

_logger: Final = logging.getLogger("dbusers.fastapi")


async def problem_response(connection: HTTPConnection, error: Exception) -> Response:
    """Return the answer to a request that failed with a `DbusersError`, and log it once.

        FastAPI(exception_handlers={DbusersError: problem_response})

    | error                                            | answer                                  |
    |--------------------------------------------------|-----------------------------------------|
    | `NotFound`                                       | 404                                     |
    | `Conflict`, and 412 (a cluster not ready)        | 409                                     |
    | `BadRequest`, `Unprocessable`, `InvalidRequest`  | 422: what the caller sent is at fault   |
    | `RateLimited`, and the provider's own 503        | 503, with the provider's `Retry-After`  |
    | `RequestTimedOut`                                | 504                                     |
    | `Unauthorized`, `Forbidden`                      | 502: the token is the backend's         |
    | `ConnectionFailed`, `UnexpectedBody`, all others | 502                                     |
    | `ConfigurationError`                             | 500                                     |

    Of several failures, as a `TaskGroup` raises them, the first is answered; register it for these
    too, `ExceptionGroup: problem_response`. A group with anything else in it is raised again.

    A WebSocket that is accepted already is closed: with 1013 if what failed may succeed later, else
    with 1011.

    The body is `application/problem+json`: `title`, `status`, a `detail` in words of ours,
    `retryable` (whether the same request may succeed later), and the provider's `request_id` as
    `upstream_request_id`, if it gave one. The log, `dbusers.fastapi`, has all that the error says:
    below 500 as information, else as a warning, and the backend's own faults as errors.
    """
    failure = _failure_in(error)
    status, detail = _told(failure)
    _log(connection, failure, status)
    if isinstance(connection, WebSocket) and connection.application_state is OPEN:
        await connection.close(TRY_AGAIN_LATER if failure.retryable else INTERNAL_ERROR)
        return _Said()
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(status, HTTPStatus(status).phrase),
        "status": status,
        "detail": detail,
        "retryable": failure.retryable,
    }
    if failure.request_id and REQUEST_ID.fullmatch(failure.request_id):
        problem["upstream_request_id"] = failure.request_id
    headers = {"Cache-Control": "no-store"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE and (seconds := _retry_after(failure)):
        headers["Retry-After"] = str(seconds)
    return JSONResponse(problem, status, headers, MEDIA_TYPE)


class _Said(Response):
    """What is returned where the answer has been given already."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send nothing."""


def _failure_in(error: Exception) -> DbusersError:
    if isinstance(error, ExceptionGroup):
        ours, others = error.split(DbusersError)
        if ours is None or others is not None:
            raise error
        return _failure_in(ours.exceptions[0])
    return cast("DbusersError", error)


def _told(error: DbusersError) -> tuple[int, str]:  # noqa: PLR0911  (a table)
    """Return the status, and what the caller is told."""
    match error:
        case NotFound():
            return 404, "There is no such database, or no such user in it."
        case Conflict() | APIError(status=412):
            return 409, "It exists already, or the database is in a state that does not allow this."
        case BadRequest() | Unprocessable() | InvalidRequest():
            return 422, "The request is not one that the database provider accepts."
        case RateLimited() | ServerError(status=503):
            return 503, "The database provider takes no more requests for now."
        case RequestTimedOut():
            return 504, "The database provider could not answer in time."
        case ConfigurationError():
            return 500, "This service is not set up to reach the database provider."
        case _:
            return 502, "The database provider could not be reached, or refused to serve us."


def _retry_after(error: DbusersError) -> int | None:
    """Return whole seconds, rounded up: who comes back a moment too early is refused again."""
    seconds = error.rate_limit.retry_after if error.rate_limit else None
    return None if seconds is None else max(1, ceil(seconds))


def _log(connection: HTTPConnection, error: DbusersError, status: int) -> None:
    route = connection.scope.get("route")  # its path names no user
    is_ours = status == HTTPStatus.INTERNAL_SERVER_ERROR
    level = logging.ERROR if is_ours else logging.WARNING if status > 500 else logging.INFO
    _logger.log(
        level,
        "%s %s answered with %d: %s: %s (upstream request id %s, attempts %d)",
        connection.scope.get("method", "WEBSOCKET"),
        getattr(route, "path", "?"),
        status,
        type(error).__name__,
        error.message,
        error.request_id,
        error.attempts,
        exc_info=error if is_ours else None,
    )
