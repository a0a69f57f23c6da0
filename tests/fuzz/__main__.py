"""Fuzz for some time; print what was found, small and ready to be pasted."""

import argparse
import asyncio
import sys
import time
import traceback
from collections import Counter
from itertools import count
from typing import Final

import attrs
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.answers import cases
from tests.fuzz.target import Broken, Case, check

BATCH: Final = 100  # answers between two looks at the clock
# To think of an answer takes longer than to read it, so each is also read under these statuses.
STATUSES: Final = (200, 422, 429)


def fuzz(seconds: float, first_seed: int) -> Counter[str]:
    """Check cases for so long, and count what they came to. Raises `Broken`, for a small case."""
    outcomes: Counter[str] = Counter()

    def one(case: Case) -> None:
        for status in {case.status, *STATUSES}:
            outcomes[check(attrs.evolve(case, status=status), runner.run)] += 1

    quietly = settings(
        max_examples=BATCH,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    end = time.monotonic() + seconds
    with asyncio.Runner() as runner:
        for number in count(first_seed):
            seed(number)(quietly(given(cases())(one)))()
            if time.monotonic() >= end:
                break
    return outcomes


def main() -> int:
    """Return the exit code: 1 if something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    start = time.monotonic()
    try:
        outcomes = fuzz(chosen.seconds, chosen.seed)
    except Broken as broken:
        traceback.print_exception(broken.__cause__)
        print(f"FOUND {broken.why}\n\n{broken.case.reproducer()}")
        return 1
    taken = time.monotonic() - start
    for outcome, times in outcomes.most_common():
        print(f"{outcome:18} {times:9,}")
    print(f"{outcomes.total():,} cases, {outcomes.total() / taken:,.0f}/s; nothing was found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
