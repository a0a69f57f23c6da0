"""`Timeouts`: ends the attempts that take too long, with one timer for all that are under way.

aiohttp and asyncio set a timer for each, and cancel it when it ends in time, as nearly all do: that
is 7 % of what a request costs. Here it is enough to look when the first of them would be due.
"""

import asyncio
from contextvars import Context
from math import inf


class Timeout:
    """One attempt, from `Timeouts.start` to `Timeouts.end`."""

    __slots__ = ("_cancellations", "_task", "expired", "until")

    def __init__(self, task: asyncio.Task[object], until: float) -> None:
        self.until: float = until
        """When its time is up, on the event loop's clock."""
        self.expired: bool = False
        self._task = task
        self._cancellations = task.cancelling()

    def expire(self) -> None:
        """Cancel the task."""
        self.expired = True
        self._task.cancel()

    def is_alone(self) -> bool:
        """Tell whether a cancellation of the task is this one, and nobody else's too."""
        return self.expired and self._task.cancelling() == self._cancellations + 1

    def take_back(self) -> None:
        """Have the task go on as if it had not been cancelled."""
        self._task.uncancel()


class Timeouts:
    """The attempts of one client that are under way, on one event loop."""

    def __init__(self) -> None:
        self._running: set[Timeout] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._due = inf
        self._closed = False

    def start(self, loop: asyncio.AbstractEventLoop, seconds: float) -> Timeout:
        """Return the timeout of what the current task does from now on, for so many seconds."""
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101  (coroutines run in one)
        timeout = Timeout(task, loop.time() + seconds)
        self._running.add(timeout)
        if timeout.until < self._due:
            self._look_at(timeout.until, loop)
        return timeout

    def end(self, timeout: Timeout) -> None:
        """Forget a timeout: what it was for has ended, one way or the other."""
        # The timer stays as it is: to set it anew each time is what this is here to save.
        self._running.discard(timeout)
        if timeout.expired:
            timeout.take_back()
        if self._closed:
            self.close()

    def close(self) -> None:
        """Leave no timer behind, once the last attempt has ended."""
        self._closed = True
        if not self._running:
            self._drop_timer()

    def _look_at(self, moment: float, loop: asyncio.AbstractEventLoop) -> None:
        self._drop_timer()
        # In a context of its own: the first caller's would live for as long as there are others.
        self._timer = loop.call_at(moment, self._look, loop, context=Context())
        self._due = moment

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = max(loop.time(), self._due)  # loops call a little early
        for timeout in [each for each in self._running if each.until <= now]:
            self._running.remove(timeout)
            timeout.expire()
        self._drop_timer()
        if self._running:
            self._look_at(min(each.until for each in self._running), loop)

    def _drop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._due = None, inf
