"""How many instructions a call takes, counted by Valgrind's Callgrind, start-up left out."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.cost.program import MARK, MEASURED, REPEATS

ROOT: Final = Path(__file__).parent.parent.parent
TOTAL: Final = re.compile(r"^totals: (\d+)$", re.MULTILINE)


def measure() -> dict[str, int]:
    """Return the instructions of one call of each case. Takes half a minute."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "counts")
        subprocess.run(
            (
                *("valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}"),
                f"--dump-before={MARK}",  # which then counts from 0 again
                *(sys.executable, "-m", "tests.cost.program"),
            ),
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": "0"},
            check=True,
        )
        # Every other one: before the first mark and between two cases, nothing is measured.
        dumps = [out.with_suffix(f".{2 * n + 2}") for n in range(len(MEASURED))]
        totals = [TOTAL.findall(dump.read_text())[0] for dump in dumps]
    return {case: int(total) // REPEATS for case, total in zip(MEASURED, totals, strict=True)}
