"""How many functions the package calls for one request, those in C included."""

import sys
from pathlib import Path
from types import FrameType
from typing import Any, Final

import dbusers
from tests.cost.cases import CASES, Case

PACKAGE: Final = str(Path(dbusers.__file__).parent)
GENERATED: Final = ("<string>", "<attrs generated")  # constructors, and attrs' own methods
INLINED: Final = ("<listcomp>", "<dictcomp>", "<setcomp>")  # no calls any more from 3.12 on


class Counter:
    """Counts the calls of functions that the package makes, between `start` and `stop`."""

    calls = 0

    def start(self) -> None:
        self.calls = 0
        sys.setprofile(self._count)

    def stop(self) -> int:
        sys.setprofile(None)
        return self.calls

    def _count(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        own = code.co_filename.startswith((PACKAGE, *GENERATED))
        if (
            own
            and event in ("call", "c_call")
            and not (event == "call" and code.co_name in INLINED)
        ):
            self.calls += 1


async def calls_of(case: Case, **options: Any) -> int:
    """Return the calls of one request of a client with these options."""
    with case.client(**options) as client:
        for _ in range(3):
            await case.call(client)  # caches are filled and constructors made
        counter = Counter()
        counter.start()
        await case.call(client)
        return counter.stop()


async def measure() -> dict[str, int]:
    """Return the calls of each case."""
    return {name: await calls_of(case) for name, case in CASES.items()}
