"""Run the soak, print its figures, and fail if anything was not as promised."""

import argparse
import sys
import time

from tests.soak import report
from tests.soak.leaks import Leaks, prove
from tests.soak.run import Settings, soak
from tests.soak.watch import Listener

SHOWN = 20  # failures


def main() -> int:
    """Return the exit code: 1 if anything was not as promised."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="calls to make")
    parser.add_argument("--concurrency", type=int, default=200, help="calls at once")
    parser.add_argument("--speed", type=float, default=40.0, help="of the providers' clock")
    parser.add_argument("--attempt", type=float, default=2.0, help="timeout, in real seconds")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    settings = Settings(**vars(parser.parse_args()))
    print(f"seed {settings.seed}", flush=True)
    leaks = Leaks()
    listener = Listener(leaks.search)
    listener.listen()
    findings = soak(settings, leaks)
    listener.finish()
    table = [f"{name:28}  {value}" for name, value in report.rows(findings, leaks, listener)]
    leaks.search("\n".join(table))
    failures = [*prove(), *report.failures(settings, findings, leaks, listener)]
    print(*table, sep="\n")
    for failure in failures[:SHOWN]:
        print("FAILED", failure)
    print(f"{len(failures)} failures" if failures else "all as promised")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
