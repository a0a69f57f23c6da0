"""Whether a request costs the same, however many went before it and go beside it."""

from collections import defaultdict
from itertools import pairwise
from math import ceil
from typing import Final

from tests.benchmarks.load import ONE_USER, stand
from tests.benchmarks.peers import peer
from tests.benchmarks.rounds import Costs, interleaved
from tests.benchmarks.rows import FLOOR, OURS, Findings, Row

PEERS: Final = {name: peer(name) for name in (FLOOR, OURS)}
FLAT: Final = 1.10  # times the first ratio: other work on the machine moves medians as far

REQUESTS: Final = 100  # in each round
STEPS: Final = (100, 1_000, 10_000, 100_000)  # a client's requests; the last in one life only
SHORT_LIVES: Final = 30  # of a thousand requests
AT_ONCE: Final = 50

CONCURRENCIES: Final = (1, 10, 50, 100, 500)  # calls at once; a hundred have connections
CONCURRENT_ROUNDS: Final = 40


def measure(share: float) -> Findings:
    """Return a row for each step in number, and for each in concurrency."""
    note = (
        f"The goals are {FLAT:.2f} times the ratio of the first {REQUESTS} requests, and of "
        f"{AT_ONCE} at once: one at a time, the floor has a turn of the event loop to itself. "
        f"Each client had sent {REQUESTS} requests before the first that is counted."
    )
    by_number, by_concurrency = _by_number(share), _by_concurrency(share)
    first, usual = next(iter(by_number.values())), by_concurrency[_at_once(AT_ONCE)]
    return Findings(_rows(by_number, first) + _rows(by_concurrency, usual), [note])


def _rows(steps: dict[str, Costs], beside: Costs) -> list[Row]:
    """Return a row for each step, whose goal is to cost as much as one of them."""
    ratio = beside.ratio(OURS, FLOOR).median
    return [
        Row(
            what,
            {OURS: costs.ratio(OURS, FLOOR)},
            floor=f"{costs.typical(FLOOR) * 1e6:.0f} µs",
            ours=f"{costs.typical(OURS) * 1e6:.0f} µs",
            goal=ratio * FLAT,
        )
        for what, costs in steps.items()
    ]


def _by_number(share: float) -> dict[str, Costs]:
    lives = [STEPS[1]] * ceil(SHORT_LIVES * share) + [round(STEPS[-1] * share)]
    steps: dict[int, dict[str, list[float]]] = defaultdict(lambda: {name: [] for name in PEERS})
    for requests in lives:
        for name, samples in _life(requests).samples.items():
            for number, sample in enumerate(samples):
                step = next(step for step in STEPS if number * REQUESTS < step)
                steps[step][name].append(sample)
    return {
        f"get one user, {AT_ONCE} at once: request {before + 1:,} to {step:,}": Costs(steps[step])
        for before, step in pairwise((0, *STEPS))
        if step in steps
    }


def _life(requests: int) -> Costs:
    with stand() as here:
        loads = {
            name: here.load(client, name, ONE_USER, requests=REQUESTS, concurrency=AT_ONCE)
            for name, client in PEERS.items()
        }
        costs = interleaved(loads, requests // REQUESTS)
        here.books()
    return costs


def _by_concurrency(share: float) -> dict[str, Costs]:
    with stand() as here:
        loads = {
            f"{name} {number}": here.load(
                client, name, ONE_USER, requests=max(2 * REQUESTS, 2 * number), concurrency=number
            )
            for name, client in PEERS.items()
            for number in CONCURRENCIES
        }
        pairs = [(f"{FLOOR} {number}", f"{OURS} {number}") for number in CONCURRENCIES]
        costs = interleaved(loads, CONCURRENT_ROUNDS, share, pairs).samples
        here.books()
    return {
        _at_once(number): Costs({name: costs[f"{name} {number}"] for name in PEERS})
        for number in CONCURRENCIES
    }


def _at_once(number: int) -> str:
    return f"get one user, {number:,} at once"
