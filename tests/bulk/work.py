"""An operation in memory: what was called, how many at a time, and when each call may end."""

import asyncio
from collections.abc import AsyncIterator, Iterable

from dbusers import DbusersError


def other_tasks() -> set["asyncio.Task[object]"]:
    current = asyncio.current_task()
    return {task for task in asyncio.all_tasks() if task is not current}


async def settled() -> None:
    """Return when every task has gone as far as it can by itself."""
    for _ in range(50):
        await asyncio.sleep(0)


async def one_by_one(items: Iterable[str]) -> AsyncIterator[str]:
    for item in items:
        await asyncio.sleep(0)
        yield item


class Work:
    """`call` returns its item in capitals, or raises what `errors` has for it.

    Calls for the items in `waits` end when `gate` is set.
    """

    def __init__(self, *, waits: Iterable[str] = (), **errors: BaseException) -> None:
        self.waits = set(waits)
        self.errors = errors
        self.gate = asyncio.Event()
        self.called: list[str] = []
        self.ended: list[str] = []
        self.cancelled: list[str] = []
        self.running = self.most_running = 0

    async def call(self, item: str) -> str:
        self.called.append(item)
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        try:
            if item in self.waits:
                await self.gate.wait()
            else:
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled.append(item)
            raise
        finally:
            self.running -= 1
        self.ended.append(item)
        if item in self.errors:
            raise self.errors[item]
        return item.upper()


def broken() -> DbusersError:
    return DbusersError("out of order")
