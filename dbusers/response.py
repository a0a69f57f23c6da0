"""`Response`: one answer, what its headers say, and the error that a refusal becomes."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Final, Self

import attrs
from multidict import CIMultiDict, CIMultiDictProxy, istr

from dbusers import codec
from dbusers.errors import APIError, UnexpectedBody, error_class
from dbusers.secret import Secret, longest_spelling, mask
from dbusers.unfrozen import maker

MESSAGE_LENGTH: Final = 500  # characters of a provider's message that an error keeps
LONGEST_REASON: Final = 1024 * 1024  # bytes of an error's body
READ_LENGTH: Final = 50_000  # characters of it that are looked at
RATE_LIMIT_HEADERS: Final = (
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
)
LIMIT: Final = istr("ratelimit-limit")  # found faster than a `str`, whose case must be folded
REMAINING: Final = istr("ratelimit-remaining")
LONGEST_NUMBER: Final = 15  # characters of a header
LONG: Final = 32 * 1024  # bytes of a body, some two hundred users
UNREAD: Final = object()
NO_HEADERS: Final = CIMultiDictProxy(CIMultiDict[str]())


@attrs.frozen
class RateLimitState:
    """What an answer says of the token's budget; None where it says nothing.

    `limit` and `remaining` count requests, `resets_at` is Unix time in seconds at which the oldest
    counted request expires, `retry_after` is seconds from the answer on.
    """

    limit: int | None = None
    remaining: int | None = None
    resets_at: float | None = None
    retry_after: float | None = None

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> Self | None:
        """Return the state, or None if no header speaks of it."""
        if not any(name in headers for name in RATE_LIMIT_HEADERS):
            return None
        return cls(
            limit=_count(headers.get("ratelimit-limit")),
            remaining=_count(headers.get("ratelimit-remaining")),
            resets_at=_number(headers.get("ratelimit-reset")),
            retry_after=_retry_after(headers),
        )


def remaining_of(headers: Mapping[str, str]) -> tuple[int, int] | None:
    """Return what a window may have and what is left of it, None if the headers do not say.

    `RateLimitState` says so too, and more, at the price of half of what a request costs otherwise.
    """
    limit, remaining = headers.get(LIMIT), headers.get(REMAINING)
    if limit is None or remaining is None or len(limit) + len(remaining) > 2 * LONGEST_NUMBER:
        return None
    return _counts(limit, remaining)


@lru_cache(maxsize=8192)  # a token's few thousand numbers come again and again
def _counts(limit: str, remaining: str) -> tuple[int, int] | None:
    counts = _count(limit), _count(remaining)
    return None if counts[0] is None or counts[1] is None else (counts[0], counts[1])


def _count(text: str | None) -> int | None:
    number = _number(text)
    return None if number is None else int(number)


def _number(text: str | None) -> float | None:
    # Digits only: float() would let "nan" and "1e999" through, and other scripts' digits.
    digits = "" if text is None or len(text) > LONGEST_NUMBER else text.strip().replace(".", "", 1)
    if text is None or not (digits.isascii() and digits.isdecimal()):
        return None
    return float(text)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after")
    if text is None:
        return None
    seconds = _number(text)
    if seconds is not None:
        return seconds
    until = _http_date(text)
    if until is None:
        return None
    # Both dates from the server's own clock, where it tells it: ours may be off.
    return max(0.0, until - _server_time(headers))


def _server_time(headers: Mapping[str, str]) -> float:
    now = _http_date(headers.get("date", ""))
    return time.time() if now is None else now


def _http_date(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
        # asctime's form, which names no zone, means UTC as well; RFC 9110, 5.6.7.
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


@attrs.frozen
class ErrorBody:
    """What an error answer says, in whichever form the provider has for it."""

    message: str | None = None
    id: str | None = None
    request_id: str | None = None


ErrorReader = Callable[[Any], ErrorBody]
"""A provider's reading of an error document; `ErrorBody()` where it is none of its forms."""


