"""What a running operation is at, and until when: for its deadline, and for the error that ends it.

Waits whose length is known are compared with the deadline and not begun if they end later; `within`
is for those whose length is not. `time_limit` is the caller's own say over many calls.
"""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf, isnan
from typing import Any, TypeVar

import attrs

from dbusers.clock import SYSTEM_CLOCK, Clock
from dbusers.errors import InvalidRequest
from dbusers.options import LONGEST

T = TypeVar("T")


class OutOfTime(Exception):
    """The operation's deadline has passed, or will before what it waits for."""


@attrs.define(eq=False)
class Progress:
    """One operation: when it has `begun`, its `deadline`, and how far it has come.

    Both are on the client's clock. `sent`: it may have reached the server. `waited`: the seconds
    that the attempt under way has waited for the token's budget before it. `closing`: the client
    is, and has cancelled the `task`; `cancellations` are those that it had before.
    """

    task: asyncio.Task[Any]

    begun: float = 0.0
    deadline: float = inf
    cancellations: int = 0
    phase: str = "send"
    sent: bool = False
    attempts: int = 0
    retries: tuple[str, ...] = ()
    waited: float = 0.0
    closing: bool = False

    def close(self) -> None:
        """Cancel the task."""
        self.closing = True
        self.task.cancel()

    def is_closed(self) -> bool:
        """Tell whether a cancellation of the task is this one, and nobody else's too."""
        return self.closing and self.task.cancelling() == self.cancellations + 1


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


@attrs.frozen
class TimeLimit:
    """Until when a caller's work may go on, on the caller's clock; a client has its own."""

    until: float
    clock: Clock

    @property
    def left(self) -> float:
        """Return the seconds that are left; negative when it is over."""
        return self.until - self.clock.monotonic()


limit_in_force: ContextVar[TimeLimit | None] = ContextVar("dbusers.time_limit", default=None)


@contextmanager
def time_limit(seconds: float, *, clock: Clock = SYSTEM_CLOCK) -> Iterator[None]:
    """Have every call that is made inside end within `seconds` from now, whichever client's it is.

        with time_limit(2.5):
            clusters = await client.databases.get()
            users = await client.databases.by_id(clusters[0].id).users.get()

    All of them together have so long, and so have the tasks that are started inside. A call that
    cannot end in time raises `RequestTimedOut`: at once if that is known beforehand, as it is where
    it would have to wait for the token's budget, or for a retry. An outer limit and
    `TimeoutOption.total` hold as well: what ends first counts. Unlike `asyncio.timeout` it leaves
    alone what is no call of this SDK, and the error says what was under way, and whether anything
    was sent. Raises `InvalidRequest` if `seconds` is not a number.
    """
    if isnan(seconds):
        raise InvalidRequest("a time limit is a number of seconds")
    limit = TimeLimit(clock.monotonic() + min(seconds, LONGEST), clock)
    outer = limit_in_force.get()
    if outer is not None and outer.left < limit.left:
        limit = outer
    with _in_force(limit):
        yield


@contextmanager
def no_time_limit() -> Iterator[None]:
    """Lift every `time_limit` from outside, for work that outlives what is limited there."""
    with _in_force(None):
        yield


@contextmanager
def _in_force(limit: TimeLimit | None) -> Iterator[None]:
    token = limit_in_force.set(limit)
    try:
        yield
    finally:
        limit_in_force.reset(token)
