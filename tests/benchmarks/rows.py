"""What a part of the benchmark found: rows of a table, and notes under it."""

from collections.abc import Mapping
from typing import Final

import attrs

from tests.benchmarks.rounds import Quartiles

FLOOR: Final = "floor"
OURS: Final = "dbusers"


@attrs.frozen
class Row:
    """A floor, and what each client costs beside it; our goal, where there is one.

    `floor` and `ours` are texts with units. `costs` are ratios to the floor, unless another `unit`
    is said.
    """

    what: str
    costs: Mapping[str, Quartiles]
    floor: str = ""
    ours: str = ""
    goal: float | None = None
    unit: str = ""

    @property
    def reached(self) -> bool:
        """Whether we are within the goal."""
        return self.goal is not None and self.costs[OURS].median <= self.goal


@attrs.frozen
class Findings:
    """The rows of one part, and what else it has to say."""

    rows: list[Row]
    notes: list[str] = attrs.field(factory=list)
