"""What was measured on what: the machine, its Python, the versions, the date."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks import peers

CPUS = Path("/proc/cpuinfo")  # Linux only; elsewhere the machine's type has to do


def described(load_before: float) -> list[str]:
    """Return sentences of it. The load is the average of a minute, that before the run given."""
    found = peers.found()
    packages = sorted({name for peer in found.values() for name in peer.PACKAGES})
    notes = [
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {platform.python_implementation()} "
        f"{platform.python_version()} on {platform.system()}, {os.cpu_count()} cores of {_cpu()}, "
        f"load {load_before:.1f} before and {os.getloadavg()[0]:.1f} after.",
        f"Versions: {', '.join(f'{name} {version(name)}' for name in packages)}.",
    ]
    missing = [name for name in peers.MODULES if name not in found]
    return notes + [f"Not installed, and so not measured: {', '.join(missing)}."] * bool(missing)


def _cpu() -> str:
    lines = CPUS.read_text().splitlines() if CPUS.exists() else []
    models = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(models, platform.machine())
