"""Every command explains itself, with examples that work, and stands so in the documentation."""

import shlex
from pathlib import Path

import pytest
import typer

from dbusers.cli.examples import EXAMPLES
from dbusers.testing import Sandbox
from tests.cli.command_reference import (
    HELP,
    OUTPUT,
    TYPER,
    WIDTH,
    commands,
    help_page,
    output_page,
)
from tests.cli.conftest import Run
from tests.cli.environments import digitalocean_environment, scalingo_environment

ENDLESS = ("sandbox", "demo")  # they serve until they are stopped, or have tests of their own
ASKING = ("users update", "users reset", "users delete")
VARIABLES = {"$DATABASE": "pg", "$KAFKA": "kafka", "$MONGODB": "mongodb"}
WRITE_ANEW = "run `python -m tests.cli.command_reference`"
FINDINGS = 1  # how an audit of the sandbox ends, and a comparison in which something changed


def described() -> set[str]:
    """Return the commands that are not mere groups of others."""
    paths = set(commands())
    groups = {path[:-1] for path in paths if path}
    return {" ".join(path) for path in paths - groups}


def test_every_command_has_one_to_three_examples() -> None:
    assert set(EXAMPLES) == described()
    assert all(1 <= len(examples) <= 3 for examples in EXAMPLES.values())


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_the_help_is_readable_at_eighty_columns(run: Run, path: tuple[str, ...]) -> None:
    said = run(*path, "--help", env={"FORCE_COLOR": "1", "COLUMNS": "80"}).stdout

    assert all(line in said for line in EXAMPLES.get(" ".join(path), ()))
    assert max(map(len, said.splitlines())) <= WIDTH
    assert "\x1b" not in said


def test_what_one_comes_for_stands_first() -> None:
    first = [path[0] for path in commands() if len(path) == 1]

    assert first == ["databases", "users", "audit", "config", "doctor", "sandbox", "demo"]


@pytest.mark.skipif(
    not typer.__version__.startswith(TYPER),
    reason=f"the page shows the help as typer {TYPER}x prints it: write it anew, and TYPER",
)
def test_the_page_of_the_command_is_its_help() -> None:
    assert HELP.read_text() == help_page(), WRITE_ANEW


def test_the_page_of_the_output_is_the_schema() -> None:
    assert OUTPUT.read_text() == output_page(), WRITE_ANEW


def test_the_examples_work(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # A small one: a client keeps to the limits, even where nobody enforces them.
    with Sandbox(limits=False, databases=10, users=40) as sandbox:
        _try_all(run, sandbox)


def _try_all(run: Run, sandbox: Sandbox) -> None:
    both = digitalocean_environment(sandbox) | scalingo_environment(sandbox)
    for part in ("1", "2"):
        result = run("audit", "-q", "--shard", f"{part}/2", "--store", f"part-{part}.db", env=both)
        assert result.exit_code == FINDINGS
    one = digitalocean_environment(sandbox)
    assert run("audit", "-q", env=one).exit_code == FINDINGS  # a run before those of the examples

    for command, example in (
        (c, example) for c, examples in EXAMPLES.items() for example in examples
    ):
        group = command.split()[0]
        words = _words(example, sandbox)
        if command in ENDLESS:
            words.append("--help")
        if command in ASKING and "--yes" not in words:
            words.append("--yes")
        if group == "users":
            _prepare_user(sandbox, command, words[2], words[3:4])
        environment = scalingo_environment(sandbox) if "scalingo" in words else one

        result = run(*words, env=environment)

        allowed = {0, FINDINGS} if group == "audit" else {0}
        assert result.exit_code in allowed, f"{example}\n{result.output}"


def _words(example: str, sandbox: Sandbox) -> list[str]:
    """Return the arguments of an example, up to a pipe, with ids for its variables."""
    program, *words = shlex.split(example.partition(" | ")[0])
    assert program == "dbusers"
    ids = {
        variable: next(c["id"] for c in sandbox.fleet.digitalocean if c["engine"] == engine)
        for variable, engine in VARIABLES.items()
    }
    return [ids.get(word, word) for word in words]


def _prepare_user(sandbox: Sandbox, command: str, database: str, names: list[str]) -> None:
    cluster = next(c for c in sandbox.fleet.digitalocean if c["id"] == database)
    for name in names:
        cluster.users.pop(name, None)
        if command != "users create":
            cluster.users[name] = {"name": name, "role": "normal", "settings": {}}
