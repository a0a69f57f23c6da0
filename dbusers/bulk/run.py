"""`Bulk`: one operation on many items, so many at a time, and one end for each."""

import asyncio
import inspect
from collections import Counter
from collections.abc import AsyncIterable, Awaitable, Callable, Hashable, Iterable
from contextvars import Context, copy_context
from types import TracebackType
from typing import Final, Generic, Literal, Self

import attrs

from dbusers.bulk.items import END, Items, identity
from dbusers.bulk.results import (
    Done,
    Failed,
    HookFailed,
    Interrupted,
    Item,
    NotStarted,
    Result,
    Summary,
    Value,
    is_hopeless,
    maybe_done,
)
from dbusers.deadline import Progress, progress
from dbusers.errors import DbusersError

CONCURRENCY: Final = 20  # calls; the token's budget sets the pace, this only fills it
GRACE: Final = 30.0  # seconds; what one attempt may take by default


@attrs.define(eq=False)
class _Call(Generic[Item, Value]):
    """An item that was taken up; `at` is what its call was at when it was cut off."""

    number: int
    item: Item
    result: Result[Item, Value]
    context: Context = attrs.field(factory=copy_context)
    at: Progress | None = None


class Bulk(Generic[Item, Value]):
    """Calls `operation` for each of `items`, and hands out each `Result` as it finishes.

        async with Bulk(users, lambda user: user.reset_auth.post(), sink=keep) as results:
            async for result in results:
                ...

    At most `concurrency` calls are under way, and as many finished and unread: a slow reader holds
    the calls back. Nothing starts before the first result is asked for. An item whose `key` came
    before is not started. `ordered` hands results out in the order of the items.

    - `on_start(item)` is called before an item's call, and `sink(result)` after it, before another
      call takes its place. Both may be coroutines, and run one at a time. If one of them fails, no
      further call starts, those under way end and go to the sink, and then `HookFailed` is raised.
    - `stop_on(error)` says after which errors no further call starts: see `is_hopeless`. The rest
      of the items is `NotStarted`; nothing is raised. An async iterable is not asked for its rest.
    - Leaving the block, by `break`, an exception or a cancellation, starts no further call and
      waits up to `grace` seconds (None: without end) for those under way; what is not over then is
      cut off, and `Interrupted`. Iterating again hands out what is unread, then what was not
      started. A second cancellation cuts off at once.

    An error of the operation becomes a `Failed` and is never raised. One of `items` itself is
    raised when all calls have ended, and so is what is no `Exception`. Raises `ValueError` for a
    concurrency below 1.
    """

    def __init__(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        operation: Callable[[Item], Awaitable[Value]],
        *,
        concurrency: int = CONCURRENCY,
        ordered: bool = False,
        key: Callable[[Item], Hashable] = identity,
        on_start: Callable[[Item], object] | None = None,
        sink: Callable[[Done[Item, Value] | Failed[Item]], object] | None = None,
        stop_on: Callable[[Exception], bool] = is_hopeless,
        grace: float | None = GRACE,
    ) -> None:
        if concurrency < 1:
            raise ValueError("concurrency is at least 1")
        self._items = Items(items, key)
        self._operation = operation
        self._ordered = ordered
        self._on_start, self._sink, self._stop_on = on_start, sink, stop_on
        self._grace = grace

        self._places = asyncio.Semaphore(concurrency)
        self._room = asyncio.Semaphore(2 * concurrency)
        self._hooks = asyncio.Lock()
        self._feeder: asyncio.Task[None] | None = None
        self._calls: dict[asyncio.Task[None], _Call[Item, Value]] = {}
        self._finished: dict[int, Result[Item, Value]] = {}
        self._changed = asyncio.Event()
        self._read = 0
        self._ends: Counter[str] = Counter()
        self._unsaved: dict[int, Done[Item, Value] | Failed[Item]] = {}
        self._entered = self._stopped = False
        self._failure: BaseException | None = None

    @property
    def summary(self) -> Summary:
        """How many items came to which end so far."""
        return Summary(
            done=self._ends["done"],
            failed=self._ends["failed"],
            maybe_done=self._ends["maybe_done"],
            not_started=self._ends["stopped"] + self._items.untaken,
            duplicates=self._ends["duplicate"],
        )

    async def collect(self) -> list[Result[Item, Value]]:
        """Return all results; for operations whose values could be lost, give a `sink` as well.

        Raises `HookFailed`, and what `items` raises, and nothing of the operation's.
        """
        async with self:
            return [result async for result in self]

    async def __aenter__(self) -> Self:
        if self._entered:
            raise RuntimeError("a Bulk is used once: make another")
        self._entered = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()
        try:
            if tasks := self._tasks():
                await asyncio.wait(tasks, timeout=self._grace)
        finally:
            await self._cut_off()
        # A cancellation goes on as one; the failure is raised where the rest is read.
        if exc is None or isinstance(exc, Exception):
            self._raise_failure()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Result[Item, Value]:
        if not self._entered:
            raise RuntimeError("use it with `async with`: its calls must end before the client")
        if self._feeder is None and not self._stopped:
            self._feeder = asyncio.create_task(self._feed())
            self._feeder.add_done_callback(self._fed)
        while (result := self._next_finished()) is None and self._tasks():
            self._changed.clear()
            await self._changed.wait()
        return self._next_left() if result is None else result

    def _next_finished(self) -> Result[Item, Value] | None:
        number = self._read if self._ordered else next(iter(self._finished), 0)
        result = self._finished.pop(number, None)
        if result is not None:
            self._read += 1
            self._room.release()
        return result

    def _next_left(self) -> Result[Item, Value]:
        """Return the next item that was never taken up; if there is none, say that it is over."""
        try:
            item = self._items.take_at_hand() if self._stopped else END
        except Exception as error:  # the caller's own
            self._fail(error)
            item = END
        if item is not END:
            result = NotStarted(item, self._hindrance(item) or "stopped")
            self._ends[result.reason] += 1
            return result
        self._raise_failure()
        raise StopAsyncIteration

    def _raise_failure(self) -> None:
        """Raise what went wrong besides the calls, once."""
        failure, self._failure = self._failure, None
        unsaved, self._unsaved = tuple(self._unsaved.values()), {}
        if unsaved and not isinstance(failure, HookFailed):
            cut_off = HookFailed("`sink` was cut off")
            cut_off.__cause__ = failure
            failure = cut_off
        if isinstance(failure, HookFailed):
            failure.unsaved = unsaved
        if failure is not None:
            raise failure

    def _tasks(self) -> set["asyncio.Task[None]"]:
        feeding = {self._feeder} if self._feeder is not None and not self._feeder.done() else set()
        return feeding | set(self._calls)

    async def _feed(self) -> None:
        """Take up one item after the other, each as soon as there is a place and room for it."""
        while not self._stopped:
            await self._room.acquire()
            await self._places.acquire()
            item = await self._items.take()
            if item is END:
                return
            self._take_up(item)

    def _fed(self, feeder: "asyncio.Task[None]") -> None:
        if not feeder.cancelled():
            self._fail_if(feeder.exception())  # the items' own
        elif not self._stopped:
            self._fail(Interrupted("the iteration of the items was cancelled"))
        self._changed.set()

    def _take_up(self, item: Item) -> None:
        number = self._items.taken - 1
        hindrance = self._hindrance(item)
        if hindrance is not None:
            self._finish(number, NotStarted(item, hindrance))
            return
        call = _Call[Item, Value](number, item, NotStarted(item, "stopped"))
        task = asyncio.create_task(self._carry_out(call), context=call.context)
        self._calls[task] = call
        # Not at the end of the call itself: a task that is cancelled at once never begins.
        task.add_done_callback(self._over)

    def _hindrance(self, item: Item) -> Literal["stopped", "duplicate"] | None:
        """Return why the item is not to be started, or None; from now on it is known."""
        try:
            if self._items.is_repeated(item):
                return "duplicate"
        except Exception as error:  # the caller's own, or no hash
            self._fail(_hook_failed("key", error))
        return "stopped" if self._stopped else None

    async def _carry_out(self, call: _Call[Item, Value]) -> None:
        if not await self._announce(call.item):
            return
        item = call.item
        # What it stays at if the call is cut off.
        call.result = Failed(item, Interrupted("cut off: its answer is not known"), maybe_done=True)
        result: Done[Item, Value] | Failed[Item]
        try:
            result = Done(item, await _uncancelled(self._operation(item)))
        except Exception as error:  # whatever it is, it is this item's end and not the others'
            result = Failed(item, _without_frames(error), maybe_done=maybe_done(error))
        call.result = result
        await self._save(call.number, result)

    async def _announce(self, item: Item) -> bool:
        """Call `on_start`, and tell whether the item's call is to be made."""
        if self._on_start is None:
            return not self._stopped
        async with self._hooks:
            if self._stopped:
                return False
            try:
                await _finished(self._on_start(item))
            except Exception as error:  # the caller's own
                self._fail(_hook_failed("on_start", error))
        return not self._stopped

    async def _save(self, number: int, result: Done[Item, Value] | Failed[Item]) -> None:
        """Call `sink`; but first stop, if this result says so."""
        if isinstance(result, Failed):
            try:
                if self._stop_on(result.error):
                    self._stop()
            except Exception as error:  # the caller's own
                self._fail(_hook_failed("stop_on", error))
        if self._sink is None:
            return
        self._unsaved[number] = result
        try:
            async with self._hooks:
                await _finished(self._sink(result))
        except Exception as error:  # the caller's own
            self._fail(_hook_failed("sink", error))
        else:
            del self._unsaved[number]

    def _over(self, task: "asyncio.Task[None]") -> None:
        call = self._calls.pop(task)
        result = call.result
        if (
            isinstance(result, Failed)
            and isinstance(result.error, Interrupted)
            and call.at is not None
        ):
            result = attrs.evolve(result, maybe_done=call.at.sent)
        self._finish(call.number, result)
        if not task.cancelled():
            self._fail_if(task.exception())  # no `Exception`: the failure of a test, say

    def _finish(self, number: int, result: Result[Item, Value]) -> None:
        self._finished[number] = result
        match result:
            case Done():
                self._ends["done"] += 1
            case Failed():
                self._ends["failed"] += 1
                self._ends["maybe_done"] += result.maybe_done
            case NotStarted():
                self._ends[result.reason] += 1
        self._places.release()
        self._changed.set()

    def _fail_if(self, error: BaseException | None) -> None:
        if error is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Stop, and raise `error` when all calls have ended; a hook's outranks the items'."""
        if not isinstance(self._failure, HookFailed):
            self._failure = error
        self._stop()

    def _stop(self) -> None:
        self._stopped = True
        if self._feeder is not None:
            self._feeder.cancel()

    async def _cut_off(self) -> None:
        for task, call in self._calls.items():
            at = call.context.get(progress)
            # Another task's, if the whole run is part of another call.
            call.at = at if at is not None and at.task is task else None
            task.cancel()
        again: asyncio.CancelledError | None = None
        while tasks := self._tasks():  # as `asyncio.TaskGroup` does: none is left behind
            try:
                await asyncio.wait(tasks)
            except asyncio.CancelledError as error:
                again = error
        if again is not None:
            raise again


def _hook_failed(name: str, cause: Exception) -> HookFailed:
    error = HookFailed(f"`{name}` raised {type(cause).__name__}")
    error.__cause__ = cause
    return error


def _without_frames(error: Exception) -> Exception:
    # Results are kept; the frames of a traceback would keep requests and answers along with them.
    # Those of a defect are needed.
    if isinstance(error, DbusersError):
        error.__cause__ = error.__context__ = None
        return error.with_traceback(None)
    return error


async def _finished(hook_returned: object) -> None:
    if inspect.isawaitable(hook_returned):
        await _uncancelled(hook_returned)


async def _uncancelled(awaitable: Awaitable[Value]) -> Value:
    """Return what it does; a cancellation that is not this task's own becomes an error."""
    try:
        return await awaitable
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise Interrupted("something in it was cancelled") from None
