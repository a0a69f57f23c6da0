"""`kill -9` of `dbusers audit`, time and again; what `--resume` makes of it in the end."""

import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbusers.testing import Fault, Sandbox
from tests.cli.environments import digitalocean_environment
from tests.ready_python import ready_python

KILLS = 10
AT_ONCE = 2  # requests
ID_OR_TIME = re.compile(
    rb'\d{8}-\d{6}-[0-9a-f]{6}|\d{4}-\d\d-\d\dT[\d:.]+(?:\+00:00|Z)|"seconds":[\d.]+'
)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(databases=60, users=300, limits=False) as running:
        yield running


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def audit(sandbox: Sandbox, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [ready_python(), "-m", "dbusers.cli", "audit", "-q", *arguments],
        env=os.environ | digitalocean_environment(sandbox),
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=60)
    return process.returncode, said


def test_killed_ten_times_and_resumed_it_reports_the_same_to_the_byte(sandbox: Sandbox) -> None:
    whole = audit(sandbox, "--store", "whole.db", "-o", "jsonl=whole.jsonl")
    assert ended(whole) == (1, "")
    needed = len(sandbox.requests)
    sandbox.requests.clear()
    sandbox.inject(Fault("*", times=None, delay=0.01))  # time to be killed in

    goes_on = ("--resume", f"--concurrency={AT_ONCE}", "-o", "jsonl=resumed.jsonl")
    for moment in sorted(random.Random(4).sample(range(needed), KILLS)):
        killed = audit(sandbox, *goes_on)
        while len(sandbox.requests) < moment:
            assert killed.poll() is None
            time.sleep(0.001)
        killed.kill()
        assert ended(killed)[0] == -signal.SIGKILL
        assert not Path("resumed.jsonl").exists()

    assert ended(audit(sandbox, *goes_on)) == (1, "")
    # A kill costs what was under way: each place sends its next request only when the answer to the
    # one before is kept. Nothing else is sent twice.
    assert len(sandbox.requests) <= needed + KILLS * AT_ONCE
    assert comparable(Path("resumed.jsonl")) == comparable(Path("whole.jsonl"))


def comparable(report: Path) -> bytes:
    """Return a report but for what differs between any two runs: ids and times."""
    return ID_OR_TIME.sub(b"-", report.read_bytes())
