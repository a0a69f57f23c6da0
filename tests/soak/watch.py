"""What the process holds: file descriptors, tasks, memory. And what it says when nobody listens."""

import asyncio
import gc
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs

DESCRIPTORS: Final = Path("/proc/self/fd")
STATM: Final = Path("/proc/self/statm")
MB: Final = 1_000_000
OBJECTS_TO_SPARE: Final = 1_500  # of the interpreter's own; a leak for every hundredth call is more
# Lines: kept all, they would be most of the memory. A password is known only after the line about
# the answer it came in, but long before so many more.
LATE: Final = 5_000
WARM: Final = 3  # samples until connections and caches are there; the rest must be flat
# It warns of 429s and of long waits for a budget, and the run provokes both.
PROVOKED: Final = "dbusers.ratelimit"


@attrs.frozen
class Sample:
    """What the process holds at one moment; None where the system does not say.

    `resident` is its memory, in bytes.
    """

    descriptors: int | None
    tasks: int
    objects: int
    resident: int | None

    @classmethod
    def take(cls) -> "Sample":
        """Collect the garbage, and count what is left."""
        gc.collect()
        return cls(
            descriptors=len(list(DESCRIPTORS.iterdir())) if DESCRIPTORS.exists() else None,
            tasks=len(asyncio.all_tasks()),
            objects=len(gc.get_objects()),
            resident=_resident(),
        )


def _resident() -> int | None:
    if not STATM.exists():
        return None
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def not_flat(samples: Sequence[Sample], before: Sample, concurrency: int) -> Iterator[str]:
    """Yield what has grown during the run.

    A caller has two connections at most, one of them on its way out, and one task besides its own,
    in which aiohttp connects or sends a body. Objects and memory vary with what is under way, and
    the rate limits keep a number for each request of the last hour: at the end they may be a tenth
    and 5 MB above the warm samples.
    """
    for sample in samples:
        if sample.tasks > before.tasks + 2 * concurrency:
            yield f"{sample.tasks} tasks, with {concurrency} callers"
        if (sample.descriptors or 0) > (before.descriptors or 0) + 2 * concurrency:
            yield f"{sample.descriptors} descriptors, with {concurrency} callers"
    warm, rest = samples[:WARM], samples[WARM:]
    objects = max(sample.objects for sample in warm)
    if rest and rest[-1].objects > objects * 1.1:
        yield f"{rest[-1].objects} objects, and {objects} when warm"
    memory = max(sample.resident or 0 for sample in warm)
    if rest and (rest[-1].resident or 0) > memory * 1.1 + 5 * MB:
        yield f"{rest[-1].resident} bytes of memory, and {memory} when warm"


def not_given_back(before: Sample, after: Sample) -> Iterator[str]:
    """Yield what is left of a run after its clients were closed.

    `before` is after a first, short run: what is loaded and cached once is there already.
    """
    if after.tasks != before.tasks:
        yield f"{after.tasks} tasks are left, of {before.tasks}"
    if after.descriptors != before.descriptors:
        yield f"{after.descriptors} descriptors are left, of {before.descriptors}"
    if after.objects > before.objects + OBJECTS_TO_SPARE:
        yield f"{after.objects} objects are left, of {before.objects}"


class Listener(logging.Handler):
    """Has `search` look through what is logged by anybody at any level, Python's warnings included.

    `complaints` are the warnings, but for those of 429s and of budgets that are used up.
    """

    def __init__(self, search: Callable[[str], None]) -> None:
        super().__init__(logging.NOTSET)
        self.heard: int = 0
        self.complaints: list[str] = []
        self._search = search
        self._lines: list[str] = []
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def listen(self) -> None:
        """Listen from now on, in place of whoever listened before."""
        logging.basicConfig(level=logging.DEBUG, handlers=[self], force=True)
        logging.captureWarnings(capture=True)
        warnings.simplefilter("always")

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        self.heard += 1
        self._lines.append(line)
        if len(self._lines) == 2 * LATE:
            self._hand_over(LATE)
        if record.levelno >= logging.WARNING and record.name != PROVOKED:
            self.complaints.append(line)

    def finish(self) -> None:
        """Have the last lines searched."""
        self._hand_over(len(self._lines))

    def _hand_over(self, count: int) -> None:
        self._search("\n".join(self._lines[:count]))
        del self._lines[:count]
