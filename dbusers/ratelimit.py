"""`RateLimit`: what one token may send, as true sliding windows.

Requests go one after the other in the order in which they asked: the first in the queue sleeps
until it breaks no window, and then lets the next one come. Who is cancelled leaves the queue, and
all behind move up. A 429 holds the queue for as long as the server asks, but no longer than the
longest window. `windows` has the arithmetic.
"""

import asyncio
import enum
import logging
import threading
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from math import inf
from typing import Final
from weakref import WeakValueDictionary

from dbusers.clock import SYSTEM_CLOCK, Clock
from dbusers.response import RateLimitState, Response, remaining_of
from dbusers.secret import Secret
from dbusers.windows import MARGIN, SlidingWindows, Window

# After a 429 that does not say for how long: until the shortest window must be free, but no longer
# than this. Who asks again sooner uses up the retries, and fails for want of a little patience.
PAUSE: Final = 60.0  # seconds
# Answers may tell, while the first in the queue sleeps, that it may go earlier.
LOOK_AGAIN: Final = 90.0  # seconds

LOG: Final = logging.getLogger(__name__)
TOLD_WAIT: Final = 1.0  # seconds; shorter ones are not logged
MINUTES_WAIT: Final = 90.0  # seconds; a minute's window alone never takes so long


def _not_at_once(self: "RateLimit") -> float | None:
    return None


