"""A clock for real sockets: time stands still while a request is under way, and jumps otherwise."""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Final

START: Final = 1_790_000_000.0  # Unix time, some day in September 2026


class IdleClock:
    """Answers take no time on it, so what passes is what the rate limits cost, and nothing else.

    A sandbox takes it (it is called) as well as clients. `running` moves it on for as long as it is
    entered, from one sleeper to the next, whenever `is_busy` says that no request is under way.
    """

    def __init__(self, start: float = START) -> None:
        self.now = start
        self.is_busy: Callable[[], bool] = lambda: False
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def __call__(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        wakes: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), wakes))
        await wakes

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        driver = asyncio.create_task(self._drive())
        try:
            yield
        finally:
            driver.cancel()

    async def _drive(self) -> None:
        # There is no public way to ask a loop whether it has anything left to do.
        ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
        while True:
            await asyncio.sleep(0.0005 if self.is_busy() else 0)
            if ready or self.is_busy() or not self._sleepers:
                continue
            moment, _, wakes = heapq.heappop(self._sleepers)
            if not wakes.done():
                self.now = max(self.now, moment)
                wakes.set_result(None)
