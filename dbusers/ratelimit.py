"""`RateLimit`: what one token may send, as true sliding windows.

Each request takes a turn: the earliest moment at which it breaks no window, after every request
that asked before it. The caller sleeps until its moment; there is no task and no lock held that
could be left behind. A 429 moves all turns that wait past the pause the server asks for.
"""

import asyncio
import enum
import threading
from collections import deque
from collections.abc import Iterable
from math import inf
from typing import Final
from weakref import WeakValueDictionary

import attrs

from dbusers.clock import SYSTEM_CLOCK, Clock
from dbusers.errors import ConfigurationError
from dbusers.response import RateLimitState
from dbusers.secret import Secret

# A request is counted when it arrives, not when it leaves: two of them may come closer together
# than they went. So every window is held open a little longer than the provider's.
MARGIN: Final = 0.5  # seconds
PAUSE: Final = 5.0  # seconds after a 429 that does not say for how long


@attrs.frozen
class Window:
    """At most `requests` in any `seconds`."""

    requests: int = attrs.field()
    seconds: float = attrs.field()

    @requests.validator
    @seconds.validator
    def _positive(self, attribute: "attrs.Attribute[float]", value: float) -> None:
        if value <= 0:
            raise ConfigurationError(f"a window's {attribute.name} must be more than 0")


class RateLimit:
    """A budget of requests: `RateLimit([Window(250, 60), Window(5000, 3600)])`.

    Give one to several clients and they share it. Clients that get none share their provider's
    own, by token, with all others in the process.
    """

    def __init__(self, windows: Iterable[Window], *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.windows = tuple(windows)
        if not self.windows:
            raise ConfigurationError("a RateLimit needs a window; rate_limit=None is without")
        self._longest = max(window.seconds for window in self.windows) + MARGIN
        self._clock = clock
        self._turns: deque[_Turn] = deque()
        self._paused_until = 0.0
        self._lock = threading.Lock()  # clients of several loops, so threads, may share a token

    async def acquire(self, within: float = inf) -> None:
        """Return when the next request may be sent; it is counted then.

        Raises `TimeoutError` at once, and counts nothing, if that is not `within` so many seconds.
        """
        latest = self._clock.monotonic() + within
        turn = self._queue()
        try:
            while (delay := turn.moment - self._clock.monotonic()) > 0:
                if turn.moment > latest:
                    raise TimeoutError  # noqa: TRY301  (leaves the queue as a cancellation does)
                await self._clock.sleep(delay)  # a pause may move the turn meanwhile
        except (asyncio.CancelledError, TimeoutError):
            with self._lock:
                self._turns.remove(turn)
            raise
        turn.taken = True

    def pause(self, state: RateLimitState | None) -> None:
        """Send nothing for as long as a 429 asks; `state` is what its headers say.

        Who waits keeps the place in the queue.
        """
        seconds = state.retry_after if state and state.retry_after is not None else PAUSE
        seconds = min(seconds, self._longest)  # by then every window is open again
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)
            for place, turn in enumerate(self._turns):
                if not turn.taken:
                    turn.moment = max(turn.moment, self._earliest(place))

    def _queue(self) -> "_Turn":
        with self._lock:
            now = self._clock.monotonic()
            while self._turns and self._turns[0].moment + self._longest < now:
                self._turns.popleft()
            turn = _Turn(max(now, self._earliest(len(self._turns))))
            self._turns.append(turn)
            return turn

    def _earliest(self, place: int) -> float:
        """Return the moment at which the turn at `place` breaks no window and passes nobody."""
        moment = self._paused_until
        if place:
            moment = max(moment, self._turns[place - 1].moment)
        for window in self.windows:
            if place >= window.requests:
                before = self._turns[place - window.requests]
                moment = max(moment, before.moment + window.seconds + MARGIN)
        return moment


@attrs.define(eq=False)
class _Turn:
    """One request's place in the queue, and the moment at which it may go."""

    moment: float
    taken: bool = False


_shared: WeakValueDictionary[tuple[Secret, tuple[Window, ...], Clock], RateLimit] = (
    WeakValueDictionary()
)


def shared_rate_limit(token: Secret, windows: tuple[Window, ...], clock: Clock) -> RateLimit:
    """Return the budget that all clients of this process with this token share."""
    key = (token, windows, clock)
    limit = _shared.get(key)
    if limit is None:
        limit = _shared[key] = RateLimit(windows, clock=clock)
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
