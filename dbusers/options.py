"""Options: typed values that tune one call, or all calls of a client.

A client has one option of each type at most; an option given with a call replaces the client's of
the same type, whole. Own subclasses of `RequestOption` reach own middleware by
`request.option(MyOption)`.
"""

from collections.abc import Callable, Iterable
from math import inf
from typing import Any, Final, cast

import attrs

from dbusers.errors import InvalidRequest
from dbusers.response import Response

LONGEST: Final = 366 * 24 * 3600  # seconds; beyond it event loops overflow
RETRIED_STATUSES: Final = frozenset({408, 429, *range(500, 600)})


class RequestOption:
    """The base of every option."""

    __slots__ = ()


def _number(at_least: float, at_most: float, *, or_none: bool = False) -> Any:
    def check(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
        if value is None and or_none:
            return
        # NaN fails every comparison, and bool is a number to Python only.
        known = isinstance(value, int | float) and not isinstance(value, bool)
        if not known or not at_least <= cast("float", value) <= at_most:
            raise InvalidRequest(f"{attribute.name} must be from {at_least} to {at_most}")

    return check


def _whole(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidRequest(f"{attribute.name} must be a whole number of at least 0")


# A millisecond at least: 0 would mean "at once" here and "without end" there.
_seconds_or_none = _number(0.001, LONGEST, or_none=True)


def _statuses(statuses: Iterable[int]) -> frozenset[int]:
    return frozenset(statuses)


@attrs.frozen
class RetryOption(RequestOption):
    """When and how often a request is sent again.

    GET, PUT and DELETE are repeated on the `statuses` and on network errors; a create or change by
    POST or PATCH only on 429 or where it cannot have reached the server; a reset of credentials
    only in the latter case. The wait before repetition n is `base_delay * 2 ** (n - 1)` seconds,
    at most `max_delay`, of which the share `jitter` is left to chance; `Retry-After` counts
    instead where the server sends it, and one of more than `max_retry_after` seconds ends the
    retries with the error. `max_retries=0` switches them off.

    `budget` keeps many callers from hammering a service that fails: of the client's requests in ten
    seconds, at most 20 and this share of them are repeated, not counting those after a 429;
    math.inf is without. Errors say in `gave_up` which of the three ended the retries.
    """

    max_retries: int = attrs.field(default=3, validator=_whole)
    base_delay: float = attrs.field(default=0.5, validator=_number(0, LONGEST))
    max_delay: float = attrs.field(default=30.0, validator=_number(0, LONGEST))
    max_retry_after: float = attrs.field(default=90.0, validator=_number(0, LONGEST))
    statuses: frozenset[int] = attrs.field(
        default=RETRIED_STATUSES, converter=_statuses, repr=False
    )
    jitter: float = attrs.field(default=0.5, validator=_number(0, 1))
    budget: float = attrs.field(default=0.2, validator=_number(0, inf))


@attrs.frozen
class TimeoutOption(RequestOption):
    """How long a call may take, in seconds; None is without end.

    `total` spans everything that one request needs: retries, rate-limit waits, token refreshes
    (a paged list is several requests). `attempt` is for one attempt, from the wait for a connection
    to the last byte; `connect` for establishing a connection; `read` for the silence between two
    pieces of an answer. Past any of them the call raises `RequestTimedOut`, which says where it
    was. Keep one of `total` and `attempt`: there are broken answers whose end no `read` notices.
    """

    total: float | None = attrs.field(default=600.0, validator=_seconds_or_none)
    attempt: float | None = attrs.field(default=30.0, validator=_seconds_or_none)
    connect: float | None = attrs.field(default=10.0, validator=_seconds_or_none)
    read: float | None = attrs.field(default=None, validator=_seconds_or_none)


DEFAULT_TIMEOUT: Final = TimeoutOption()


@attrs.frozen
class RateLimitOption(RequestOption):
    """How long a call may wait for its turn in the token's budget.

    `max_wait` is in seconds: a call that would wait longer, or that a 429 sends away for longer,
    raises `RateLimited` at once, with `retry_after`; 0 is for callers who cannot wait at all. None
    waits for as long as `TimeoutOption.total` allows. A bearer that must be fetched first waits for
    its own turns as the client's options say, since others wait for it too.
    """

    max_wait: float | None = attrs.field(default=None, validator=_number(0, LONGEST, or_none=True))

    @property
    def longest(self) -> float:
        """Return the seconds that a call may wait, math.inf if they are not limited here."""
        return inf if self.max_wait is None else self.max_wait


DEFAULT_RATE_LIMIT: Final = RateLimitOption()


@attrs.frozen
class OnResponse(RequestOption):
    """Calls `callback` with each final `Response` of a call: status, headers, request id, limits.

    A paged list has one for each page; an error answer is handed over too, before it is raised.

        answers: list[Response] = []
        await user.get(RequestConfiguration(options=[OnResponse(answers.append)]))
        answers[0].rate_limit
    """

    callback: Callable[[Response], object]
