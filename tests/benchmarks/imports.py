"""Time and modules of `import dbusers`, beside those of the four packages it stands on."""

import subprocess
import sys
from typing import Final

from tests.benchmarks import peers
from tests.benchmarks.rounds import Quartiles, Sample, interleaved
from tests.benchmarks.rows import FLOOR, OURS, Findings, Row

ROUNDS: Final = 15
GOAL: Final = 1.10
BARE: Final = "import dbusers"
# Loaded on use: parts of dbusers, and what only they need.
LATER: Final = ("cli", "audit", "testing", "fastapi", "otel")
THEIRS: Final = {"fastapi", "typer", "rich", "pytest", "opentelemetry"}
PROGRAM: Final = """
import sys, time
start = time.process_time()
{}
print(time.process_time() - start, *sys.modules)
"""


def measure(share: float) -> Findings:
    """Return rows of time and of modules, for the package and for one client of it."""
    clients = peers.found()
    statements = {name: peer.IMPORT for name, peer in clients.items()}
    times = interleaved(
        {each: _sample(each) for each in (BARE, *statements.values())}, ROUNDS, share
    )
    modules = {each: _run(each)[1:] for each in times.samples}
    floor = statements.pop(FLOOR)
    rows = []
    for what, beside in ((BARE, {OURS: BARE}), (statements[OURS], statements)):
        _check(modules[what])
        rows.append(
            Row(
                f"`{what}`: time",
                {name: times.ratio(each, floor) for name, each in beside.items()},
                floor=f"{times.typical(floor) * 1e3:.0f} ms",
                ours=f"{times.typical(what) * 1e3:.0f} ms",
                goal=GOAL,
            )
        )
        rows.append(
            Row(
                f"`{what}`: modules",
                {
                    name: Quartiles.exactly(len(modules[each]) / len(modules[floor]))
                    for name, each in beside.items()
                },
                floor=f"{len(modules[floor]):,}",
                ours=f"{len(modules[what]):,}",
                goal=GOAL,
            )
        )
    note = f"The floor of the imports is `{floor}`. Ours loads nothing of {', '.join(LATER)}."
    return Findings(rows, [note])


def _sample(statement: str) -> Sample:
    return lambda: float(_run(statement)[0])


def _run(statement: str) -> list[str]:
    """Return the seconds of CPU that the statement takes, and what modules there are after it."""
    command = [sys.executable, "-c", PROGRAM.format(statement)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def _check(modules: list[str]) -> None:
    needless = THEIRS & set(modules) | {name for name in LATER if f"dbusers.{name}" in modules}
    assert not needless, f"loaded before it is used: {needless}"
