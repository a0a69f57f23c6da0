"""What passes between the server and the two APIs: a request as it arrived, and its answer.

Everything here is bytes and JSON values. Nothing of the SDK's models is used on this side, so that
a mistake in them is found by the sandbox and not mirrored by it.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import unquote

import orjson
from attrs import define, field, frozen

JsonObject = dict[str, Any]

_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})


class Hidden(str):
    """A string that is sent like any other and whose repr does not show it.

    Passwords, keys and tokens of the fleet are of this type, so the repr of any list or mapping
    that holds one, and pytest's account of a failed assertion, keep the secret.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "<hidden>"


def _shown_headers(headers: Mapping[str, str]) -> str:
    shown = {
        name: "<hidden>" if name.lower() in _SECRET_HEADERS else value
        for name, value in headers.items()
    }
    return repr(shown)


@define(eq=False)
class RecordedRequest:
    """A request as the sandbox received it.

    `path` is the raw path, still percent-encoded and without the query; `headers` compare without
    regard to case; `time` is the sandbox's clock. `status` is what the sandbox answered or, where a
    fault cut the connection, was about to answer: None while there is no answer, and for good when
    a fault cut the connection before the request was processed.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=_shown_headers)
    body: bytes = field(repr=False)
    time: float
    status: int | None = None

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's segments, each unquoted on its own, so that `%2F` does not split one."""
        return tuple(unquote(segment) for segment in self.path.split("/")[1:])

    def credentials(self, scheme: str) -> str:
        """Return what follows the scheme in the authorization header; "" for another scheme."""
        kind, _, credentials = self.headers.get("authorization", "").partition(" ")
        return credentials.strip() if kind.lower() == scheme.lower() else ""

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
