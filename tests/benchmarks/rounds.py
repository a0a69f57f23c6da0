"""Costs in many short rounds: every candidate once in each, in an order of its own.

A shared machine changes its speed from one second to the next. What stands beside each other in a
short round suffers the same, so a ratio within one is far steadier than one of two averages.
"""

import gc
from collections.abc import Callable, Mapping, Sequence
from random import Random
from statistics import median, quantiles
from typing import Final, Self

import attrs

FEWEST: Final = 3  # rounds, however small the share

Sample = Callable[[], float]  # runs once, and returns what that cost


@attrs.frozen
class Quartiles:
    """The middle half of some values."""

    lower: float
    median: float
    upper: float

    @classmethod
    def of(cls, values: list[float]) -> Self:
        """Return those of at least two values."""
        return cls(*quantiles(values, n=4, method="inclusive"))

    @classmethod
    def exactly(cls, value: float) -> Self:
        """Return those of what does not vary."""
        return cls(value, value, value)


@attrs.frozen
class Costs:
    """What each candidate cost, round by round."""

    samples: Mapping[str, list[float]]

    def typical(self, name: str) -> float:
        """Return the median."""
        return median(self.samples[name])

    def ratio(self, name: str, floor: str) -> Quartiles:
        """Return the cost of one beside that of the other in the same round."""
        pairs = zip(self.samples[name], self.samples[floor], strict=True)
        return Quartiles.of([cost / least for cost, least in pairs])


def interleaved(
    candidates: Mapping[str, Sample],
    rounds: int,
    share: float = 1.0,
    pairs: Sequence[tuple[str, str]] = (),
) -> Costs:
    """Run this `share` of the rounds, after one that does not count: it fills caches.

    Of `pairs`, one runs right after the other.
    """
    shuffle = Random(0).shuffle  # the same orders in every run
    samples: dict[str, list[float]] = {name: [] for name in candidates}
    paired = {name for pair in pairs for name in pair}
    groups = [list(pair) for pair in pairs] + [[name] for name in candidates if name not in paired]
    # What a peer has loaded is not looked through for garbage in the time of another.
    gc.collect()
    gc.freeze()
    try:
        for sample in candidates.values():
            sample()
        for _ in range(max(FEWEST, round(rounds * share))):
            shuffle(groups)
            for group in groups:
                shuffle(group)
                for name in group:
                    samples[name].append(candidates[name]())
    finally:
        gc.unfreeze()
    return Costs(samples)
