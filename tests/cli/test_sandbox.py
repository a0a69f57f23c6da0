import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dbusers.cli.app import app
from tests.cli.conftest import Run

# A shell's background jobs ignore the interrupt, and hand that on to the tests and this program.
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from dbusers.cli import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_what_it_exports_until_it_is_stopped(
    run: Run, tmp_path: Path, number: signal.Signals
) -> None:
    serving = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "sandbox"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with serving:
        assert serving.stdout is not None
        assert serving.stderr is not None
        lines = [serving.stdout.readline() for _ in range(6)]
        exported = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        listed = [
            run("databases", "list", "-p", provider, env=exported)
            for provider in ("digitalocean", "scalingo")
        ]
        os.kill(serving.pid, number)
        said = serving.stderr.read()

    assert [result.exit_code for result in listed] == [0, 0]
    assert serving.returncode == 0
    assert "Ctrl-C" in said
    assert "Traceback" not in said


def test_a_fleet_that_cannot_be_is_refused() -> None:
    result = CliRunner().invoke(app, ["sandbox", "--databases", "50", "--users", "3"])

    assert result.exit_code == 2
    assert "cannot have 3 users" in result.stderr


def test_a_port_that_is_taken_is_an_error_in_one_line(refused_url: str) -> None:
    port = refused_url.rpartition(":")[2]

    result = CliRunner().invoke(app, ["sandbox", "--port", port])

    assert result.exit_code == 1
    assert result.stderr.startswith(f"dbusers: cannot listen on port {port}")
