"""`RequestInformation`: a request, complete and unsent. `RequestConfiguration`: a caller's part."""

import enum
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Self, TypeVar, cast
from urllib.parse import quote, urlencode

import attrs
from aiohttp import ClientMiddlewareType

from dbusers.errors import InvalidRequest
from dbusers.options import RequestOption
from dbusers.response import Response
from dbusers.secret import Secret
from dbusers.unfrozen import copier, unfrozen
from dbusers.urls import SURROGATE, checked_url, fill

T = TypeVar("T")
O = TypeVar("O", bound=RequestOption)  # noqa: E741

QueryValue = str | int | bool | None

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2: token
UNSAFE_IN_HEADER: Final = re.compile(r"[^\t\x20-\x7e]")  # RFC 9110, 5.5: what is not obsolete
# The client proves who it is, and frames the message; a caller's own values would contradict it,
# or wait for what never comes.
RESERVED_HEADERS: Final = frozenset(
    {
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class Repeat(enum.Enum):
    """When a request may be sent a second time."""

    ALWAYS = "always"
    """Twice does the same as once."""
    IF_REFUSED = "if refused"
    """Only after a 429, or where it cannot have reached the server: twice would do it twice."""
    IF_UNSENT = "if unsent"
    """Only where it cannot have reached the server: each time rotates a secret."""


# What HTTP says of the methods (RFC 9110, 9.2.2); of any other nothing is known.
IDEMPOTENT: Final = dict.fromkeys(
    ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"), Repeat.ALWAYS
)
NOT_IDEMPOTENT: Final = Repeat.IF_REFUSED


def _method(method: str) -> str:
    if method in IDEMPOTENT:
        return method
    if not isinstance(method, str) or not TOKEN.fullmatch(method):
        raise InvalidRequest("the method is not one of HTTP: GET, POST, PUT, PATCH or DELETE")
    return method.upper()


def _headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    if not headers:
        return NOTHING
    if not isinstance(headers, Mapping):
        raise InvalidRequest("headers must be a mapping: {name: value}")
    for name, value in headers.items():
        if not isinstance(name, str) or not TOKEN.fullmatch(name):
            raise InvalidRequest(f"{name!r} is not a header name")
        if name.lower() in RESERVED_HEADERS:
            raise InvalidRequest(f"the header {name!r} is set by the client, not by the caller")
        if not isinstance(value, str) or UNSAFE_IN_HEADER.search(value):
            raise InvalidRequest(f"the value of the header {name!r} is not a printable string")
    if len({name.lower() for name in headers}) < len(headers):
        raise InvalidRequest("a header in two spellings: which of them counts?")
    return MappingProxyType(dict(headers))


def _names(headers: Mapping[str, str]) -> str:
    # A caller's header may be a credential for a gateway in between.
    return str(sorted(headers))


def _query(query: Any) -> Mapping[str, QueryValue]:
    if query is not NOTHING and attrs.has(type(query)):
        query = attrs.asdict(query)
    if not query:
        return NOTHING
    if not isinstance(query, Mapping):
        raise InvalidRequest("query_parameters must be a mapping, or the builder's query class")
    for name, value in query.items():
        if not isinstance(name, str) or not isinstance(value, str | int | None):
            raise InvalidRequest(f"the query parameter {name!r} must be a string, a number or None")
        if isinstance(value, int) and value.bit_length() > 64:
            raise InvalidRequest(f"the query parameter {name!r} is too large a number")
        if SURROGATE.search(f"{name}{value}"):
            raise InvalidRequest(f"the query parameter {name!r} cannot be written as UTF-8")
    return MappingProxyType({name: value for name, value in query.items() if value is not None})


def options_of(options: Iterable[RequestOption]) -> tuple[RequestOption, ...]:
    """Return `options` as a tuple. Raises `InvalidRequest` for two of one type."""
    found = _listed(options, "options")
    if not found:
        return found
    for option in found:
        if not isinstance(option, RequestOption):
            raise InvalidRequest(f"{type(option).__name__} is not a RequestOption")
    if len({type(option) for option in found}) < len(found):
        raise InvalidRequest("two options of one type: which of them counts?")
    return found


def hooks_of(
    middleware: "Iterable[Middleware]", name: str = "middleware"
) -> "tuple[Middleware, ...]":
    """Return `middleware` as a tuple. Raises `InvalidRequest` for what cannot be called."""
    return _called(middleware, name)


def _aiohttp_hooks(middleware: Iterable[ClientMiddlewareType]) -> tuple[ClientMiddlewareType, ...]:
    return _called(middleware, "aiohttp_middlewares")


def _called(functions: Iterable[T], name: str) -> tuple[T, ...]:
    found = _listed(functions, name)
    if not all(callable(function) for function in found):
        raise InvalidRequest(f"{name} must be functions")
    return found


def _listed(values: Iterable[T], name: str) -> tuple[T, ...]:
    if not isinstance(values, Iterable):
        raise InvalidRequest(f"{name} must be a list: put the one into brackets")
    return tuple(values)


@attrs.frozen(weakref_slot=False)
class RequestInformation:
    """One request, complete and unsent: what `to_…_request_information` returns.

    `adapter.send` sends it. `url_template` is a path with parameters in braces, relative to
    `base_url` (the client's own if empty); `raw_url` replaces both; `url` is what comes of them. A
    middleware changes it by making another: `with_header`, or `attrs.evolve`.

    Raises `InvalidRequest` for a path parameter that would address something else, and for a
    header or query parameter that cannot be sent.
    """

    method: str = attrs.field(converter=_method)
    url_template: str
    path_parameters: Mapping[str, str] = NOTHING
    query_parameters: Mapping[str, QueryValue] = NOTHING
    headers: Mapping[str, str] = attrs.field(default=NOTHING, repr=_names)
    content: bytes | None = attrs.field(default=None, repr=False)
    options: tuple[RequestOption, ...] = ()
    middleware: "tuple[Middleware, ...]" = attrs.field(default=(), repr=False)
    aiohttp_middlewares: tuple[ClientMiddlewareType, ...] = attrs.field(default=(), repr=False)
    base_url: str = ""
    raw_url: str | None = None
    repeat: Repeat = attrs.field()
    # What the content holds of secrets, so that a server's complaint about them can be masked.
    secrets: tuple[Secret, ...] = attrs.field(default=(), repr=False)
    url: str = attrs.field(init=False, repr=False, eq=False)

    @repeat.default
    def _repeat_by_method(self) -> Repeat:
        return IDEMPOTENT.get(self.method, NOT_IDEMPOTENT)

    @url.default
    def _checked_url(self) -> str:
        _headers(self.headers)
        options_of(self.options)
        if self.raw_url is not None:
            url = checked_url(self.raw_url)
        else:
            url = self.base_url + fill(self.url_template, self.path_parameters)
        return _with_query(url, _query(self.query_parameters))

    @property
    def route(self) -> str | None:
        """Return the template of the URL's path: what was asked for, without saying of whom.

        None for a raw URL that goes elsewhere.
        """
        if self.raw_url is None:
            return self.url_template
        try:
            path = self.base_url + fill(self.url_template, self.path_parameters)
        except InvalidRequest:  # with a raw URL, parameters may be missing
            return None
        return self.url_template if self.raw_url.partition("?")[0] == path else None

    def option(self, cls: type[O]) -> O | None:
        """Return the option of this type, or None."""
        for option in self.options:
            if type(option) is cls:
                return option
        return None

    def with_header(self, name: str, value: str) -> Self:
        """Return the request with one header more, or another value for it."""
        others = {k: v for k, v in self.headers.items() if k.lower() != name.lower()}
        return attrs.evolve(self, headers={**others, name: value})

    def with_defaults(self, base_url: str, options: tuple[RequestOption, ...]) -> Self:
        """Return the request with a client's base URL and options where it has none of its own."""
        if self.base_url and not options:
            return self
        own = {type(option) for option in self.options}
        missing = tuple(option for option in options if type(option) not in own)
        options = self.options + missing
        if not self.base_url or type(self) is not RequestInformation:
            return attrs.evolve(self, base_url=self.base_url or base_url, options=options)
        request: Any = _unfrozen_copy(self)
        request.options = options
        request.__class__ = RequestInformation
        return cast("Self", request)


_UnfrozenRequest: Final = unfrozen(RequestInformation)
_unfrozen_copy: Final = copier(RequestInformation)


def _query_text(value: QueryValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _with_query(url: str, parameters: Mapping[str, QueryValue]) -> str:
    if not parameters:
        return url
    texts = {name: _query_text(value) for name, value in parameters.items()}
    query = urlencode(texts, quote_via=quote, safe="")
    return f"{url}{'&' if '?' in url else '?'}{query}"


Handler = Callable[[RequestInformation], Awaitable[Response]]
"""Sends a request, through whatever stands further in."""

Middleware = Callable[[RequestInformation, Handler], Awaitable[Response]]
"""A hook around one attempt: changes the request, calls the handler (again), changes the answer.

As a client's `operation_middleware` it stands around the whole operation.
"""


@attrs.frozen
class RequestConfiguration:
    """What a caller adds to one call; a value that can be kept and used for many.

    - `headers`: a mapping; they replace the client's own of the same name.
    - `query_parameters`: a mapping, or the builder's query class; None leaves a parameter out.
    - `options`: `RetryOption`, `TimeoutOption`, `OnResponse` or your own, each replacing the
      client's option of its type.
    - `middleware`: hooks for this call only, inside the client's.
    - `aiohttp_middlewares`: handed to aiohttp as they are, for those who have some. They run inside
      one attempt and see the wire, credentials included; mocks such as aioresponses skip them.

    Raises `InvalidRequest` for a header that would break the message or the client's own.
    """

    headers: Mapping[str, str] = attrs.field(default=NOTHING, converter=_headers, repr=_names)
    query_parameters: Any = attrs.field(default=NOTHING, converter=_query)
    options: tuple[RequestOption, ...] = attrs.field(default=(), converter=options_of)
    middleware: tuple[Middleware, ...] = attrs.field(default=(), converter=hooks_of)
    aiohttp_middlewares: tuple[ClientMiddlewareType, ...] = attrs.field(
        default=(), converter=_aiohttp_hooks
    )


NO_CONFIGURATION: Final = RequestConfiguration()


def prepared_request(
    method: str,
    url_template: str,
    path_parameters: Mapping[str, str],
    base_url: str,
    *,
    raw_url: str | None = None,
    configuration: RequestConfiguration = NO_CONFIGURATION,
    content: bytes | None = None,
    repeat: Repeat | None = None,
    secrets: tuple[Secret, ...] = (),
) -> RequestInformation:
    """Return the `RequestInformation` of a builder's call.

    It is made for each, and made fast (see `unfrozen`): what the configuration has checked is not
    checked again.
    """
    request: RequestInformation = _UnfrozenRequest()
    fields: Any = request
    fields.method = method
    fields.url_template = url_template
    fields.path_parameters = path_parameters
    fields.base_url = base_url
    fields.raw_url = raw_url
    fields.query_parameters = configuration.query_parameters
    fields.headers = configuration.headers
    fields.options = configuration.options
    fields.middleware = configuration.middleware
    fields.aiohttp_middlewares = configuration.aiohttp_middlewares
    fields.content = content
    fields.repeat = repeat or IDEMPOTENT.get(method, NOT_IDEMPOTENT)
    fields.secrets = secrets
    if raw_url is None:
        url = base_url + fill(url_template, path_parameters)
    else:
        url = checked_url(raw_url)
    query = configuration.query_parameters
    fields.url = _with_query(url, query) if query else url
    fields.__class__ = RequestInformation
    return request
