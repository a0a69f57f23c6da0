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

    def monotonic(self) -> float:
        """Return `time.monotonic()`."""
        return time.monotonic()

    def time(self) -> float:
        """Return `time.time()`."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait on the running loop."""
        await asyncio.sleep(seconds)


SYSTEM_CLOCK: Final = SystemClock()
