"""`SingleFlight`: one call for all who wait for it."""

import asyncio
import copy
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from dbusers.errors import DbusersError

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Calls a function once, however many callers ask for its result meanwhile.

    A `DbusersError` fails all of them, each with a copy; who asks later makes another call. A
    caller that is cancelled in the middle of the call leaves it to the next one who waits.
    """

    def __init__(self, call: Callable[[], Awaitable[T]]) -> None:
        self._call = call
        self._calling = asyncio.Lock()
        self._ended = 0
        self._outcome: T | DbusersError

    async def __call__(self) -> T:
        """Return what the call returns."""
        ended = self._ended
        async with self._calling:
            if self._ended == ended:  # no other caller's call ended while this one waited
                try:
                    self._outcome = await self._call()
                except DbusersError as error:
                    self._outcome = error
                self._ended += 1
            outcome = self._outcome
        if isinstance(outcome, DbusersError):
            raise copy.copy(outcome)  # one exception in many tasks would collect their tracebacks
        return outcome
