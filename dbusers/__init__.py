"""Async, typed SDK for the users of managed databases: DigitalOcean and Scalingo.

Start at a client (`DigitalOceanClient`, `ScalingoClient`) and follow the chain down to a verb. Each
provider has a folder with its client, builders and models. Under them lies one kernel, read from
the bottom up: `errors`, `secret`, `absent`, `urls`; `model`, `fieldtypes`, `unfrozen`,
`constructors` and `codec` (models and JSON); `response`, `options`, `request` (what is sent and
answered); `auth`, `proxy`; `windows` and `ratelimit` (a token's budget); `deadline`, `logs`,
`middleware` and `retry` (the chain); `timeouts` and `transport` (the socket); `attempt` and
`adapter` (one operation, through all of these); `paging` and `builder`.

On top of that stand `bulk` (one operation on many users), `audit` (reads and judges the users of
whole accounts), `fastapi`, `otel`, `testing` (a sandbox of both APIs, and fixtures) and `cli` (the
command). Everything loads on use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from dbusers.version import __version__

if TYPE_CHECKING:
    from dbusers.absent import ABSENT, Absent, Maybe
    from dbusers.deadline import time_limit
    from dbusers.digitalocean.client import DigitalOceanClient
    from dbusers.errors import (
        APIError,
        BadRequest,
        ConfigurationError,
        Conflict,
        ConnectionFailed,
        DbusersError,
        Forbidden,
        InvalidRequest,
        NotFound,
        RateLimited,
        RequestTimedOut,
        ServerError,
        Unauthorized,
        UnexpectedBody,
        Unprocessable,
    )
    from dbusers.options import (
        OnResponse,
        RateLimitOption,
        RequestOption,
        RetryOption,
        TimeoutOption,
    )
    from dbusers.ratelimit import RateLimit
    from dbusers.request import Handler, Middleware, RequestConfiguration, RequestInformation
    from dbusers.response import RateLimitState, Response
    from dbusers.scalingo.client import ScalingoClient
    from dbusers.secret import Secret
    from dbusers.windows import Window

__all__ = [
    "ABSENT",
    "APIError",
    "Absent",
    "BadRequest",
    "ConfigurationError",
    "Conflict",
    "ConnectionFailed",
    "DbusersError",
    "DigitalOceanClient",
    "Forbidden",
    "Handler",
    "InvalidRequest",
    "Maybe",
    "Middleware",
    "NotFound",
    "OnResponse",
    "RateLimit",
    "RateLimitOption",
    "RateLimitState",
    "RateLimited",
    "RequestConfiguration",
    "RequestInformation",
    "RequestOption",
    "RequestTimedOut",
    "Response",
    "RetryOption",
    "ScalingoClient",
    "Secret",
    "ServerError",
    "TimeoutOption",
    "Unauthorized",
    "UnexpectedBody",
    "Unprocessable",
    "Window",
    "__version__",
    "time_limit",
]

# A name is loaded on its first use: who uses one provider does not pay for the other's models, and
# pytest, which finds our plug-in in every project that has the SDK installed, pays for nothing.
_NAMES = {
    "absent": ("ABSENT", "Absent", "Maybe"),
    "deadline": ("time_limit",),
    "digitalocean.client": ("DigitalOceanClient",),
    "errors": (
        "APIError",
        "BadRequest",
        "ConfigurationError",
        "Conflict",
        "ConnectionFailed",
        "DbusersError",
        "Forbidden",
        "InvalidRequest",
        "NotFound",
        "RateLimited",
        "RequestTimedOut",
        "ServerError",
        "Unauthorized",
        "UnexpectedBody",
        "Unprocessable",
    ),
    "options": ("OnResponse", "RateLimitOption", "RequestOption", "RetryOption", "TimeoutOption"),
    "ratelimit": ("RateLimit",),
    "request": ("Handler", "Middleware", "RequestConfiguration", "RequestInformation"),
    "response": ("RateLimitState", "Response"),
    "scalingo.client": ("ScalingoClient",),
    "secret": ("Secret",),
    "windows": ("Window",),
}
_HOMES = {name: f"dbusers.{module}" for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
