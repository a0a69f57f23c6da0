"""An audit that its machine stops, by SIGTERM: what was read is kept and reported."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dbusers.testing import Fault, Sandbox
from tests.cli.environments import digitalocean_environment

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM to be caught")
@pytest.mark.parametrize("interrupt", ["default_int_handler", "SIG_IGN"])
def test_what_is_stopped_keeps_and_reports_what_was_read(
    sandbox: Sandbox, interrupt: str, tmp_path: Path
) -> None:
    # A shell's background jobs ignore Ctrl-C; they are stopped all the same.
    program = (
        f"import signal; signal.signal(signal.SIGINT, signal.{interrupt});"
        "from dbusers.cli import main; main()"
    )
    command = [sys.executable, "-c", program, "audit", "-o", "json=a.json"]
    environment = os.environ | digitalocean_environment(sandbox) | {"PYTHONPATH": str(ROOT)}
    sandbox.inject(Fault("/v2/databases/*/users", times=6, delay=0.05))  # time to be stopped in

    stopped = subprocess.Popen(
        [*command, "--concurrency", "1"],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(sandbox.requests) < 4:
        assert stopped.poll() is None
        time.sleep(0.01)
    stopped.send_signal(signal.SIGTERM)
    _, said = stopped.communicate(timeout=60)
    partial = json.loads((tmp_path / "a.json").read_text())
    resumed = subprocess.run(
        [*command, "--resume"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    whole = json.loads((tmp_path / "a.json").read_text())

    assert stopped.returncode == partial["summary"]["exit_code"] == 130
    assert said.endswith("dbusers: interrupted; the same command with --resume goes on\n")
    assert "Traceback" not in said
    assert 0 < partial["summary"]["read"] < partial["summary"]["databases"]
    assert partial["summary"]["complete"] is False
    assert resumed.returncode == 1
    assert whole["summary"]["complete"] is True
    assert whole["run"]["run"] == partial["run"]["run"]
