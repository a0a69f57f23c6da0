"""The chain that a request passes, and the links of it that are the SDK's own.

    operation (deadline) → retry → per attempt [ limit → callers' middleware → authorize → send ]

A link is one function `async (request, handler) -> response`, like a caller's own middleware; the
innermost has no handler. Retry owns every repetition; authorize stands innermost, so no hook ever
sees the credential.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from math import inf
from typing import Final, TypeVar

import attrs
from multidict import CIMultiDict, CIMultiDictProxy

from dbusers.auth import Authenticator, refuse_foreign
from dbusers.clock import Clock
from dbusers.errors import ConnectionFailed, RequestTimedOut
from dbusers.options import RetryOption
from dbusers.ratelimit import RateLimit
from dbusers.request import Handler, Middleware, Repeat, RequestInformation
from dbusers.response import Response
from dbusers.secret import Secret, mask

T = TypeVar("T")


class OutOfTime(Exception):
    """The operation's deadline has passed, or will before what it waits for."""


@attrs.define
class Progress:
    """What a running operation is at: for its deadline, and for the error that ends it.

    `deadline` is on the client's clock. Waits whose length is known are compared with it and not
    begun if they end later; `within` is for those whose length is not.
    """

    deadline: float = inf
    phase: str = "send"
    attempts: int = 0
    retries: list[str] = attrs.field(factory=list)


progress: ContextVar[Progress] = ContextVar("dbusers.progress")


async def within(seconds: float, awaitable: Awaitable[T]) -> T:
    """Return what `awaitable` does; raises `OutOfTime` if it takes longer."""
    scope = asyncio.timeout(None if seconds == inf else seconds)
    try:
        async with scope:
            return await awaitable
    except TimeoutError:
        if not scope.expired():
            raise  # a caller's middleware has a timeout of its own
    raise OutOfTime


DEFAULT_RETRY: Final = RetryOption()

Failure = ConnectionFailed | RequestTimedOut


def chain(middleware: Iterable[Middleware], handler: Handler) -> Handler:
    """Return a handler that passes a request through `middleware`, the first one outermost."""
    for link in reversed(tuple(middleware)):
        handler = _linked(link, handler)
    return handler


def _linked(link: Middleware, handler: Handler) -> Handler:
    return lambda request: link(request, handler)


