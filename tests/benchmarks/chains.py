"""Time of a chain of builders, from the client down to one user."""

import time
from typing import Final

from dbusers import DigitalOceanClient
from tests.benchmarks.rounds import Quartiles, interleaved
from tests.benchmarks.rows import OURS, Findings, Row

CHAINS: Final = 2_000  # in each round
ROUNDS: Final = 100
GOAL: Final = 2.0  # µs


def measure(share: float) -> Findings:
    """Return the row of one chain, in µs of CPU."""
    client = DigitalOceanClient("token", rate_limit=None)

    def sample() -> float:
        start = time.process_time()
        for _ in range(CHAINS):
            client.databases.by_id("9cc10173").users.by_username("app-01")
        return (time.process_time() - start) / CHAINS * 1e6

    times = Quartiles.of(interleaved({OURS: sample}, ROUNDS, share).samples[OURS])
    what = "`client.databases.by_id(a).users.by_username(b)`"
    return Findings(
        [Row(what, {OURS: times}, ours=f"{times.median:.1f} µs", goal=GOAL, unit=" µs")]
    )
