"""Rate limits as the providers keep them: a sliding log, in which every request has its own timer.

A log is exact where a counter per fixed minute is not: it never lets two windows' worth of
requests through around a boundary, so a client that paces itself wrongly is caught.
"""

import math
from collections import deque

from attrs import define, field


@define
class Window:
    """At most `limit` requests in any `seconds`; each counts for `seconds` after it was made."""

    limit: int
    seconds: float
    _made: deque[float] = field(factory=deque, init=False, repr=False)

    def remaining(self, now: float) -> int:
        """How many more requests fit at `now`."""
        self._forget_until(now - self.seconds)
        return self.limit - len(self._made)

    def frees_at(self, now: float) -> float:
        """When the oldest counted request expires; `now` when none is counted."""
        self._forget_until(now - self.seconds)
        return self._made[0] + self.seconds if self._made else now

    def add(self, now: float) -> None:
        """Count one request made at `now`."""
        self._made.append(now)

    def _forget_until(self, time: float) -> None:
        while self._made and self._made[0] <= time:
            self._made.popleft()


class Budget:
    """What one caller may send: every window has to have room."""

    def __init__(self, *windows: Window) -> None:
        self.windows = windows

    def spend(self, now: float) -> int:
        """Count one request and return 0, or count nothing and return whole seconds to wait.

        A refused request is not counted: a client that hammers on is refused, not locked out.
        """
        waits = [w.frees_at(now) - now for w in self.windows if w.remaining(now) <= 0]
        if waits:
            return max(1, math.ceil(max(waits)))
        for window in self.windows:
            window.add(now)
        return 0