class RateLimit:
    """A budget of requests: `RateLimit([Window(250, 60), Window(5000, 3600)])`.

    Give one to several clients and they share it. Clients that get none share their provider's
    own, by token, with all others in the process.

    Others may use the same token: other processes, people, tools. Theirs count as well, as far as
    answers tell how many requests are left of a window. `reserve` is the share of each window that
    is kept free for them: 0.1, say, for a long run beside a service that must not wait.

    A subclass with other ideas of when requests may go overrides `acquire`, and `acquire_at_once`
    for those that need not wait: where it does not, it has `acquire` asked each time.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "acquire" in cls.__dict__ and "acquire_at_once" not in cls.__dict__:
            cls.acquire_at_once = _not_at_once  # type: ignore[method-assign]  # what it is for

    def __init__(
        self, windows: Iterable[Window], *, reserve: float = 0.0, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._log = SlidingWindows(windows, reserve)
        self._clock = clock
        self._queue: deque[asyncio.Future[None]] = deque()
        self._paused_until = 0.0
        # Clients of several loops, so threads, may share a token. Re-entrant: a task that is thrown
        # away with its loop leaves the queue whenever it is collected as garbage.
        self._lock = threading.RLock()

    def acquire_at_once(self) -> float | None:
        """Return the moment, if a request may be sent now; it is counted then. None if it may not.

        What it returns is for `settle`.
        """
        with self._lock:
            if self._queue:
                self._let_the_first_come()
            now = self._clock.monotonic()
            if self._queue or self._log.next_moment(self._paused_until) > now:
                return None
            self._log.count(now)
            return now

    async def acquire(self, within: float = inf) -> float:
        """Return the moment at which a request may be sent; it is counted then.

        What it returns is for `settle`. Raises `TimeoutError`, and counts nothing, if the moment is
        not `within` so many seconds: at once where that is known, which a pause may change.
        """
        counted = self.acquire_at_once()
        if counted is not None:
            return counted
        latest = self._clock.monotonic() + within
        turn = self._queue_up(latest)
        try:
            if within < inf:  # a pause may come, and keep those in front for longer than planned
                async with asyncio.timeout(within):
                    await turn
            else:
                await turn
            while True:
                moment, now = self._count_if_due()
                if moment <= now:
                    return now
                if moment > latest:  # a pause came between
                    raise TimeoutError
                self._log_wait(moment - now)
                await self._clock.sleep(min(moment - now, LOOK_AGAIN))
        finally:
            self._leave(turn)

    def settle(self, counted: float) -> None:
        """Take note that the request `counted` at that moment has been answered, or has failed."""
        now = self._clock.monotonic()
        if now - counted > MARGIN:
            with self._lock:
                self._log.recount(counted, now)

    def delay(self) -> float:
        """Return the seconds until a request that asks now may be sent."""
        with self._lock:
            self._let_the_first_come()
            place = len(self._log) + len(self._queue)
            return max(0.0, self._moment(place) - self._clock.monotonic())

    def is_unused(self) -> bool:
        """Tell whether the budget is whole, and nobody waits for it."""
        with self._lock:
            self._let_the_first_come()
            now = self._clock.monotonic()
            return self._log.is_empty(now) and not self._queue and self._paused_until <= now

    def learn(self, response: Response) -> None:
        """Take note of what an answer says of the budget."""
        if response.status == 429:
            # Nothing else of it: which of the windows has nothing remaining, it does not say.
            self.pause(response.rate_limit)
            return
        told = remaining_of(response.headers)
        if told is not None and not self._log.accounts_for(*told):
            with self._lock:
                self._log.learn(
                    *told, self._clock.monotonic(), partial(_first_expires_in, response)
                )

    def pause(self, state: RateLimitState | None) -> None:
        """Send nothing for as long as a 429 asks; `state` is what its headers say."""
        seconds = state.retry_after if state else None
        if seconds is None:
            seconds = min(PAUSE, self._log.shortest)
        seconds = min(seconds, self._log.longest + MARGIN)  # by then every window is open again
        with self._lock:
            until = self._clock.monotonic() + seconds
            longer = until - self._paused_until
            self._paused_until = max(self._paused_until, until)
        if longer > 1:  # not each of many calls that were refused together
            LOG.warning("refused with 429: nothing is sent with this token for %.1f s", seconds)

    def _queue_up(self, latest: float) -> asyncio.Future[None]:
        """Return a turn in the queue, done for the first in it."""
        with self._lock:
            if latest < inf and self._moment(len(self._log) + len(self._queue)) > latest:
                raise TimeoutError
            turn = asyncio.get_running_loop().create_future()
            if not self._queue:
                turn.set_result(None)
            self._queue.append(turn)
            return turn

    def _count_if_due(self) -> tuple[float, float]:
        """Return when the next request may be sent, and the time; if it has come, it is counted."""
        with self._lock:
            now = self._clock.monotonic()
            moment = self._log.next_moment(self._paused_until)
            if moment <= now:
                self._log.count(now)
            return moment, now

    def _log_wait(self, seconds: float) -> None:
        # By the first in the queue only, and at the beginning: who looks on wants to know why
        # nothing happens. At a full budget's pace the waits are too short to be told.
        if seconds >= TOLD_WAIT:
            level = logging.INFO if seconds <= MINUTES_WAIT else logging.WARNING
            LOG.log(level, "the token's budget is used up: the next goes in %.1f s", seconds)

    def _moment(self, place: int) -> float:
        return self._log.moment(place, self._paused_until)

    def _leave(self, turn: asyncio.Future[None]) -> None:
        with self._lock:
            with suppress(ValueError):  # forgotten already
                self._queue.remove(turn)
            self._let_the_first_come()

    def _let_the_first_come(self) -> None:
        queue = self._queue
        while queue and queue[0].get_loop().is_closed():
            queue.popleft()  # nobody waits there any more, though its task may never end
        if queue and not queue[0].done():
            _wake(queue[0])


def _first_expires_in(response: Response) -> float:
    state = response.rate_limit
    moment = None if state is None else state.resets_at
    return inf if moment is None else response.seconds_until(moment)


def _wake(turn: asyncio.Future[None]) -> None:
    # Thread-safe on the own loop too: who leaves may be a task that is thrown away with its loop,
    # and then none is running. That of the turn may be closed by now: then nobody waits.
    with suppress(RuntimeError):
        turn.get_loop().call_soon_threadsafe(_come, turn)


def _come(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)


_shared: WeakValueDictionary[tuple[Secret, tuple[Window, ...], Clock], RateLimit] = (
    WeakValueDictionary()
)
# A program that makes a client for each call has the same budget all the same: what was used in
# the longest window is kept, with or without a client.
_recent: dict[tuple[Secret, tuple[Window, ...], Clock], RateLimit] = {}
_sharing: Final = threading.Lock()


def shared_rate_limit(token: Secret, windows: tuple[Window, ...], clock: Clock) -> RateLimit:
    """Return the budget that all clients of this process with this token share."""
    key = (token, windows, clock)
    with _sharing:
        for other in [other for other, limit in _recent.items() if limit.is_unused()]:
            del _recent[other]
        limit = _shared.get(key)
        if limit is None:
            limit = _shared[key] = RateLimit(windows, clock=clock)
        _recent[key] = limit
        return limit


class ProviderLimit(enum.Enum):
    """The type of `PROVIDER_LIMIT`."""

    PROVIDER_LIMIT = "provider's own"


PROVIDER_LIMIT: Final = ProviderLimit.PROVIDER_LIMIT
"""A client's default: the provider's documented windows, shared by token."""


def rate_limit_of(
    chosen: RateLimit | ProviderLimit | None,
    token: Secret,
    windows: tuple[Window, ...],
    clock: Clock,
) -> RateLimit | None:
    """Return the budget a client uses, for what its caller chose."""
    if chosen is PROVIDER_LIMIT:
        return shared_rate_limit(token, windows, clock)
    return chosen
