"""Compare the instructions of each call with those recorded; fail if they grew by more than 5 %."""

import argparse
import asyncio
import os
import shutil
import sys

from tests.cost import calls, instructions
from tests.cost.baseline import CALLS, INSTRUCTIONS, Counts, costs, record, recorded, section

RECORD = f"{os.path.relpath(sys.executable)} -m tests.cost --record"


def compare(counts: Counts) -> int:
    """Print what became of each case, and return the exit code: 1 if one grew."""
    baselines = recorded()
    what = section(counts, baselines)
    if what is None:
        print(*(f"{count:12,}  {case}" for case, count in counts.items()), sep="\n")
        print(f"NOT COMPARED: this build of Python has no baseline. Record one: {RECORD}")
        return 0
    found = costs(counts, baselines[what])
    print("instructions        before  change")
    for cost in found:
        print(f"{cost.count:12,}  {cost.before:12,}  {cost.growth:+6.1%}  {cost.case}")
    for cost in found:
        if cost.grew:
            more = cost.count - cost.before
            print(f"FAILED: {cost.case} takes {more:,} instructions more for each call")
        elif cost.fell:
            less = cost.before - cost.count
            print(f"{cost.case} takes {less:,} instructions less for each call: record that")
    if any(cost.grew or cost.fell for cost in found):
        print(f"To compare with these counts from now on: {RECORD}")
    return int(any(cost.grew for cost in found))


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.cost", description=__doc__)
    parser.add_argument("--record", action="store_true", help="compare with these from now on")
    recording = parser.parse_args().record
    if recording:
        record(CALLS, asyncio.run(calls.measure()))
    if shutil.which("valgrind") is None:
        print("valgrind is not here: instructions are NOT MEASURED")
        return 0
    counts = instructions.measure()
    if recording:
        record(section(counts, recorded()) or INSTRUCTIONS, counts)
        return 0
    return compare(counts)


if __name__ == "__main__":
    sys.exit(main())
