"""docs/bulk.md: its programs run, and the rotation keeps what it says through a real `kill -9`."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from dbusers.bulk import Summary
from dbusers.testing import Fault, Sandbox

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "bulk.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", DOCS, re.M | re.S)
ROTATION = next(block for block in BLOCKS if block.startswith("# rotate.py"))

# In place of the vault that stands for the caller's own; the test reads what it holds.
NO_VAULT = "    async def write(self, name: str, password: str) -> None: ...\n"
VAULT = """    async def write(self, name: str, password: str) -> None:
        with Path(sys.argv[1]).with_name("vault").open("a") as file:
            file.write(json.dumps([name, password]) + "\\n")
"""
RESETS = "/v2/databases/*/reset_auth"
FINISHED, HANGING = 12, 20  # resets that are answered, and then as many as there are places


def passwords(sandbox: Sandbox) -> dict[str, str]:
    (cluster,) = sandbox.fleet.digitalocean
    users = cluster.users.values()
    return {user["name"]: user["password"] for user in users if user["role"] == "normal"}


async def started(path: Path, sandbox: Sandbox, journal: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", str(path), str(journal)),
        cwd=path.parent,
        env=os.environ | sandbox.environment | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


class Here:
    """Runs programs in this process, on a thread of their own as `asyncio.run` wants one."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], journal: Path
    ) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self._journal = journal

    async def prints(self, program: str, sandbox: Sandbox) -> str:
        for name, value in sandbox.environment.items():
            self._monkeypatch.setenv(name, value)
        self._monkeypatch.setattr(sys, "argv", ["program", str(self._journal)])
        self._capsys.readouterr()
        await asyncio.to_thread(
            exec, compile(program, "docs/bulk.md", "exec"), {"__name__": "__main__"}
        )
        return self._capsys.readouterr().out


@pytest.fixture
def here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Here:
    return Here(monkeypatch, capsys, tmp_path / "journal")


async def test_the_programs_of_the_docs_run(here: Here) -> None:
    async with Sandbox(databases=40, users=200) as sandbox:
        there = [len(c.users) for c in sandbox.fleet.digitalocean if c["engine"] == "pg"]
        primary = len(there)  # each has one
        reading, rotating, listing = [await here.prints(block, sandbox) for block in BLOCKS]

    assert f"\n{sum(there)} done\n" in reading
    assert f"{sum(there) - primary} done\n" in rotating
    assert re.search(r"^([1-9]\d*) not asked for\n1 done, \1 not started$", listing, re.M)


def test_the_docs_name_what_a_summary_says() -> None:
    said = re.findall(r"`(\d+ done,[^`]*)`", DOCS)

    assert said == [str(Summary(done=312, failed=3, maybe_done=1, not_started=185))]


async def kill(process: asyncio.subprocess.Process) -> None:
    process.kill()


async def interrupt_twice(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGINT)
    await asyncio.sleep(0.05)  # else they may arrive as one
    process.send_signal(signal.SIGINT)


@pytest.mark.parametrize("end", [kill, interrupt_twice])
async def test_after_any_end_it_is_known_what_was_rotated_and_what_was_not(
    end: Callable[[asyncio.subprocess.Process], Awaitable[None]], here: Here, tmp_path: Path
) -> None:
    program, journal = tmp_path / "rotate.py", tmp_path / "journal"
    assert NO_VAULT in ROTATION
    program.write_text(ROTATION.replace(NO_VAULT, VAULT))
    async with Sandbox(databases=1, users=50) as sandbox:
        before = passwords(sandbox)
        sandbox.inject(Fault(RESETS, after=FINISHED, times=HANGING, delay=600))
        process = await started(program, sandbox, journal)
        await asyncio.wait_for(resets(sandbox, FINISHED + HANGING), timeout=60)
        await end(process)
        await process.communicate()
        words = last_words(journal)

        at_kill, vault = passwords(sandbox), in_vault(tmp_path)
        rotated = {name for name, word in words.items() if word == "rotated"}
        in_doubt = {name for name, word in words.items() if word == "begins"}
        assert rotated
        assert len(in_doubt) >= HANGING
        for name, password in at_kill.items():
            if name in rotated:
                assert vault[name] == password != before[name]
            elif name not in in_doubt:
                assert password == before[name]

        output = await here.prints(program.read_text(), sandbox)

    assert re.search(r"^[1-9]\d* done$", output, re.M)
    said = set(re.findall(r"^in doubt: \S+ (\S+)$", output, re.M))
    assert said == in_doubt
    vault = in_vault(tmp_path)
    for name, password in passwords(sandbox).items():
        assert name in in_doubt or vault[name] == password != before[name]
    assert not [password for password in vault.values() if password in journal.read_text()]


async def resets(sandbox: Sandbox, count: int) -> None:
    def arrived() -> int:
        return sum(request.path.endswith("/reset_auth") for request in sandbox.requests)

    while arrived() < count:  # noqa: ASYNC110  (another process sends them)
        await asyncio.sleep(0.01)


def last_words(journal: Path) -> dict[str, str]:
    lines = [json.loads(line) for line in journal.read_text().split("\n") if line]
    return {name: word for word, _, name in lines}


def in_vault(folder: Path) -> Mapping[str, str]:
    return dict(json.loads(line) for line in (folder / "vault").read_text().splitlines())
