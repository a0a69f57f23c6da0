"""The chain that a request passes, and three links of it: retry, limit, authorize.

    operation (deadline) → retry → per attempt [ limit → callers' middleware → authorize → send ]

A link is one function `async (request, handler) -> response`, like a caller's own middleware.
Retry owns every repetition; authorize stands innermost, so no hook ever sees the credential.
"""

import json
import random
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from typing import Final

import attrs
import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from dbusers.auth import Authenticator, refuse_foreign
from dbusers.clock import Clock
from dbusers.errors import ConnectionFailed, RequestTimedOut
from dbusers.options import RetryOption
from dbusers.ratelimit import RateLimit
from dbusers.request import Handler, Middleware, Repeat, RequestInformation
from dbusers.response import Response
from dbusers.secret import MASK, Secret


@attrs.define
class Progress:
    """What a running operation is at, for the error that its deadline raises."""

    phase: str = "send"
    attempts: int = 0
    retries: list[str] = attrs.field(factory=list)


progress: ContextVar[Progress] = ContextVar("dbusers.progress")

NO_RETRY_OPTION: Final = RetryOption()

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
        option = request.option(RetryOption) or NO_RETRY_OPTION
        retries = progress.get().retries
        renewed = False
        maybe_done = False
        while True:
            outcome: Response | Failure
            try:
                outcome = await handler(request)
                if outcome.status < 400 and not retries:
                    return outcome  # what nearly every request is
            except (ConnectionFailed, RequestTimedOut) as error:
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
                progress.get().phase = "retry delay"
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


class Limit:
    """Waits for the token's budget, and lets it learn from the answer."""

    def __init__(self, limit: RateLimit | None, authenticator: Authenticator) -> None:
        self._limit = limit
        self._authenticator = authenticator

    async def __call__(self, request: RequestInformation, handler: Handler) -> Response:
        """Return the answer, as it came."""
        # The credential first: fetching one takes slots of the same budget, and a slot that waits
        # for it would be used later than it was counted.
        at = progress.get()
        at.phase = "token"
        refuse_foreign(request.url, self._authenticator.base_urls)
        await self._authenticator.authorization(request)
        if self._limit is not None:
            at.phase = "rate limit"
            await self._limit.acquire()
        at.phase = "send"
        at.attempts += 1
        response = await handler(request)
        if self._limit is not None and response.status == 429:
            self._limit.pause(response.rate_limit)
        return response


Transmit = Callable[[RequestInformation, Secret], Awaitable[Response]]
"""Sends one request with its credential over the wire."""


class Authorize:
    """Attaches the credential; the innermost link, with only the socket behind it."""

    def __init__(self, authenticator: Authenticator, transmit: Transmit) -> None:
        self._authenticator = authenticator
        self._transmit = transmit

    async def __call__(self, request: RequestInformation) -> Response:
        """Return the answer, with what it repeats of our own secrets masked."""
        # Again, and not only before the wait: a middleware may have changed the URL.
        refuse_foreign(request.url, self._authenticator.base_urls)
        credential = await self._authenticator.authorization(request)
        response = await self._transmit(request, credential)
        if response.status < 400:
            return response
        renewed = response.status == 401 and self._authenticator.renew(request, credential)
        token = Secret(credential.reveal().partition(" ")[2])
        return attrs.evolve(masked(response, (token, *request.secrets)), credential_renewed=renewed)


def masked(response: Response, secrets: Iterable[Secret]) -> Response:
    """Return the answer with each of the secrets replaced: servers quote what they refuse."""
    content = response.content
    headers = CIMultiDict(response.headers)
    for secret in secrets:
        for text in _spellings(secret):
            content = content.replace(text, MASK.encode())
            for name, value in tuple(headers.items()):
                if text in value.encode("utf-8", "surrogateescape"):
                    headers.popall(name, None)
                    headers.add(name, MASK)
    return attrs.evolve(response, content=content, headers=CIMultiDictProxy(headers))


def _spellings(secret: Secret) -> set[bytes]:
    """Return the secret as text and as JSON may write it, with and without non-ASCII escaped."""
    text = secret.reveal()
    if not text:
        return set()
    return {text.encode(), json.dumps(text)[1:-1].encode(), orjson.dumps(text)[1:-1]}
