"""`RateLimit`: what one token may send, as true sliding windows.

Requests go one after the other in the order in which they asked: the first in the queue sleeps
until it breaks no window, and then lets the next one come. Who is cancelled leaves the queue, and
all behind move up. A 429 holds the queue for as long as the server asks.
"""

import asyncio
import enum
import threading
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
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
        self._sent: deque[float] = deque()
        self._queue: deque[asyncio.Future[None]] = deque()
        self._paused_until = 0.0
        # Clients of several loops, so threads, may share a token. Re-entrant: a task that is thrown
        # away with its loop leaves the queue whenever it is collected as garbage.
        self._lock = threading.RLock()

    async def acquire(self, within: float = inf) -> None:
        """Return when the next request may be sent; it is counted then.

        Raises `TimeoutError`, and counts nothing, if that is not `within` so many seconds: at once
        where that is known, which a pause may change.
        """
        latest = self._clock.monotonic() + within
        turn = self._ask(latest)
        if turn is None:
            return
        try:
            if within < inf:  # a pause may come, and keep those in front for longer than planned
                async with asyncio.timeout(within):
                    await turn
            else:
                await turn
            while (delay := self._count_or_wait()) > 0:
                if self._clock.monotonic() + delay > latest:  # a pause came between
                    raise TimeoutError
                await self._clock.sleep(delay)
        finally:
            self._leave(turn)

    def is_unused(self) -> bool:
        """Tell whether the budget is whole, and nobody waits for it."""
        with self._lock:
            now = self._clock.monotonic()
            used = bool(self._sent) and self._sent[-1] + self._longest >= now
            return not used and not self._queue and self._paused_until <= now

    def pause(self, state: RateLimitState | None) -> None:
        """Send nothing for as long as a 429 asks; `state` is what its headers say."""
        seconds = state.retry_after if state and state.retry_after is not None else PAUSE
        seconds = min(seconds, self._longest)  # by then every window is open again
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def _ask(self, latest: float) -> asyncio.Future[None] | None:
        """Return a turn in the queue, done for the first in it; None: sent at once."""
        with self._lock:
            now = self._clock.monotonic()
            if not self._queue and self._moment(len(self._sent)) <= now:
                self._count(now)
                return None
            if latest < inf and self._moment(len(self._sent) + len(self._queue)) > latest:
                raise TimeoutError
            turn = asyncio.get_running_loop().create_future()
            if not self._queue:
                turn.set_result(None)
            self._queue.append(turn)
            return turn

    def _count_or_wait(self) -> float:
        """Count a request if it may be sent now; else return the seconds until it may."""
        with self._lock:
            now = self._clock.monotonic()
            delay = self._moment(len(self._sent)) - now
            if delay <= 0:
                self._count(now)
            return delay

    def _count(self, now: float) -> None:
        while self._sent and self._sent[0] + self._longest < now:
            self._sent.popleft()
        self._sent.append(now)

    def _moment(self, place: int) -> float:
        """Return when the request at `place`, counted from the oldest one sent, may go."""
        moments: dict[int, float] = {}
        # Nearly every request is the next one, and depends on none that is still to be sent.
        places = [place] if place == len(self._sent) else sorted(self._waiting_up_to(place))
        for waiting in places:
            moment = self._paused_until
            for window in self.windows:
                earlier = waiting - window.requests
                if earlier >= 0:
                    counted = moments[earlier] if earlier in moments else self._sent[earlier]
                    moment = max(moment, counted + window.seconds + MARGIN)
            moments[waiting] = moment
        return moments[place]

    def _waiting_up_to(self, place: int) -> set[int]:
        """Return `place` and those in front of it, not sent yet, whose moments decide its own."""
        # No recursion: behind thousands it would run out of frames, and windows of different
        # lengths would lead it to the same places again and again.
        found = {place}
        unseen = [place]
        while unseen:
            later = unseen.pop()
            for window in self.windows:
                earlier = later - window.requests
                if earlier >= len(self._sent) and earlier not in found:
                    found.add(earlier)
                    unseen.append(earlier)
        return found

    def _leave(self, turn: asyncio.Future[None]) -> None:
        with self._lock:
            self._queue.remove(turn)
            now = self._clock.monotonic()
            # All who may go now, and the one after them, who sleeps until the next may.
            for place, following in enumerate(self._queue):
                _wake(following)
                if self._moment(len(self._sent) + place) > now:
                    break


def _wake(turn: asyncio.Future[None]) -> None:
    # Thread-safe on the own loop too: who leaves may be a task that is thrown away with its loop,
    # and then none is running. That of the turn may be closed as well: nobody waits there any more.
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
