"""A short run of the soak, in processes of its own like the long one."""

import os
import subprocess
import sys

SHORT = (
    "--requests=2000", "--concurrency=50", "--speed=600", "--attempt=0.4", "--seed=1",
)  # fmt: skip


def test_a_short_soak_ends_as_promised() -> None:
    command = [sys.executable, "-W", "error", "-m", "tests.soak", *SHORT]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ)
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "seed 1\n" in done.stdout
    assert "all as promised" in done.stdout
