"""Async, typed SDK for the users of managed databases: DigitalOcean and Scalingo.

Start at a client (`DigitalOceanClient`, `ScalingoClient`) and follow the chain down to a verb. Each
provider has a folder with its client, builders and models. Under them lies one kernel, read from
the bottom up: `errors`, `secret`, `absent`; `codec` (models and JSON); `response`, `options`,
`request` (what is sent and answered); `auth`, `ratelimit`; `middleware` (the chain) and `adapter`
(the socket); `builder`. `testing` has a sandbox of both APIs, `audit` reads and judges the users
of whole accounts, `cli` is the command; these three load on use only.
"""

from dbusers.absent import ABSENT, Absent, Maybe
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
from dbusers.options import OnResponse, RequestOption, RetryOption, TimeoutOption
from dbusers.ratelimit import RateLimit, Window
from dbusers.request import Handler, Middleware, RequestConfiguration, RequestInformation
from dbusers.response import RateLimitState, Response
from dbusers.scalingo.client import ScalingoClient
from dbusers.secret import Secret
from dbusers.version import __version__

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
