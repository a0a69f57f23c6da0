"""`RateLimit`: what one token may send, as true sliding windows.

Each request takes a slot: the earliest moment at which it breaks no window, after every request
that asked before it. Slots are given out in arrival order and without waiting, so there is no
queue, lock or task to leave behind; the caller sleeps until its moment. A 429 moves everything
that has not been sent yet past the pause the server asks for.
"""

import asyncio
import enum
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
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
        self._slots: deque[float] = deque()
        self._paused_until = 0.0
        self._lock = threading.Lock()  # clients of several loops, so threads, may share a token

    async def acquire(self) -> None:
        """Return when the next request may be sent; it is counted then."""
        while True:
            slot = self._take()
            try:
                delay = slot - self._clock.monotonic()
                if delay > 0:
                    await self._clock.sleep(delay)
            except asyncio.CancelledError:
                self._give_back(slot)
                raise
            if self._paused_until <= self._clock.monotonic():
                return
            self._give_back(slot)

    def pause(self, state: RateLimitState | None) -> None:
        """Send nothing for as long as a 429 asks; `state` is what its headers say."""
        seconds = state.retry_after if state and state.retry_after is not None else PAUSE
        seconds = min(seconds, self._longest)  # by then every window is open again
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def _take(self) -> float:
        with self._lock:
            now = self._clock.monotonic()
            self._forget(now)
            slot = max(now, self._paused_until, self._slots[-1] if self._slots else now)
            for window in self.windows:
                if len(self._slots) >= window.requests:
                    opens = self._slots[-window.requests] + window.seconds + MARGIN
                    slot = max(slot, opens)
            self._slots.append(slot)
            return slot

    def _give_back(self, slot: float) -> None:
        with self._lock:
            index = bisect_right(self._slots, slot) - 1
            if index >= 0 and self._slots[index] == slot:
                del self._slots[index]

    def _forget(self, now: float) -> None:
        while self._slots and self._slots[0] + self._longest < now:
            self._slots.popleft()


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
