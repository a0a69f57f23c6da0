"""Time of `import dbusers` beside that of the four packages it stands on."""

import subprocess
import sys
from statistics import median
from typing import Final

ROUNDS: Final = 15
FLOOR: Final = "import aiohttp, attrs, cattrs, orjson"
OURS: Final = "import dbusers"
PROGRAM: Final = "import time; start = time.process_time(); {}; print(time.process_time() - start)"


def measure() -> tuple[float, float]:
    """Return the floor in ms of CPU, and our ratio to it."""
    floors, ratios = [], []
    for _ in range(ROUNDS):
        floors.append(_cpu(FLOOR))
        ratios.append(_cpu(OURS) / floors[-1])
    return median(floors) * 1e3, median(ratios)


def _cpu(statement: str) -> float:
    command = [sys.executable, "-c", PROGRAM.format(statement)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)