class Retry:
    """Sends a request again where that is safe and may help; see `RetryOption`."""

    def __init__(self, clock: Clock, chance: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._chance = chance

    async def __call__(self, request: RequestInformation, handler: Handler) -> Response:
        """Return the answer of the last attempt, or raise what it failed with."""
        option = request.option(RetryOption) or DEFAULT_RETRY
        at = progress.get()
        retries = at.retries
        renewed = False
        maybe_done = False
        while True:
            outcome: Response | Failure
            attempts = at.attempts
            try:
                outcome = await handler(request)
                if outcome.status < 400 and not retries:
                    return outcome  # what nearly every request is
            except (ConnectionFailed, RequestTimedOut) as error:
                if error.attempts or at.attempts == attempts:
                    raise  # a bearer's request failed, and had its own retries
                outcome = error
            if isinstance(outcome, Response) and outcome.credential_renewed and not renewed:
                # A 401 was not processed, whatever the method: the new bearer has its try.
                renewed = True
                retries.append("401, bearer renewed")
                continue
            delay = None
            if len(retries) - renewed < option.max_retries and repeatable(request, outcome, option):
                delay = retry_delay(outcome, option, len(retries) - renewed, self._chance)
            if delay is None:
                return _last(request, outcome, option, tuple(retries), maybe_done=maybe_done)
            maybe_done = maybe_done or not _is_refusal(outcome)
            retries.append(_reason(outcome))
            if delay:
                at.phase = "retry delay"
                if self._clock.monotonic() + delay > at.deadline:
                    raise OutOfTime
                await self._clock.sleep(delay)


def repeatable(
    request: RequestInformation, outcome: Response | Failure, option: RetryOption
) -> bool:
    """Tell whether sending `request` again is safe after `outcome`, and may help."""
    if not isinstance(outcome, Response):
        return outcome.retryable and (request.repeat is Repeat.ALWAYS or not outcome.sent)
    if outcome.status not in option.statuses:
        return False
    return request.repeat is Repeat.ALWAYS or (
        request.repeat is Repeat.IF_REFUSED and outcome.status == 429
    )


def retry_delay(
    outcome: Response | Failure, option: RetryOption, earlier: int, chance: Callable[[], float]
) -> float | None:
    """Return the seconds to wait before the next attempt; None if they are too many."""
    if isinstance(outcome, Response) and (state := outcome.rate_limit):
        if state.retry_after is not None and state.retry_after > option.max_retry_after:
            return None
        if state.retry_after is not None:
            return state.retry_after
    # 2.0 ** 1024 overflows; no delay is that long.
    delay = min(option.max_delay, option.base_delay * 2.0 ** min(earlier, 1000))
    return delay * (1 - option.jitter * chance())


def _last(
    request: RequestInformation,
    outcome: Response | Failure,
    option: RetryOption,
    retries: tuple[str, ...],
    *,
    maybe_done: bool,
) -> Response:
    safe = repeatable(request, outcome, option)
    if not isinstance(outcome, Response):
        outcome.retryable = safe
        raise outcome
    if request.method == "DELETE" and outcome.status == 404 and maybe_done:
        # An earlier attempt did it, and its answer was lost.
        outcome = attrs.evolve(outcome, status=204, content=b"")
    return attrs.evolve(outcome, attempts=len(retries) + 1, retries=retries, retryable=safe)


def _is_refusal(outcome: Response | Failure) -> bool:
    if isinstance(outcome, Response):
        return outcome.status == 429
    return not outcome.sent


def _reason(outcome: Response | Failure) -> str:
    return str(outcome.status) if isinstance(outcome, Response) else type(outcome).__name__


async def fetched_credential(
    authenticator: Authenticator, request: RequestInformation, clock: Clock
) -> Secret:
    """Return the credential for `request`, fetched within the operation's deadline."""
    at = progress.get()
    at.phase = "token"
    try:
        return await within(at.deadline - clock.monotonic(), authenticator.fetch(request))
    except (ConnectionFailed, RequestTimedOut) as error:
        error.sent = False  # the bearer's request may have been, but this one was not
        raise


class Limit:
    """Has the credential fetched, waits for the token's budget, and tells it of a 429."""

    def __init__(self, limit: RateLimit | None, authenticator: Authenticator, clock: Clock) -> None:
        self._limit = limit
        self._authenticator = authenticator
        self._clock = clock

    async def __call__(self, request: RequestInformation, handler: Handler) -> Response:
        """Return the answer, as it came."""
        # The credential first: fetching one takes slots of the same budget, and a slot that waits
        # for it would be used later than it was counted.
        at = progress.get()
        if self._authenticator.at_hand(request) is None:
            await fetched_credential(self._authenticator, request, self._clock)
        if self._limit is not None:
            at.phase = "rate limit"
            try:
                await self._limit.acquire(at.deadline - self._clock.monotonic())
            except TimeoutError:
                raise OutOfTime from None
        at.phase = "send"
        at.attempts += 1
        response = await handler(request)
        if self._limit is not None and response.status == 429:
            self._limit.pause(response.rate_limit)
        return response


class InTime:
    """Keeps what callers' hooks take within the deadline; there only where there are hooks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, request: RequestInformation, handler: Handler) -> Response:
        """Return the answer, as it came."""
        left = progress.get().deadline - self._clock.monotonic()
        return await within(left, handler(request))


Transmit = Callable[[RequestInformation, Secret], Awaitable[Response]]
"""Sends one request with its credential over the wire."""


class Authorize:
    """Sends the request with its credential; the innermost link, with only the socket behind it."""

    def __init__(self, authenticator: Authenticator, transmit: Transmit, clock: Clock) -> None:
        self._authenticator = authenticator
        self._transmit = transmit
        self._clock = clock

    async def __call__(self, request: RequestInformation) -> Response:
        """Return the answer; of an error, with what it repeats of our own secrets masked."""
        # Here, and not where the request is made: a middleware may have changed the URL.
        refuse_foreign(request.url, self._authenticator.base_urls)
        credential = self._authenticator.at_hand(request)
        if credential is None:  # renewed by another call, or the URL is another by now
            credential = await fetched_credential(self._authenticator, request, self._clock)
            progress.get().phase = "send"
        response = await self._transmit(request, credential)
        if response.status < 400:
            return response
        renewed = response.status == 401 and self._authenticator.renew(request, credential)
        token = Secret(credential.reveal().partition(" ")[2])
        return attrs.evolve(masked(response, (token, *request.secrets)), credential_renewed=renewed)


def masked(response: Response, secrets: Iterable[Secret]) -> Response:
    """Return the answer with each of the secrets replaced: servers quote what they refuse."""
    text = response.content.decode("utf-8", "surrogateescape")
    content = mask(text, secrets).encode("utf-8", "surrogateescape")
    headers = CIMultiDict((name, mask(value, secrets)) for name, value in response.headers.items())
    return attrs.evolve(response, content=content, headers=CIMultiDictProxy(headers))
