"""A served sandbox, and the command in this process."""

from collections.abc import Callable, Iterator

import pytest
from typer.testing import CliRunner, Result

from dbusers.cli.app import app
from dbusers.testing import Sandbox
from tests.cli.environments import digitalocean_environment, scalingo_environment

Run = Callable[..., Result]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=False) as running:
        yield running


@pytest.fixture
def run() -> Run:
    """The command without a terminal: `run("users", "list", …, env=…, input=…)`."""

    def invoke(*arguments: str, env: dict[str, str] | None = None, input: str = "") -> Result:  # noqa: A002  (CliRunner's word)
        return CliRunner().invoke(app, arguments, env=env, input=input)

    return invoke


@pytest.fixture
def digitalocean(run: Run, sandbox: Sandbox) -> Run:
    """The command with the sandbox's DigitalOcean in its environment."""
    environment = digitalocean_environment(sandbox)
    return lambda *arguments, **keywords: run(*arguments, env=environment, **keywords)


@pytest.fixture
def scalingo(run: Run, sandbox: Sandbox) -> Run:
    """The command with the sandbox's Scalingo in its environment."""
    environment = scalingo_environment(sandbox)
    return lambda *arguments, **keywords: run(*arguments, env=environment, **keywords)
