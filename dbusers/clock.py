"""The time as the SDK sees it: one small protocol, so that tests need not wait."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol


class Clock(Protocol):
    """What the SDK asks of time."""

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never run backwards."""

    def time(self) -> float:
        """Return seconds since 1970-01-01 UTC."""

    async def sleep(self, seconds: float, /) -> None:
        """Return after `seconds`."""


class SystemClock:
    """The machine's own clock."""

    monotonic: Callable[[], float] = staticmethod(time.monotonic)
    time: Callable[[], float] = staticmethod(time.time)
    sleep: Callable[[float], Coroutine[Any, Any, None]] = staticmethod(asyncio.sleep)


SYSTEM_CLOCK: Final = SystemClock()
