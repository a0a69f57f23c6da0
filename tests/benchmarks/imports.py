"""Time of `import dbusers` beside that of the four packages it stands on."""

import subprocess
import sys
from statistics import median
from typing import Final

ROUNDS: Final = 15
FLOOR: Final = "import aiohttp, attrs, cattrs, orjson"
OURS: Final = (
    "import dbusers",
    "from dbusers import DigitalOceanClient",  # a client comes with all models of its provider
    "from dbusers import DigitalOceanClient, ScalingoClient",
)
PROGRAM: Final = "import time; start = time.process_time(); {}; print(time.process_time() - start)"


def measure() -> tuple[float, dict[str, float]]:
    """Return the floor in ms of CPU, and for each statement its ratio to it."""
    floors: list[float] = []
    ratios: dict[str, list[float]] = {statement: [] for statement in OURS}
    for _ in range(ROUNDS):
        floors.append(_cpu(FLOOR))
        for statement in OURS:
            ratios[statement].append(_cpu(statement) / floors[-1])
    return median(floors) * 1e3, {statement: median(found) for statement, found in ratios.items()}


def _cpu(statement: str) -> float:
    command = [sys.executable, "-c", PROGRAM.format(statement)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)
