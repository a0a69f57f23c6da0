"""The command shows no secret, but the one that was just made."""

import logging
from collections.abc import (
    Iterator,
    Sequence,
)

import pytest
from typer.testing import CliRunner, Result

from dbusers.cli.app import app
from dbusers.testing import Fault, Sandbox
from tests.canary import shown_by
from tests.canary_search import (
    ANYTHING,
    NAMELESS,
    SENT,
    found_in,
    secrets_of,
)
from tests.cli.environments import digitalocean_environment, scalingo_environment

# The command


@pytest.fixture
def served_sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=False, databases=20, users=40) as running:
        yield running


Command = tuple[str, ...]
EITHERS: tuple[Command, ...] = (
    ("list",),
    ("list", "-o", "json"),
    ("create", "app-01"),
    ("get", "app-01"),
    ("get", "app-01", "-o", "json"),
    ("create", "app-01"),
    ("get", "nobody"),
    ("reset", "app-01", "--yes"),
    ("reset", "app-01"),
    ("delete", "app-01", "--yes"),
)
OWN: dict[str, tuple[Command, ...]] = {
    "digitalocean": (("create", "app-02", "--acl", "a=consume"), ("update", "app-02", "--yes")),
    "scalingo": (
        ("create", "app-02", "--password-stdin"),
        ("update", "app-02", "--password-stdin"),
        ("create", "app-03", "--password-stdin", "-o", "json"),
    ),
}
COMMAND_FAULTS: dict[str, Fault | None] = {
    "none": None,
    "a refusal": Fault(ANYTHING, status=403, times=None),
    "another type": Fault("/*/users*", body=NAMELESS, times=None),
}


def home_of(sandbox: Sandbox, provider: str) -> tuple[Sequence[str], dict[str, str]]:
    """Return a database with users, as arguments, and the environment that leads to it."""
    if provider == "digitalocean":
        kafka = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "kafka")
        return [kafka["id"]], digitalocean_environment(sandbox)
    mysql = next(d for d in sandbox.fleet.scalingo.databases if d["type_name"] == "mysql")
    return [mysql["id"], "--app", mysql["app_name"]], scalingo_environment(sandbox)


def invoked(
    command: Command, home: Sequence[str], environment: dict[str, str]
) -> tuple[Result, str]:
    """Return what the command did, and all that it showed."""
    verb, *others = command
    database, *place = home
    arguments = ["users", verb, database, *others, *place]
    result = CliRunner().invoke(app, arguments, env=environment, input=f"{SENT}\n")
    # An exit is no crash, and its traceback has the runner's own locals.
    crashed = result.exception is not None and not isinstance(result.exception, SystemExit)
    crash = shown_by(result.exception) if crashed and result.exception else ""
    return result, "\n".join([result.output, result.stderr, repr(result), crash])


@pytest.mark.parametrize("fault", COMMAND_FAULTS)
@pytest.mark.parametrize("provider", OWN)
def test_the_command_shows_no_secret_but_a_new_one(
    served_sandbox: Sandbox, caplog: pytest.LogCaptureFixture, provider: str, fault: str
) -> None:
    caplog.set_level(logging.DEBUG)
    injected = COMMAND_FAULTS[fault]
    if injected is not None:
        served_sandbox.inject(injected)
    home, environment = home_of(served_sandbox, provider)

    made = set()
    for command in (*EITHERS, *OWN[provider]):
        before = secrets_of(served_sandbox)
        result, shown = invoked(command, home, environment)
        new = secrets_of(served_sandbox) - before
        if "--password-stdin" in command and result.exit_code == 0:
            new |= {SENT}
        assert found_in([shown], before - new) == set(), command
        if found_in([shown], new):
            made.add(command[0])
    assert found_in([caplog.text], secrets_of(served_sandbox)) == set()
    # The search does find what is there: the passwords that were made.
    assert ("create" in made) == (fault == "none")


@pytest.mark.parametrize("provider", OWN)
def test_a_token_that_is_refused_is_not_shown(served_sandbox: Sandbox, provider: str) -> None:
    home, environment = home_of(served_sandbox, provider)
    wrong = "dop_v1_canary-of-the-environment"
    for name in ("DIGITALOCEAN_TOKEN", "SCALINGO_API_TOKEN"):
        if name in environment:
            environment = {**environment, name: wrong}

    for token in (wrong, f"{wrong}\n", f"{wrong} é"):
        changed = {k: token if v == wrong else v for k, v in environment.items()}
        result, shown = invoked(("list",), home, changed)
        assert result.exit_code == 2
        assert found_in([shown], [wrong]) == set()
