"""The time as the SDK sees it: one small protocol, so that tests need not wait."""

import asyncio
import time
from typing import Final, Protocol


class Clock(Protocol):
    """What the SDK asks of time."""

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never run backwards."""

    def time(self) -> float:
        """Return seconds since 1970-01-01 UTC."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""


class SystemClock:
    """The machine's own clock."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)
    sleep = staticmethod(asyncio.sleep)


SYSTEM_CLOCK: Final = SystemClock()
