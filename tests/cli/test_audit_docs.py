"""docs/audit.md: its commands, files and code work in their order, and it names every option."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from dbusers.testing import Sandbox
from tests.cli.conftest import Run
from tests.cli.environments import digitalocean_environment, scalingo_environment
from tests.ready_python import ready_python

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "audit.md").read_text()
PIECES = re.findall(r"^```(console|toml|python)\n(.*?)^```$", DOCS, re.M | re.S)
# An audit of the sandbox has findings, and the docs say so: 1 is how it ends.
STEPS = (
    "audit plan",
    "audit init",
    "audit explain",
    "audit diff",
    "audit merge",
    "--shard",
    "--from",
)
OPTIONS = {
    command: set(re.findall(r"`(-[a-z-]+)`", options))
    for command, options in re.findall(r"^\| `(\w+).*?\| (`--.*) \|$", DOCS, re.M)
}


def test_the_docs_show_every_command() -> None:
    shown = " ".join(text for kind, text in PIECES if kind == "console")

    assert all(step in shown for step in STEPS)


def test_the_docs_work_as_they_stand(sandbox: Sandbox, tmp_path: Path) -> None:
    folder, environment = _workplace(tmp_path, sandbox)

    for kind, text in PIECES:
        if kind == "toml":
            name = text.splitlines()[0].removeprefix("# ")
            (folder / name).write_text(text)
            continue
        script = _script(text) if kind == "console" else f"python -W error <<'END'\n{text}END\n"
        ended = subprocess.run(
            ["sh", "-c", f". ./variables; {script}"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

        assert ended.returncode == 0, f"{text}\n{ended.stdout}\n{ended.stderr}"
        assert "dbusers: " not in ended.stderr, text
        assert sandbox.digitalocean_token not in ended.stdout + ended.stderr

    for report in ("audit.html", "audit.jsonl", "audit.sarif", "audit.xml"):
        assert (folder / report).stat().st_size > 1000


@pytest.mark.parametrize(
    "command", ["run", "plan", "checks", "explain", "init", "runs", "diff", "merge"]
)
def test_the_docs_name_every_option(run: Run, command: str) -> None:
    said = run("audit", command, "--help").stdout

    options = set(re.findall(r"^  (?:(-\w), )?(--[a-z-]+)", said, re.M))
    names = {name for pair in options for name in pair if name} - {"-h", "--help"}
    assert names == OPTIONS[command]


def _script(text: str) -> str:
    """Return the lines of a console; 1 is "findings", and variables are kept for later ones."""
    lines = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
    checked = (f"{line}\n[ $? -le 1 ] || exit 9\n" for line in lines)
    return "".join(checked) + 'echo "RUN=$RUN" > variables\n'


def _workplace(tmp_path: Path, sandbox: Sandbox) -> tuple[Path, dict[str, str]]:
    """Return a folder, and an environment with the command and a password store on its path."""
    programs, folder = tmp_path / "bin", tmp_path / "folder"
    programs.mkdir()
    folder.mkdir()
    (folder / "variables").touch()
    for name, does in {
        "dbusers": f'exec {ready_python()} -m dbusers.cli "$@"',
        "python": f'exec {ready_python()} "$@"',
        "pass": f'[ "$*" = "show agency" ] && echo "{sandbox.scalingo_token}"',
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name).chmod(0o755)
    environment = os.environ | digitalocean_environment(sandbox) | scalingo_environment(sandbox)
    environment |= {
        "DIGITALOCEAN_TOKEN_PROD": sandbox.digitalocean_token,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    return folder, environment