@attrs.frozen(weakref_slot=False)
class Response:
    """One answer: `status`, `headers` and the `content` as bytes.

    `attempts` is how often the request was tried, `retries` the reason of each repetition, and
    `gave_up` what ended them, if something did (see `errors`). The repr shows neither headers nor
    content: both may hold secrets.
    """

    status: int
    headers: CIMultiDictProxy[str] = attrs.field(default=NO_HEADERS, repr=False)
    content: bytes = attrs.field(default=b"", repr=False)
    attempts: int = 1
    retries: tuple[str, ...] = ()
    gave_up: str | None = attrs.field(default=None, repr=False)
    # What the links of the chain tell each other: may the request be sent again, and with another
    # credential than the one that was refused?
    retryable: bool = attrs.field(default=False, repr=False)
    credential_renewed: bool = attrs.field(default=False, repr=False)
    # The credential it was asked for with, and those in the body: no error repeats them.
    _secrets: tuple[Secret, ...] = attrs.field(default=(), repr=False, eq=False)
    _document: Any = attrs.field(default=UNREAD, init=False, repr=False, eq=False)

    @property
    def request_id(self) -> str | None:
        """Return the provider's name for this request: quote it to their support."""
        return self.headers.get("x-request-id")

    @property
    def rate_limit(self) -> RateLimitState | None:
        """Return what the answer says of the token's budget."""
        return RateLimitState.from_headers(self.headers)

    def masked(self) -> Self:
        """Return the answer without our secrets in it: servers quote what they refuse.

        A body of more than a megabyte is left out: no reason takes so much, and to search it would
        hold up everything else.
        """
        secrets = tuple(self._own_secrets())
        body = self.content if len(self.content) <= LONGEST_REASON else b""
        content = mask(body.decode("utf-8", "surrogateescape"), secrets)
        return attrs.evolve(
            self,
            headers=CIMultiDictProxy(self._masked_headers()),
            content=content.encode("utf-8", "surrogateescape"),
        )

    def seconds_until(self, moment: float) -> float:
        """Return the seconds from the answer to `moment`, in Unix time; never less than 0.

        By the server's own clock, where it tells the time: ours may be off.
        """
        return max(0.0, moment - _server_time(self.headers))

    def json(self) -> Any:
        """Return the body as plain Python values. Raises `UnexpectedBody` if it is not JSON."""
        document = self._parsed()
        if isinstance(document, codec.Problem):
            raise self.unexpected(document)
        return document

    def read(self, cls: Any, *at: str, bare: bool = False) -> Any:
        """Return the body as a `cls`: the whole of it, or what stands under the first key of `at`.

        With `bare`, a body without the key is read as a whole: some calls are documented with it
        and answered without. Raises `UnexpectedBody`, with the JSON path.
        """
        if len(self.content) > LONG:
            with codec.collector_paused():
                found = self._read(cls, at, bare=bare)
        else:
            found = self._read(cls, at, bare=bare)
        if type(found) is codec.Problem:
            raise self.unexpected(found)
        return found

    def _read(self, cls: Any, at: tuple[str, ...], *, bare: bool) -> Any:
        document = self._parsed()
        if type(document) is codec.Problem:
            return document
        if not at:
            return codec.structure(document, cls)
        if type(document) is not dict:
            return codec.Problem(("expected an object @ $",))
        for key in at:
            if key in document:
                return codec.structure(document[key], cls, key)
        if bare:
            return codec.structure(document, cls)
        return codec.Problem((f"required field missing @ $.{at[0]}",))

    def done(self) -> None:
        """Raise `UnexpectedBody` if a success that needs no body is a web page.

        Something in between has answered, then, and the provider has done nothing.
        """
        if self.content and self.headers.get("content-type", "").lower().startswith("text/html"):
            raise self.unexpected(codec.Problem(("a web page",)))

    def error(self, read: ErrorReader) -> APIError:
        """Return the error that this answer is, with what it repeats of our secrets masked."""
        document = self._parsed()
        body = ErrorBody() if isinstance(document, codec.Problem) else read(document)
        facts = self.facts()
        if body.request_id:
            facts["request_id"] = self.printable(body.request_id)
        message = self.printable(body.message) or self._unreadable_message()
        return error_class(self.status)(message, id=self.printable(body.id), **facts)

    def unexpected(self, problem: codec.Problem) -> UnexpectedBody:
        """Return the error that says what is wrong with the body."""
        return UnexpectedBody(
            f"the answer ({self._kind()}) cannot be read: {'; '.join(problem.lines[:5])}",
            problems=problem.lines,
            **self.facts(),
        )

    def _parsed(self) -> Any:
        # A paged list is read for its items and for its next page. The document is kept here, and
        # not by those readers, because this object's repr does not show what is in it.
        if self._document is UNREAD:
            object.__setattr__(self, "_document", codec.parse(self.content))
        return self._document

    def _unreadable_message(self) -> str:
        # The text of a proxy's page is not repeated: it may quote the request, header and all.
        if 300 <= self.status < 400:
            return "the server redirects, and redirects are not followed: check the base URL"
        return f"no reason given ({self._kind()})"

    def _kind(self) -> str:
        kind = self.printable(self.headers.get("content-type", "").partition(";")[0].strip())
        size = f"{len(self.content)} bytes, " if self.content else ""
        return f"{size}{kind or 'no content type'}"

    def facts(self) -> dict[str, Any]:
        """Return what every error carries of its answer, without our secrets in it."""
        headers = self._masked_headers()
        headers.popall("set-cookie", None)
        return {
            "status": self.status,
            "headers": headers,
            "request_id": self.printable(self.request_id),
            "rate_limit": self.rate_limit,
            "attempts": self.attempts,
            "retries": self.retries,
            "retryable": self.retryable,
            "gave_up": self.gave_up,
        }

    def printable(self, text: str | None) -> str | None:
        """Return a server's text as it may be logged: no secret, line break or terminal code."""
        if not text:
            return None
        secrets = tuple(self._own_secrets())
        masked = mask(text[:READ_LENGTH], secrets)
        if len(text) > READ_LENGTH:
            # A secret at the cut is not found there, and masking moved it forward.
            masked = masked[: max(0, len(masked) - longest_spelling(secrets))]
        line = "".join(c if c.isprintable() else " " for c in masked[:MESSAGE_LENGTH])
        return line if len(masked) <= MESSAGE_LENGTH else line[:-1] + "…"

    def _masked_headers(self) -> CIMultiDict[str]:
        secrets = tuple(self._own_secrets())
        return CIMultiDict((name, mask(value, secrets)) for name, value in self.headers.items())

    def _own_secrets(self) -> Iterator[Secret]:
        for secret in self._secrets:
            yield secret
            scheme, _, token = secret.reveal().partition(" ")
            if scheme in ("Bearer", "Basic"):
                yield Secret(token)


new_response: Final = maker(Response)
"""Makes a `Response`, fast: there is one for each attempt."""
