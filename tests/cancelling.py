"""Cancelling a call wherever it waits, one place after the other, until it gets through.

A place is a suspension: the moment at which a task hands control back to the loop. Those of the
tasks that the call starts count too, because the caller may give up while any of them waits.
"""

import asyncio
import enum
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import ContextVar
from typing import Any, Final

from attrs import define, field

STEPS: Final = 200  # more than any call here takes; a call that never ends would never get through


class Moment(enum.Enum):
    """When the cancellation comes, seen from a place."""

    WAITING = "while it waits"
    WOKEN = "when what it waited for has just come"
    AGAIN = "while it waits, and at every place that follows"


@define(eq=False)
class Cancellation:
    """Cancels `target` at one place; `started` are the tasks that the call began on its way."""

    place: int
    moment: Moment
    target: "asyncio.Task[Any] | None" = None
    places: int = 0
    started: "list[asyncio.Task[Any]]" = field(factory=list)

    @property
    def came(self) -> bool:
        """Whether the call had so many places at all."""
        return self.places >= self.place

    @property
    def left(self) -> "set[asyncio.Task[Any]]":
        """The tasks that the call started and that go on."""
        return {task for task in self.started if not task.done()}

    def at(self, awaited: "asyncio.Future[Any] | None") -> None:
        """Note that the call suspends until `awaited` is done; None: until the next turn."""
        self.places += 1
        again = self.moment is Moment.AGAIN and self.places > self.place
        if self.places != self.place and not again:
            return
        assert self.target is not None
        assert self.places < STEPS, "the call does not end when it is cancelled"
        if self.moment is not Moment.WOKEN:
            self.target.cancel()
        elif awaited is None:
            asyncio.get_running_loop().call_soon(self.target.cancel)
        else:
            # Ahead of the task's own callback: when the task is woken, it is cancelled already.
            target = self.target
            awaited.add_done_callback(lambda _: target.cancel())


_cancellation: ContextVar[Cancellation | None] = ContextVar("cancellation", default=None)


async def cancelled(
    call: Callable[[], Awaitable[object]], place: int, moment: Moment
) -> Cancellation:
    """Run `call` and cancel it at its `place`, counted from 1; it has ended on return.

    Fails if it does not end, or if the cancellation was swallowed.
    """
    loop = asyncio.get_running_loop()
    cancellation = Cancellation(place, moment)
    usual = loop.get_task_factory()
    loop.set_task_factory(_watching)
    entered = _cancellation.set(cancellation)
    try:
        cancellation.target = asyncio.create_task(_awaited(call))
    finally:
        _cancellation.reset(entered)
    try:
        await asyncio.wait([cancellation.target], timeout=10)
    finally:
        loop.set_task_factory(usual)
    assert cancellation.target.done(), f"place {place}, {moment.value}: it hangs"
    if not cancellation.target.cancelled():
        cancellation.target.result()
    assert cancellation.target.cancelled() == cancellation.came, f"place {place}, {moment.value}"
    return cancellation


async def _awaited(call: Callable[[], Awaitable[object]]) -> object:
    return await call()


def _watching(loop: asyncio.AbstractEventLoop, run: Any, **keywords: Any) -> "asyncio.Task[Any]":
    cancellation = _cancellation.get()
    if cancellation is None:  # the server's, or another caller's
        return asyncio.Task(run, loop=loop, **keywords)
    task = asyncio.Task(_Watched(run, cancellation), loop=loop, **keywords)
    cancellation.started.append(task)
    return task


class _Watched(Coroutine[Any, Any, Any]):
    """A coroutine that says when it suspends."""

    def __init__(self, run: Coroutine[Any, Any, Any], cancellation: Cancellation) -> None:
        self._run = run
        self._cancellation = cancellation

    def send(self, value: Any) -> Any:
        return self._suspended(self._run.send(value))

    def throw(self, *error: Any) -> Any:
        return self._suspended(self._run.throw(*error))

    def close(self) -> None:
        self._run.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        raise NotImplementedError("a task steps it")

    def _suspended(self, awaited: Any) -> Any:
        self._cancellation.at(awaited)
        return awaited
