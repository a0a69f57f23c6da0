"""CPU of the client's process for each request: whole clients beside aiohttp with orjson."""

from typing import Final

import attrs

from tests.benchmarks import peers
from tests.benchmarks.load import ONE_USER, TEN_USERS, Question, stand
from tests.benchmarks.rounds import interleaved
from tests.benchmarks.rows import FLOOR, OURS, Findings, Row
from tests.benchmarks.served import Books

ROUNDS: Final = 80
REQUESTS: Final = 200  # in each round
REQUESTS_OF_PEERS: Final = 50  # enough to know ratios of 3 and more


@attrs.frozen
class Case:
    """What is asked for, how many at once, and the ratio that is our goal."""

    what: str
    question: Question
    concurrency: int
    goal: float


CASES: Final = (
    Case("get one user, one call at a time", ONE_USER, 1, 1.12),
    Case("get one user, 50 at once", ONE_USER, 50, 1.12),
    Case("list of ten users, of 1,000 databases, 50 at once", TEN_USERS, 50, 1.25),
)


def measure(share: float) -> Findings:
    """Return a row for each case, from this share of the rounds."""
    found = [_compared(case, share) for case in CASES]
    return Findings([row for row, _ in found], _notes([books for _, books in found]))


def _compared(case: Case, share: float) -> tuple[Row, Books]:
    with stand() as here:
        loads = {
            name: here.load(
                peer,
                name,
                case.question,
                requests=REQUESTS if name in {FLOOR, OURS} else REQUESTS_OF_PEERS,
                concurrency=case.concurrency,
            )
            for name, peer in peers.found().items()
        }
        costs = interleaved(loads, ROUNDS, share, pairs=[(FLOOR, OURS)])
        books = here.books()
    floor = costs.typical(FLOOR)
    assert books.cpu_per_request < floor, "clients may have waited for the server"
    row = Row(
        case.what,
        {name: costs.ratio(name, FLOOR) for name in loads if name != FLOOR},
        floor=f"{floor * 1e6:.0f} µs",
        ours=f"{costs.typical(OURS) * 1e6:.0f} µs",
        goal=case.goal,
    )
    return row, books


def _notes(found: list[Books]) -> list[str]:
    """Return what the server has to say of the cases, in their order."""
    requests = ", ".join(f"{sum(books.requests.values()):,}" for books in found)
    cpu = ", ".join(f"{books.cpu_per_request * 1e6:.0f}" for books in found)
    connections = "; ".join(
        f"{name} " + ", ".join(f"{books.connections[f'Bearer {name}']:,}" for books in found)
        for name in peers.found()
    )
    return [
        f"The server counted {requests} requests for the first {len(found)} rows: from each client "
        f"exactly those that it was asked for. It is a process of its own and took {cpu} µs of CPU "
        "for each, less than any client.",
        f"Connections made for them: {connections}.",
    ]
