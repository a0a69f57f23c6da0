"""What passes between the server and the two APIs: a request as it arrived, and its answer.

Everything here is bytes and JSON values. Nothing of the SDK's models is used on this side, so that
a mistake in them is found by the sandbox and not mirrored by it; `Secret` only hides texts.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import unquote

import orjson
from attrs import define, field, frozen
from multidict import CIMultiDict

from dbusers.secret import Secret

JsonObject = dict[str, Any]

_SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie")
_SECRET_WORDS = ("password", "token", "secret")


class Hidden(str):
    """A string that is sent like any other and whose repr does not show it.

    Passwords, keys and tokens of the fleet are of this type, so the repr of any list or mapping
    that holds one, and pytest's account of a failed assertion, keep the secret.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "<hidden>"


class HiddenBytes(bytes):
    """A body as it was received, with a repr that does not show it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<hidden>"


def _headers(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict(headers.items())


@define(eq=False)
class RecordedRequest:
    """A request as the sandbox received it; neither its repr nor a failed assertion shows a secret.

    `path` is the raw path, still percent-encoded and without the query; `headers` compare without
    regard to case, and lack those that hold a credential; `body` is the bytes as they came, and
    `json` what they say; `time` is the sandbox's clock. `authorization` is the header of that name,
    empty where there was none: compare it with a `Secret`.

    `status` is what the sandbox answered or, where a fault cut the connection, was about to answer:
    None while there is no answer, and for good when a fault cut the connection before the request
    was processed.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: CIMultiDict[str] = field(converter=_headers)
    body: bytes = field(converter=HiddenBytes, repr=False)
    time: float
    status: int | None = None
    authorization: Secret = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.authorization = Secret(self.headers.get("authorization", ""))
        for name in _SECRET_HEADERS:
            self.headers.popall(name, None)

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's segments, each unquoted on its own, so that `%2F` does not split one."""
        return tuple(unquote(segment) for segment in self.path.split("/")[1:])

    @property
    def json(self) -> Any:
        """The body as JSON, with a `Secret` for each password or token; None without a body.

        Raises `ValueError` for a body that is not JSON.
        """
        if not self.body:
            return None
        try:
            return _concealed(self.revealed_json())
        except orjson.JSONDecodeError:  # which holds the whole body
            raise ValueError("the body of this request is not JSON") from None

    def revealed_json(self) -> Any:
        """Return the body as JSON, with its secrets; raises `orjson.JSONDecodeError`."""
        return orjson.loads(bytes(self.body))  # of `bytes` itself: orjson refuses what derives

    def credentials(self, scheme: str) -> Secret:
        """Return what follows the scheme in the authorization header; empty for another scheme."""
        kind, _, credentials = self.authorization.reveal().partition(" ")
        return Secret(credentials.strip() if kind.lower() == scheme.lower() else "")

    def positive(self, name: str, default: int) -> int:
        """Return a query parameter that is a number from 1 on; raises `ValueError`."""
        text = self.query.get(name, str(default))
        if not (text.isascii() and text.isdigit() and int(text) > 0):
            raise ValueError(f"{name} must be a positive number")
        return int(text)

    @property
    def has_json_type(self) -> bool:
        """Whether the content type says JSON."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind == "application/json" or kind.endswith("+json")


def _concealed(value: Any) -> Any:
    match value:
        case dict():
            return {
                name: Secret(inner)
                if isinstance(inner, str) and _is_secret(name)
                else _concealed(inner)
                for name, inner in value.items()
            }
        case list():
            return [_concealed(inner) for inner in value]
        case _:
            return value


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_WORDS)


@frozen
class Answer:
    """A status, headers and the bytes of a body."""

    status: int
    content: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(factory=dict)

    @classmethod
    def json(cls, status: int, value: object, headers: Mapping[str, str] | None = None) -> Self:
        """Make an answer whose body is `value` as JSON."""
        extra = headers or {}
        return cls(status, orjson.dumps(value), {"content-type": "application/json", **extra})

    @classmethod
    def text(cls, status: int, text: str) -> Self:
        """Make an answer whose body is plain text."""
        return cls(status, text.encode(), {"content-type": "text/plain; charset=utf-8"})

    @property
    def reason(self) -> str:
        """The status line's reason phrase; empty for a status that has none."""
        return status_phrase(self.status)


def status_phrase(status: int) -> str:
    """Return the standard's phrase for a status, or "" for one it does not name."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
