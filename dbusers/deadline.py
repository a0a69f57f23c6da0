"""What a running operation is at, and until when: for its deadline, and for the error that ends it.

Waits whose length is known are compared with the deadline and not begun if they end later; `within`
is for those whose length is not.
"""

import asyncio
from collections.abc import Awaitable
from contextvars import ContextVar
from math import inf
from typing import Any, TypeVar

import attrs

T = TypeVar("T")


class OutOfTime(Exception):
    """The operation's deadline has passed, or will before what it waits for."""


@attrs.define(eq=False)
class Progress:
    """One operation: its `deadline` on the client's clock, and how far it has come.

    `sent`: it may have reached the server. `closing`: the client is, and has cancelled the `task`;
    `cancellations` are those that it had before.
    """

    task: asyncio.Task[Any]

    deadline: float = inf
    phase: str = "send"
    sent: bool = False
    attempts: int = 0
    retries: list[str] = attrs.field(factory=list)
    cancellations: int = 0
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
