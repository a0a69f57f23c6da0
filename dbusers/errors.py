"""Every error the SDK raises.

    DbusersError
    ├── ConfigurationError      the client is set up wrongly: no token, a bad URL, closed
    ├── InvalidRequest          the call makes no sense; nothing was sent
    ├── ConnectionFailed        no answer: refused, reset, cut off
    ├── RequestTimedOut         no answer in time; `phase` says what was under way
    ├── UnexpectedBody          an answer that cannot be read; the message ends with its JSON path
    └── APIError                the provider refused
        ├── BadRequest          400
        ├── Unauthorized        401
        ├── Forbidden           403
        ├── NotFound            404
        ├── Conflict            409
        ├── Unprocessable       422
        ├── RateLimited         429; `retry_after` in seconds
        └── ServerError         5xx

Each carries what was answered, if anything was: `status`, `headers`, `request_id`, `rate_limit`;
how often the request was tried (`attempts`, and in `retries` the reason of each repetition);
whether the same call may be made again and could then succeed (`retryable`); and if so, what kept
the client from it (`gave_up`: "max_retries", "max_retry_after" or "budget" of `RetryOption`,
"max_wait" of `RateLimitOption`, or the "deadline"; None where repeating is left to the caller).
None of them holds a credential or a body.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for annotations only: at run time nothing is imported here
    from dbusers.response import RateLimitState


class DbusersError(Exception):
    """The root of the tree: catch it to catch everything the SDK raises on purpose."""

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        request_id: str | None = None,
        rate_limit: "RateLimitState | None" = None,
        attempts: int = 0,
        retries: tuple[str, ...] = (),
        gave_up: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retryable = retryable
        self.status = status
        self.headers: Mapping[str, str] = {} if headers is None else headers
        self.request_id = request_id
        self.rate_limit = rate_limit
        self.attempts = attempts
        self.retries = retries
        self.gave_up = gave_up

    def __reduce__(self) -> tuple[Callable[..., "DbusersError"], tuple[Any, ...]]:
        # Exceptions are copied and pickled by `args`, and the facts are not in there.
        return _rebuild, (type(self), self.__dict__)


def _rebuild(cls: type[DbusersError], facts: dict[str, Any]) -> DbusersError:
    error = cls.__new__(cls, facts["message"])
    error.__dict__.update(facts)
    return error


class ConfigurationError(DbusersError):
    """The client is set up wrongly; the message says what to set."""


class InvalidRequest(DbusersError):
    """The call makes no sense, or would go where it must not. Nothing was sent."""


class ConnectionFailed(DbusersError):
    """No answer came: the host is unknown, or the connection was refused, reset or cut off.

    `sent` is False only when nothing can have been done: no attempt reached the server, or each was
    refused with 429.
    """

    def __init__(self, message: str, *, sent: bool, retryable: bool = True) -> None:
        super().__init__(message, retryable=retryable)
        self.sent = sent


class RequestTimedOut(DbusersError):
    """No answer came in time.

    `phase` says what was under way: "connect", "read", "attempt" (one attempt as a whole), or for
    the deadline over all of them "rate limit", "token", "send" or "retry delay". `sent` is as that
    of `ConnectionFailed`.
    """

    def __init__(self, message: str, *, phase: str, sent: bool, retryable: bool = True) -> None:
        super().__init__(message, retryable=retryable)
        self.phase = phase
        self.sent = sent


class UnexpectedBody(DbusersError):
    """The answer cannot be read: not JSON, cut off, too large, or not of the documented shape.

    `problems` lists what is wrong, each with its JSON path, never with the value found there.
    """

    def __init__(self, message: str, *, problems: tuple[str, ...] = (), **facts: Any) -> None:
        super().__init__(message, **facts)
        self.problems = problems


class APIError(DbusersError):
    """The provider answered with an error status; `id` and `message` are the provider's own."""

    status: int

    def __init__(self, message: str, *, status: int, id: str | None = None, **facts: Any) -> None:  # noqa: A002  (the provider's word)
        super().__init__(message, status=status, **facts)
        self.id = id

    def __str__(self) -> str:
        trace = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.status} {self.id or ''}".rstrip() + f": {self.message}{trace}"


class BadRequest(APIError):
    """400: the provider does not understand the request."""


class Unauthorized(APIError):
    """401: the token is missing, wrong, expired or revoked."""


class Forbidden(APIError):
    """403: the token is good, but lacks the scope or the right."""


class NotFound(APIError):
    """404: no such database, or no such user in it; the message tells them apart."""


class Conflict(APIError):
    """409: it exists already, or is in a state that does not allow the call."""


class Unprocessable(APIError):
    """422: the request is understood, and refused for what it says."""


class RateLimited(APIError):
    """429: the token's budget is used up; `retry_after` says for how many seconds, if known.

    The provider says so, or the client by itself, without `headers`, for a call that must not wait;
    see `RateLimitOption`.
    """

    @property
    def retry_after(self) -> float | None:
        """Return the seconds to wait."""
        return self.rate_limit.retry_after if self.rate_limit else None


class ServerError(APIError):
    """5xx: the provider, or a proxy in front of it, failed."""


BY_STATUS: Mapping[int, type[APIError]] = MappingProxyType(
    {
        400: BadRequest,
        401: Unauthorized,
        403: Forbidden,
        404: NotFound,
        409: Conflict,
        422: Unprocessable,
        429: RateLimited,
    }
)


def error_class(status: int) -> type[APIError]:
    """Return the class for an answer's status."""
    return BY_STATUS.get(status, ServerError if 500 <= status < 600 else APIError)
