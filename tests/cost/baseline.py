"""What the cases cost when that was last recorded, and whether they cost more now.

Function calls are the same on every Python, give or take one. Instructions are not: two builds of
Python 3.11 differ by 8 % in one case and by 17 % in another, and so no factor leads from one to the
other. Each build has a baseline of its own, and is known by what it takes for the reference work.
"""

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs
import orjson

from tests.cost.program import REFERENCE

FILE: Final = Path(__file__).with_name("baseline.json")
TOLERANCE: Final = 0.05
SAME_BUILD: Final = 0.01  # from run to run it is 0.001
CALLS: Final = "calls"
INSTRUCTIONS: Final = f"instructions, {platform.machine()}, Python {platform.python_version()}"

Counts = Mapping[str, int]


def recorded() -> dict[str, Counts]:
    """Return the counts by what is counted."""
    found: dict[str, Counts] = orjson.loads(FILE.read_bytes())
    return found


def record(what: str, counts: Counts) -> None:
    """Have these counts compared with from now on."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    FILE.write_bytes(orjson.dumps({**recorded(), what: counts}, option=options))


def section(counts: Counts, baselines: Mapping[str, Counts]) -> str | None:
    """Return which of `baselines` is of the build of Python that has these instruction counts."""
    for what, before in baselines.items():
        # Whichever patch it was recorded with: 3.11.9 may be built as 3.11.7 is.
        alike = what.rpartition(".")[0] == INSTRUCTIONS.rpartition(".")[0]
        if alike and abs(counts[REFERENCE] / before[REFERENCE] - 1) <= SAME_BUILD:
            return what
    return None


@attrs.frozen
class Cost:
    """What a case costs now, and what it did cost."""

    case: str
    count: int
    before: int

    @property
    def growth(self) -> float:
        """The share by which it costs more; less is negative."""
        return self.count / self.before - 1

    @property
    def grew(self) -> bool:
        return self.growth > TOLERANCE

    @property
    def fell(self) -> bool:
        return self.growth < -TOLERANCE


def costs(counts: Counts, before: Counts) -> list[Cost]:
    """Compare each case with what was recorded of it."""
    return [Cost(case, count, before[case]) for case, count in counts.items()]
