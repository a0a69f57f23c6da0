"""A clock that several processes share, faster than the machine's."""

import asyncio
import time


class FastClock:
    """Time that runs `speed` times as fast from the moment `epoch` on, in Unix seconds.

    The SDK's clients take it, and a sandbox in another process takes one of the same epoch: an
    hour's limit or bearer then ends for both at once, after a few seconds.
    """

    def __init__(self, epoch: float, speed: float) -> None:
        self._epoch = epoch
        self._speed = speed
        # Read once: a machine's clock that is set right meanwhile is no jump in ours.
        self._monotonic_epoch = epoch - time.time() + time.monotonic()

    def __call__(self) -> float:
        return self._epoch + (time.monotonic() - self._monotonic_epoch) * self._speed

    def time(self) -> float:
        return self()

    def monotonic(self) -> float:
        return self()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)
