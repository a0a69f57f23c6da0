"""`Retry`: the link of the chain that owns every repetition, and the budget it keeps to.

A service that fails gets worse if all its callers ask again. So a client's repetitions are a share
of its recent requests, whatever each call's `max_retries` would allow.
"""

import logging
import random
from collections import deque
from collections.abc import Callable
from typing import Final

import attrs

from dbusers.clock import Clock
from dbusers.deadline import OutOfTime, progress
from dbusers.errors import ConnectionFailed, RequestTimedOut
from dbusers.middleware import Limit
from dbusers.options import DEFAULT_RATE_LIMIT, RateLimitOption, RetryOption
from dbusers.request import Handler, Repeat, RequestInformation
from dbusers.response import Response

LOG: Final = logging.getLogger(__name__)
DEFAULT_RETRY: Final = RetryOption()
RECENT: Final = 10  # seconds in which requests and repetitions are counted
ALWAYS_ALLOWED: Final = 20  # repetitions in that time: a client of a few calls knows no budget

Failure = ConnectionFailed | RequestTimedOut
"""What may be repeated without there being an answer."""


@attrs.define
class _Second:
    at: int
    requests: int = 0
    retries: int = 0


class RetryBudget:
    """What one client may repeat: a share of the requests of its last ten seconds."""

    def __init__(self) -> None:
        self._recent = deque([_Second(0)])

    def count(self, now: float) -> None:
        """Count a request; `now` is on the client's clock."""
        self._second(now).requests += 1

    def spend(self, now: float, share: float) -> bool:
        """Count a repetition and return True; False if there are too many."""
        second = self._second(now)
        requests = sum(each.requests for each in self._recent)
        retries = sum(each.retries for each in self._recent)
        if retries >= ALWAYS_ALLOWED + share * requests:
            return False
        second.retries += 1
        return True

    def _second(self, now: float) -> _Second:
        second = self._recent[-1]
        if second.at != int(now):
            second = _Second(int(now))
            self._recent.append(second)
            while self._recent[0].at <= second.at - RECENT:
                self._recent.popleft()
        return second


@attrs.frozen
class Verdict:
    """Whether a request may be sent again, after how many seconds, or why it is not."""

    retryable: bool
    delay: float | None = None
    gave_up: str | None = None


class Retry:
    """Sends a request again where that is safe and may help; see `RetryOption`."""

    def __init__(
        self, limit: Limit, clock: Clock, chance: Callable[[], float] = random.random
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._chance = chance
        self._budget = RetryBudget()

    async def __call__(self, request: RequestInformation, handler: Handler) -> Response:
        """Return the answer of the last attempt, or raise what it failed with."""
        at = progress.get()
        self._budget.count(at.begun)
        renewed = False
        maybe_done = False
        while True:
            outcome: Response | Failure
            counted = self._limit.enter_at_once(request, at)
            if counted is None:
                counted = await self._limit.enter(request, at)
            try:
                outcome = await handler(request)
                if outcome.status < 400 and not at.retries:
                    return outcome  # what nearly every request is
            except (ConnectionFailed, RequestTimedOut) as error:
                if error.attempts:
                    raise  # a bearer's request failed, and had its own retries
                outcome = error
            finally:
                self._limit.leave(counted)
            if isinstance(outcome, Response) and outcome.credential_renewed and not renewed:
                # A 401 was not processed, whatever the method: the new bearer has its try.
                renewed = True
                at.retries += ("401, bearer renewed",)
                await self._wait(request, 0)
                continue
            verdict = self._judge(request, outcome, len(at.retries) - renewed)
            if verdict.delay is None:
                return _last(request, outcome, verdict, at.retries, maybe_done=maybe_done)
            maybe_done = maybe_done or not _is_refusal(outcome)
            at.retries += (_reason(outcome),)
            await self._wait(request, verdict.delay)

    def _judge(
        self, request: RequestInformation, outcome: Response | Failure, earlier: int
    ) -> Verdict:
        """Decide on the repetition after `earlier` others; if there is one, it is counted."""
        option = request.option(RetryOption) or DEFAULT_RETRY
        if not repeatable(request, outcome, option):
            # What a 429 refused was not done, even where it is not for the client to repeat it.
            return Verdict(retryable=_is_429(outcome))
        if earlier >= option.max_retries:
            return Verdict(retryable=True, gave_up="max_retries")
        delay = retry_delay(outcome, option, earlier, self._chance)
        if delay is None:
            return Verdict(retryable=True, gave_up="max_retry_after")
        waiting = request.option(RateLimitOption) or DEFAULT_RATE_LIMIT
        if _is_429(outcome) and delay > waiting.longest:
            return Verdict(retryable=True, gave_up="max_wait")
        # A 429 is no failing service: it says when to come back, and the token's budget waits.
        if not _is_429(outcome) and not self._budget.spend(self._clock.monotonic(), option.budget):
            return Verdict(retryable=True, gave_up="budget")
        return Verdict(retryable=True, delay=delay)

    async def _wait(self, request: RequestInformation, delay: float) -> None:
        at = progress.get()
        if delay:
            at.phase = "retry delay"
            if self._clock.monotonic() + delay > at.deadline:
                raise OutOfTime
        LOG.info(
            "%s %s: %s; it is sent again in %.1f s",
            request.method,
            request.route or "a raw URL",
            at.retries[-1],
            delay,
        )
        if delay:
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
    verdict: Verdict,
    retries: tuple[str, ...],
    *,
    maybe_done: bool,
) -> Response:
    if not isinstance(outcome, Response):
        outcome.retryable, outcome.gave_up = verdict.retryable, verdict.gave_up
        raise outcome
    if request.method == "DELETE" and outcome.status == 404 and maybe_done:
        # An earlier attempt did it, and its answer was lost.
        outcome = attrs.evolve(outcome, status=204)
    return attrs.evolve(
        outcome,
        attempts=len(retries) + 1,
        retries=retries,
        retryable=verdict.retryable,
        gave_up=verdict.gave_up,
    )


def _is_429(outcome: Response | Failure) -> bool:
    return isinstance(outcome, Response) and outcome.status == 429


def _is_refusal(outcome: Response | Failure) -> bool:
    return _is_429(outcome) or (not isinstance(outcome, Response) and not outcome.sent)


def _reason(outcome: Response | Failure) -> str:
    return str(outcome.status) if isinstance(outcome, Response) else type(outcome).__name__
