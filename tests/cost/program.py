"""The program that runs under Callgrind: each of `MEASURED`, between two calls of `MARK`."""

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable
from typing import Final

from tests.cost.cases import ANSWERS, CASES
from tests.cost.reference import work

MARK: Final = "getppid"  # a function of the C library that nothing else here calls
REFERENCE: Final = "the reference work"
MEASURED: Final = (REFERENCE, *CASES)
REPEATS: Final = ANSWERS // 2


async def _measure(call: Callable[[], Awaitable[object]]) -> None:
    for _ in range(REPEATS):  # caches are filled, and the interpreter has adapted to the code
        await call()
    os.getppid()
    for _ in range(REPEATS):
        await call()
    os.getppid()


async def main() -> None:
    # A collection comes after so many objects, whichever call makes the last of them. That they
    # are made is counted; when they are looked through would be chance.
    gc.disable()
    await _measure(work)
    for case in CASES.values():
        with case.client() as client:
            await _measure(lambda: case.call(client))  # noqa: B023  (called at once)


if __name__ == "__main__":
    asyncio.run(main())
