"""Every Python block of the README runs, in a process of its own, against the sandbox."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from dbusers.testing import Sandbox
from tests.ready_python import ready_python
from tests.testing.installation import entry_point

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.M | re.S)

# Without the plug-ins that the block does not need: some take as long to load as it takes to run.
UNNEEDED = ("cacheprovider", "xdist", "hypothesispytest", "anyio")
PYTEST = (
    *(sys.executable, "-m", "pytest", "-q", "-c", str(ROOT / "pyproject.toml")),
    *(f"-pno:{name}" for name in UNNEEDED),
)

COMMANDS = re.findall(r"^\$ ((?:export|dbusers (?:databases|users)) .*)$", README, re.M)

# FastAPI's block defines an app; this lives its lifespan and asks it as a browser would.
DRIVE_APP = """
import asyncio
import httpx
from dbusers.fastapi import client_of

async def drive() -> None:
    asking = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app")
    async with app.router.lifespan_context(app), asking as browser:
        cluster = (await client_of(app, DigitalOceanClient).databases.get())[0].id
        answer = await browser.get(f"/clusters/{cluster}/users")
        assert answer.status_code == 200 and answer.json(), answer.text
        missing = await browser.get("/clusters/00000000-0000-0000-0000-000000000000/users")
        assert missing.status_code == 404, missing.text

asyncio.run(drive())
"""


def test_the_readme_has_an_example_for_each_kind_of_user() -> None:
    assert len(BLOCKS) >= 8
    for needed in ("FastAPI", "read_all", "reset_auth", "Bulk", "Sandbox"):
        assert any(needed in block for block in BLOCKS), needed


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.strip().splitlines()[0])
async def test_a_block_of_the_readme_runs(block: str, tmp_path: Path) -> None:
    program = tmp_path / "test_block.py"
    program.write_text(block + (DRIVE_APP if "FastAPI(" in block else ""))
    command = PYTEST if "def test_" in block else (ready_python(), "-W", "error")
    path = f"{entry_point(tmp_path / 'site')}:{ROOT}"  # both, where the package is not installed
    async with Sandbox(databases=60, users=300) as sandbox:
        process = await asyncio.create_subprocess_exec(
            *command,
            str(program),
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": path} | sandbox.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()

    assert process.returncode == 0, output.decode()
    assert sandbox.digitalocean_token not in output.decode()
    assert sandbox.scalingo_token not in output.decode()


async def test_the_lines_of_the_command_work_as_they_stand(tmp_path: Path) -> None:
    assert {"list", "create", "update", "reset", "delete"} <= set(" ".join(COMMANDS).split())
    command = tmp_path / "dbusers"
    command.write_text(f'#!/bin/sh\nexec {ready_python()} -m dbusers.cli "$@"\n')
    command.chmod(0o755)

    async with Sandbox() as sandbox:  # what `dbusers sandbox` serves
        shell = await asyncio.create_subprocess_exec(
            "sh",
            "-ec",
            "\n".join(COMMANDS),
            cwd=ROOT,
            env=os.environ
            | sandbox.environment
            | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await shell.communicate()

    assert shell.returncode == 0, output.decode()
    assert "app-01 is removed." in output.decode()
