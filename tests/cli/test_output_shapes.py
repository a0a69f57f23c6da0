"""What `--output json` prints is what the documentation's schema says, field by field."""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dbusers.audit.findings import Severity
from dbusers.cli.doctor.diagnosis import State
from dbusers.testing import Sandbox
from tests.cli.command_reference import SCHEMA, commands
from tests.cli.conftest import Run
from tests.cli.environments import digitalocean_environment, scalingo_environment

SHAPES = json.loads(SCHEMA.read_text())
PRINTED = 0, 1  # an audit has findings, a comparison differences
# Facts of a doctor's finding, by what was looked at.
FACTS: dict[str, set[str]] = {
    "configuration": set(),
    "host": {"proxy", "milliseconds"},
    "answer": {"status", "milliseconds"},
    "token": set(),
    "scope": {"granted"},
    "limit": {"limit", "remaining", "resets_at", "retry_after"},
    "clock": {"seconds_ahead"},
}
Shown = Callable[..., Any]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=False, databases=10, users=40) as running:
        yield running


@pytest.fixture
def shown(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shown:
    """The JSON that a command prints, held to one shape, or to an array of it by `each=True`."""
    monkeypatch.chdir(tmp_path)

    def show(
        shape: str, *words: str, env: dict[str, str], each: bool = False, app: str | None = None
    ) -> Any:
        place = ("--app", app) if app else ()
        result = run(*words, *place, "--output", "json", env=env)
        assert result.exit_code in PRINTED, result.output
        document = json.loads(result.stdout)
        one = {"$ref": f"#/$defs/{shape}"}
        schema = {"type": "array", "minItems": 1, "items": one} if each else one
        Draft202012Validator({**SHAPES, **schema}).validate(document)
        return document

    return show


def test_the_schema_is_one_and_describes_every_field() -> None:
    Draft202012Validator.check_schema(SHAPES)

    for shape in SHAPES["$defs"].values():
        assert set(shape["required"]) <= set(shape["properties"])
        assert all(field["description"] for field in shape["properties"].values())


def test_every_command_with_the_option_is_in_the_schema(run: Run) -> None:
    described = " ".join(shape["description"] for shape in SHAPES["$defs"].values())

    for path in commands():
        help_text = run(*path, "--help").stdout
        if re.search(r"--output .*table\|json", help_text):
            name = path[-1]
            assert f"`dbusers {' '.join(path)}`" in described or f"`{name}`" in described, path


@pytest.mark.parametrize("provider", ["digitalocean", "scalingo"])
def test_databases_and_users(sandbox: Sandbox, shown: Shown, provider: str) -> None:
    ours = {"digitalocean": digitalocean_environment, "scalingo": scalingo_environment}
    env = ours[provider](sandbox)
    change = ("--replication",) if provider == "digitalocean" else ()
    user = f"{provider}_user"

    found = shown(f"{provider}_database", "databases", "list", env=env, each=True)
    at = next(database for database in found if database["engine"] in ("pg", "postgresql"))
    home = at["id"]
    # Without its app, Scalingo's is looked for with each command, and that is limited.
    shown = partial(shown, app=at.get("app"))

    shown(user, "users", "list", home, env=env, each=True)
    created = shown(user, "users", "create", home, "app-01", env=env)
    read = shown(user, "users", "get", home, "app-01", env=env)
    updated = shown(user, "users", "update", home, "app-01", *change, "--yes", env=env)
    reset = shown(user, "users", "reset", home, "app-01", "--yes", env=env)
    removed = shown("removed", "users", "delete", home, "app-01", "--yes", env=env)

    # The password is where it was just made, and nowhere else.
    made = [created, reset] if provider == "digitalocean" else [created, updated, reset]
    assert [one for one in (created, read, updated, reset) if "password" in one] == made
    assert removed == {"database": home, "name": "app-01", "removed": True}


def test_the_audit(sandbox: Sandbox, run: Run, shown: Shown) -> None:
    env = digitalocean_environment(sandbox)

    assert run("audit", "--quiet", env=env).exit_code in PRINTED
    cluster = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "pg")
    cluster.users["new"] = {"name": "new", "role": "normal", "settings": {}}
    assert run("audit", "--quiet", env=env).exit_code in PRINTED

    shown("plan", "audit", "plan", env=env, each=True)
    shown("check", "audit", "checks", env=env, each=True)
    shown("check", "audit", "explain", "KA001", env=env)
    shown("run", "audit", "runs", env=env, each=True)
    (change,) = shown("difference", "audit", "diff", "previous", "last", env=env, each=True)
    assert change["changes"] == [{"user": "new", "kind": "added", "details": []}]


def test_configuration_and_diagnosis(sandbox: Sandbox, shown: Shown) -> None:
    both = digitalocean_environment(sandbox) | scalingo_environment(sandbox)
    out_of_reach = both | {"DIGITALOCEAN_API_URL": "http://127.0.0.1:9"}

    shown("setting", "config", env=both, each=True)
    well = shown("diagnosis", "doctor", env=both)
    ill = shown("diagnosis", "doctor", env=out_of_reach)

    for finding in well["findings"] + ill["findings"]:
        expected = FACTS[finding["check"]]
        if finding["check"] == "scope" and finding["subject"] is None:
            expected = set()  # where a provider knows no scopes
        assert set(finding["facts"]) == expected


def test_the_words_of_the_schema_are_those_of_the_code() -> None:
    shapes = SHAPES["$defs"]

    assert shapes["finding"]["properties"]["state"]["enum"] == list(State)
    assert shapes["finding"]["properties"]["check"]["enum"] == list(FACTS)
    severities = [severity.name.lower() for severity in Severity]
    assert shapes["check"]["properties"]["severity"]["enum"] == severities
