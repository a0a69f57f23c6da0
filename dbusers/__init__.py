"""Async, typed SDK for the users of managed databases: DigitalOcean and Scalingo.

Start at a client (`DigitalOceanClient`, `ScalingoClient`) and follow the chain down to a verb. Each
provider has a folder with its client, builders and models. Under them lies one kernel, read from
the bottom up: `errors`, `secret`, `absent`; `codec` (models and JSON); `response`, `options`,
`request` (what is sent and answered); `auth`, `proxy`; `windows` and `ratelimit` (a token's
budget); `deadline`, `retry` and `middleware` (the chain); `transport` (the socket) and `adapter`
(one operation, through all of these); `paging` and `builder`. `testing` has a sandbox of both APIs,
`audit` reads and judges the users of whole accounts, `cli` is the command; these three load on use,
as do the providers.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from dbusers.absent import ABSENT, Absent, Maybe
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
from dbusers.secret import Secret
from dbusers.version import __version__
from dbusers.windows import Window

if TYPE_CHECKING:
    from dbusers.digitalocean.client import DigitalOceanClient
    from dbusers.scalingo.client import ScalingoClient

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
]

# A client comes with all models of its provider, which take half of the import's time: who uses
# one provider does not pay for the other.
_CLIENTS = {
    "DigitalOceanClient": "dbusers.digitalocean.client",
    "ScalingoClient": "dbusers.scalingo.client",
}


def __getattr__(name: str) -> object:
    if name not in _CLIENTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    client = globals()[name] = getattr(import_module(_CLIENTS[name]), name)
    return client


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
