"""The commands that a report prints do what they say, as they stand, with both tokens set."""

import json
import shlex
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dbusers import Window
from dbusers.audit import CHECKS
from dbusers.audit.accounts.opening import WINDOWS
from dbusers.testing import Sandbox
from tests.audit.checks.wire import change, is_built_in, provoke
from tests.cli.conftest import Run
from tests.cli.environments import digitalocean_environment, scalingo_environment

POLICY = """
[defaults]
users.readers = ["*a*"]
users.required = ["orders-api"]
max_writers = 0
"""
ASK_FIRST = frozenset({"update", "delete", "reset"})


@pytest.fixture(autouse=True)
def _nobody_waits_for_scalingos_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = (Window(10_000, 60),)
    monkeypatch.setattr("dbusers.scalingo.client.WINDOWS", windows)
    monkeypatch.setitem(WINDOWS, "scalingo", windows)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(databases=60, users=900, limits=False) as running:
        provoke(running)
        yield running


def commands(
    findings: Iterable[Mapping[str, Any]], built_in: Container[str]
) -> dict[tuple[str, str, bool], str]:
    """Return commands of each check at each provider, such that none stands in another's way.

    One is about a user who is built in, one about another.
    """
    found: dict[tuple[str, str, bool], str] = {}
    touched = set()
    for finding in findings:
        place = finding["check"], finding["provider"], finding["user"] in built_in
        command = finding["command"]
        # Several checks create a user of the same name.
        touches = finding["database_id"], "create" in command or finding["user"]
        is_new = place not in found and touches not in touched
        if finding["verdict"] == "fail" and command and is_new:
            found[place] = command
            touched.add(touches)
    return found


def test_every_command_of_a_report_runs(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    environment = digitalocean_environment(sandbox) | scalingo_environment(sandbox)
    policy, store = tmp_path / "policy.toml", str(tmp_path / "audit.db")
    policy.write_text(POLICY)
    audit = ("audit", "-q", "--store", store, "--policy", str(policy), "-o", "json")
    run(*audit, env=environment)
    list(change(sandbox))
    report = json.loads(run(*audit, env=environment).stdout)

    homes: list[Any] = [*sandbox.fleet.digitalocean, *sandbox.fleet.scalingo.databases]
    built_in = {name for h in homes for name, user in h.users.items() if is_built_in(user)}
    printed = commands(report["findings"], built_in)
    refused = {}
    for place, command in printed.items():
        name, group, verb, *arguments = shlex.split(command)
        assert (name, group) == ("dbusers", "users")
        agreed = ("--yes",) if verb in ASK_FIRST else ()
        result = run(group, verb, *agreed, *arguments, env=environment)
        if result.exit_code:
            refused[place] = command, result.stderr

    assert refused == {}
    assert {check for check, *_ in printed} == {check.id for check in CHECKS if check.command}
    # What the providers refuse to do to a built-in user is left to words.
    in_words = {
        (each["check"], each["call"], each["command"])
        for each in report["findings"]
        if each["check"] in {"PG003", "PO006"} and each["user"] in built_in
    }
    assert in_words == {("PG003", "", ""), ("PO006", "", "")}
