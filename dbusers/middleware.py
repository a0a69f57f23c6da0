"""The chain that a request passes, and what holds it back there: `Limit`, and `InTime`.

    callers' operation middleware → operation (deadline) →
        retry, for each attempt [ limit → callers' middleware → authorize and send ]

A link is one function `async (request, handler) -> response`, like a caller's own middleware; the
innermost has no handler. Retry (in `retry`) owns every repetition; the innermost (in `attempt`)
attaches the credential, so no hook ever sees it.
"""

from collections.abc import Iterable

from dbusers.auth import Authenticator
from dbusers.clock import Clock
from dbusers.deadline import OutOfTime, Progress, no_time_limit, progress, within
from dbusers.errors import ConnectionFailed, RateLimited, RequestTimedOut
from dbusers.options import DEFAULT_RATE_LIMIT, RateLimitOption
from dbusers.ratelimit import RateLimit
from dbusers.request import Handler, Middleware, RequestInformation
from dbusers.response import RateLimitState, Response
from dbusers.secret import Secret


def chain(middleware: Iterable[Middleware], handler: Handler) -> Handler:
    """Return a handler that passes a request through `middleware`, the first one outermost."""
    for link in reversed(tuple(middleware)):
        handler = _linked(link, handler)
    return handler


def _linked(link: Middleware, handler: Handler) -> Handler:
    return lambda request: link(request, handler)


async def fetched_credential(
    authenticator: Authenticator, request: RequestInformation, clock: Clock
) -> Secret:
    """Return the credential for `request`, fetched within the operation's deadline."""
    at = progress.get()
    at.phase = "token"
    try:
        with no_time_limit():  # others wait for it too, who may have more time
            return await within(at.deadline - clock.monotonic(), authenticator.fetch(request))
    except (ConnectionFailed, RequestTimedOut) as error:
        error.sent = False  # the bearer's request may have been, but this one was not
        raise


class Limit:
    """What an attempt waits for before it begins: its credential, and the token's budget."""

    def __init__(self, limit: RateLimit | None, authenticator: Authenticator, clock: Clock) -> None:
        self._limit = limit
        self._authenticator = authenticator
        self._clock = clock

    def enter_at_once(self, request: RequestInformation, at: Progress) -> float | None:
        """Let an attempt begin that need not wait, as most need not; None: it must `enter`.

        What both return is for `leave`.
        """
        if self._authenticator.at_hand(request) is None:
            return None
        counted = 0.0 if self._limit is None else self._limit.acquire_at_once()
        if counted is not None:
            at.phase = "send"
            at.attempts += 1
            at.waited = 0.0
        return counted

    async def enter(self, request: RequestInformation, at: Progress) -> float:
        """Let an attempt begin when it may."""
        # The credential first: fetching one takes slots of the same budget, and a slot that waits
        # for it would be used later than it was counted.
        if self._authenticator.at_hand(request) is None:
            await self._fetch_credential(request)
        at.phase = "rate limit"
        counted = asked = self._clock.monotonic()
        if self._limit is not None:
            longest = _longest_wait(request)
            left = at.deadline - asked
            try:
                counted = await self._limit.acquire(min(left, longest))
            except TimeoutError:
                if longest < left:
                    raise _used_up(self._limit, longest) from None
                raise OutOfTime from None
        at.phase = "send"
        at.attempts += 1
        at.waited = self._clock.monotonic() - asked
        return counted

    def leave(self, counted: float) -> None:
        """Take note that an attempt has ended."""
        if self._limit is not None:
            self._limit.settle(counted)

    async def _fetch_credential(self, request: RequestInformation) -> None:
        if self._limit is not None:
            longest = _longest_wait(request)
            if self._limit.delay() > longest:  # before others are kept waiting by the fetching
                raise _used_up(self._limit, longest)
        await fetched_credential(self._authenticator, request, self._clock)


def _longest_wait(request: RequestInformation) -> float:
    return (request.option(RateLimitOption) or DEFAULT_RATE_LIMIT).longest


def _used_up(limit: RateLimit, longest: float) -> RateLimited:
    delay = limit.delay()
    unsent = "it was not sent again" if progress.get().attempts else "nothing was sent"
    return RateLimited(
        f"the token's budget is used up for {delay:.1f} s, and RateLimitOption.max_wait is "
        f"{longest:g}: {unsent}",
        status=429,
        rate_limit=RateLimitState(retry_after=delay),
        retryable=True,
        gave_up="max_wait",
    )


class InTime:
    """Keeps what callers' hooks take within the deadline; there only where there are hooks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, request: RequestInformation, handler: Handler) -> Response:
        """Return the answer, as it came."""
        left = progress.get().deadline - self._clock.monotonic()
        return await within(left, handler(request))
