"""Clocks for tests: nobody waits for them."""

import asyncio
import heapq
from itertools import count

START = 1_790_000_000.0  # Unix time, some day in September 2026


class JumpingClock:
    """A sleep returns at once and moves the time; for one caller at a time."""

    def __init__(self, start: float = START) -> None:
        self.now = start
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += max(seconds, 0.0)
        await asyncio.sleep(0)


class SimulatedClock:
    """Time stands still until all tasks wait; `run` then jumps to the next moment of one of them.

    Only for tasks that wait for this clock and for each other: it cannot see sockets.
    """

    def __init__(self, start: float = START) -> None:
        self.now = start
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        wakes: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), wakes))
        await wakes

    async def settle(self) -> None:
        """Return when every task that can go on without time has done so."""
        # There is no public way to ask a loop whether it has anything left to do.
        ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
        await asyncio.sleep(0)
        while ready:  # noqa: ASYNC110  (it is the loop itself that is waited for)
            await asyncio.sleep(0)

    async def run(self, until: float = float("inf")) -> None:
        """Let time pass, from one sleeper to the next, up to the moment `until`."""
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            moment, _, wakes = heapq.heappop(self._sleepers)
            if wakes.done():
                continue
            self.now = max(self.now, moment)
            wakes.set_result(None)
            await self.settle()
        if until != float("inf"):
            self.now = max(self.now, until)


class StuckClock(JumpingClock):
    """A sleep never returns, unless it is cancelled; `sleeping` is set when one has begun."""

    def __init__(self) -> None:
        super().__init__()
        self.sleeping = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.sleeping.set()
        await asyncio.get_running_loop().create_future()
