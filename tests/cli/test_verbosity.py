"""`--verbose`: each attempt and all about an error on standard error, wherever it stands."""

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dbusers.clock import SystemClock
from dbusers.testing import Fault, Sandbox
from tests.canary_search import found_in, secrets_of
from tests.cli.conftest import Run
from tests.cli.environments import digitalocean_environment, scalingo_environment

Environment = Callable[[Sandbox], dict[str, str]]
ATTEMPT = re.compile(r"^\d\d:\d\d:\d\d dbusers\.http GET /v2/databases: attempt 1, .* 200 ", re.M)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--verbose", "databases", "list", "-o", "json"),
        ("-v", "databases", "list", "-o", "json"),
        ("databases", "--verbose", "list", "-o", "json"),
        ("databases", "list", "-o", "json", "-v"),
    ],
)
def test_it_logs_each_attempt_beside_the_output(
    digitalocean: Run, sandbox: Sandbox, arguments: tuple[str, ...]
) -> None:
    result = digitalocean(*arguments)

    assert result.exit_code == 0
    assert ATTEMPT.search(result.stderr)
    assert len(json.loads(result.stdout)) == len(sandbox.fleet.digitalocean)
    assert found_in([result.output], secrets_of(sandbox)) == set()


@pytest.mark.parametrize(
    ("ours", "kind"),
    [(digitalocean_environment, "digitalocean"), (scalingo_environment, "scalingo")],
)
def test_the_log_shows_no_secret_and_no_name_not_even_a_password_just_made(
    run: Run, sandbox: Sandbox, ours: Environment, kind: str
) -> None:
    environment = ours(sandbox)
    home, *place = home_of(sandbox, kind)

    for verb, *options in (("create",), ("get",), ("reset", "--yes"), ("delete", "--yes")):
        words = ("users", verb, home, "app-canary", *place, *options, "-o", "json", "-v")
        result = run(*words, env=environment)

        assert result.exit_code == 0, result.output
        log = [line for line in result.stderr.splitlines() if " dbusers." in line]
        assert len(log) >= 1
        assert found_in(log, secrets_of(sandbox) | {"app-canary"}) == set()


def test_without_it_nothing_is_said(digitalocean: Run) -> None:
    digitalocean("databases", "list", "--verbose")

    result = digitalocean("databases", "list")

    assert result.stderr == ""
    assert logging.getLogger("dbusers").level == logging.NOTSET


def test_behind_two_dashes_it_is_a_name(digitalocean: Run, sandbox: Sandbox) -> None:
    kafka = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "kafka")
    kafka.users["-v"] = {"name": "-v", "role": "normal"}

    result = digitalocean("users", "get", kafka["id"], "-o", "json", "--", "-v")

    assert json.loads(result.stdout)["name"] == "-v"
    assert result.stderr == ""


def test_it_tells_all_about_an_error(
    digitalocean: Run, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def not_at_all(self: SystemClock, seconds: float) -> None:
        """Let the pauses between the attempts take no time."""

    monkeypatch.setattr(SystemClock, "sleep", not_at_all)
    sandbox.inject(Fault("*", times=None, status=503))

    result = digitalocean("databases", "list", "--verbose")

    *_, facts, said = result.stderr.splitlines()
    assert said.startswith("dbusers: 503 ")
    assert said.endswith("; the provider has a problem: try again later")
    for fact in (
        "dbusers.cli.exits ServerError status=503",
        "attempts=4",
        "retries=('503', '503', '503')",
        "gave_up='max_retries'",
    ):
        assert fact in facts
    assert re.search(r"request_id='[0-9a-f-]{36}'", facts)
    assert result.stderr.count("attempt ") == 4
    assert "Traceback" not in result.output


def test_an_audit_tells_about_its_errors_too(
    digitalocean: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = digitalocean("audit", "--from", "last", "-v")

    facts, said = result.stderr.splitlines()
    assert "ConfigurationError" in facts
    assert said.startswith("dbusers: ")


def home_of(sandbox: Sandbox, kind: str) -> list[str]:
    """Return a database of PostgreSQL, as the arguments that name it."""
    if kind == "digitalocean":
        return [next(c["id"] for c in sandbox.fleet.digitalocean if c["engine"] == "pg")]
    databases = sandbox.fleet.scalingo.databases
    found = next(d for d in databases if d["type_name"] == "postgresql")
    return [found["id"], "--app", found["app_name"]]
