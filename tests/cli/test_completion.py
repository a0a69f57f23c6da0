"""What Tab offers: commands, options and values, from this machine alone, and never an error."""

import socket
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dbusers.audit.store import Store
from dbusers.cli.audit import completion
from tests.cli.conftest import Run
from tests.ready_python import ready_python

Tab = Callable[..., list[str]]
STORE = Path("dbusers-audit.db")


@pytest.fixture(autouse=True)
def _elsewhere_and_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a completion asks the network")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def tab(run: Run) -> Tab:
    """What is offered for the last of the words, as bash asks for it."""

    def press(line: str, shell: str = "bash") -> list[str]:
        words = line.split(" ")
        asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
        others = {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
        environment = {"_DBUSERS_COMPLETE": f"complete_{shell}", **asked, **others}
        result = run(env={**environment, "DIGITALOCEAN_TOKEN": "unused"})
        assert (result.exit_code, result.stderr) == (0, "")
        return result.stdout.split("\n")[:-1]

    return press


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("dbusers us", ["users"]),
        ("dbusers --verbose us", ["users"]),
        ("dbusers users res", ["reset"]),
        ("dbusers audit expl", ["explain"]),
        ("dbusers users list id --pro", ["--provider"]),
        ("dbusers users list id --provider ", ["digitalocean", "scalingo"]),
        ("dbusers users list id --verbose -p s", ["scalingo"]),
        ("dbusers users list id --output ", ["table", "json"]),
        ("dbusers users list id --region osc-s", ["osc-secnum-fr1"]),
        ("dbusers users create id app --mongo-role read", ["readOnly", "readWrite"]),
        ("dbusers users reset id app --auth-plugin m", ["mysql_native_password"]),
        ("dbusers audit explain PG", ["PG001", "PG002", "PG003"]),
        ("dbusers audit explain DR", ["DR001"]),
        ("dbusers audit run --fail-on ", ["low", "medium", "high", "critical"]),
        ("dbusers audit run -o js", ["jsonl", "json"]),
        ("dbusers audit run -o html=a", [""]),
        ("dbusers audit run --account ", ["digitalocean"]),
        ("dbusers audit run --config none.toml --account ", [""]),
    ],
)
def test_tab_offers(tab: Tab, line: str, offered: list[str]) -> None:
    assert tab(line) == offered


def test_the_account_names_are_those_of_the_file(tab: Tab) -> None:
    Path("dbusers.toml").write_text(
        '[[accounts]]\nname = "production"\nprovider = "digitalocean"\n'
        '[[accounts]]\nname = "agency"\nprovider = "scalingo"\n'
    )

    assert tab("dbusers audit plan --account ") == ["production", "agency"]


@pytest.mark.parametrize("name", ["two words", "$(touch made)", "a;b", "it's", "a`b`", "a*"])
def test_a_name_that_a_shell_would_obey_is_not_offered(tab: Tab, name: str) -> None:
    Path("dbusers.toml").write_text(
        '[[accounts]]\nname = "production"\nprovider = "digitalocean"\n'
        f'[[accounts]]\nname = "{name}"\nprovider = "scalingo"\n'
    )

    for shell in ("bash", "zsh", "fish"):
        said = "\n".join(tab("dbusers audit plan --account ", shell))
        assert "production" in said
        assert name not in said


def test_the_runs_are_those_of_the_store_the_newest_first(tab: Tab) -> None:
    oldest, newest = _two_runs(STORE)
    one = _two_runs(Path("other.db"))[1]

    assert tab("dbusers audit diff ") == ["last", "previous", newest, oldest]
    assert tab("dbusers audit --from ") == ["last", "previous", newest, oldest]
    assert tab("dbusers audit diff previous la") == ["last"]
    assert one in tab("dbusers audit run --store other.db --from ")


def test_a_store_that_is_in_use_neither_waits_nor_is_kept_from_its_owner(tab: Tab) -> None:
    _, newest = _two_runs(STORE)

    with Store.open(STORE) as held:
        assert newest in tab("dbusers audit diff ")
        assert len(held.runs()) == 2


def test_without_a_store_there_is_nothing_and_none_is_made(tab: Tab) -> None:
    assert tab("dbusers audit diff ") == [""]

    assert not list(Path().iterdir())


def test_what_cannot_be_read_offers_nothing(tab: Tab) -> None:
    STORE.write_bytes(b"no database at all" * 100)
    Path("dbusers.toml").write_text("[[accounts")
    with closing(sqlite3.connect("other.db")) as other:
        other.execute("CREATE TABLE runs (name TEXT)")

    assert tab("dbusers audit diff ") == [""]
    assert tab("dbusers audit diff --store other.db ") == [""]
    assert tab("dbusers audit plan --account ") == [""]


def test_a_plug_in_that_fails_offers_nothing(tab: Tab, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("a plug-in's own fault")

    monkeypatch.setattr(completion, "checks", broken)

    assert tab("dbusers audit explain PG") == [""]


@pytest.mark.parametrize(
    ("shell", "offered"),
    [
        ("fish", ["KA006\tClient certificate"]),
        ("zsh", ['"KA006":"Client certificate']),
    ],
)
def test_other_shells_are_told_what_a_check_is_about(
    tab: Tab, shell: str, offered: list[str]
) -> None:
    said = "\n".join(tab("dbusers audit explain KA006", shell))

    assert all(text in said for text in offered)


def test_bash_completes_by_the_script_that_is_shown(tmp_path: Path) -> None:
    program = tmp_path / "dbusers"
    program.write_text(f'#!/bin/sh\nexec {ready_python()} -m dbusers.cli "$@"\n')
    program.chmod(0o755)
    script = (
        'eval "$(dbusers --show-completion bash)"\n'
        "COMP_WORDS=(dbusers users list id --provider '') COMP_CWORD=5\n"
        "_dbusers_completion dbusers\n"
        'echo "${COMPREPLY[@]}"'
    )

    done = subprocess.run(
        ["bash", "-c", script],
        env={
            "PATH": f"{tmp_path}:/usr/bin:/bin",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",  # there is no shell above this one
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("digitalocean scalingo\n", "")


def _two_runs(path: Path) -> tuple[str, str]:
    with Store.open(path) as store:
        first, second = (
            store.begin(moment, {"production": "DigitalOcean"})
            for moment in (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
        )
    return first.id, second.id
