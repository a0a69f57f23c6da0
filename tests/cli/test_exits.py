"""Exit codes: 1 failed, 2 for the caller to put right; one line on stderr, and no traceback."""

import json

import pytest
from typer.testing import Result

import dbusers.cli
from dbusers import __version__
from dbusers.clock import SystemClock
from dbusers.testing import Fault, Sandbox
from tests.cli.conftest import Run
from tests.cli.environments import digitalocean_environment, scalingo_environment

LIST = ("databases", "list")


def line(result: Result) -> str:
    """Return the one line on stderr, where nothing else was printed."""
    assert result.stdout == ""
    (only,) = result.stderr.splitlines()
    assert only.startswith("dbusers: ")
    return only


def test_no_token_is_an_error_of_configuration_that_says_what_to_set(run: Run) -> None:
    result = run(*LIST)

    assert result.exit_code == 2
    assert "DIGITALOCEAN_TOKEN or SCALINGO_API_TOKEN" in line(result)
    assert "dbusers sandbox" in line(result)


def test_the_token_of_the_other_provider_does_not_help(run: Run, sandbox: Sandbox) -> None:
    result = run(*LIST, "-p", "scalingo", env=digitalocean_environment(sandbox))

    assert result.exit_code == 2
    assert "SCALINGO_API_TOKEN" in line(result)


def test_tokens_of_both_providers_need_a_choice(run: Run, sandbox: Sandbox) -> None:
    both = digitalocean_environment(sandbox) | scalingo_environment(sandbox)

    undecided = run(*LIST, env=both)
    decided = [run(*LIST, "-p", name, env=both) for name in ("digitalocean", "scalingo")]

    assert undecided.exit_code == 2
    assert "--provider" in line(undecided)
    assert [result.exit_code for result in decided] == [0, 0]


@pytest.mark.parametrize("option", ["--app", "--region"])
def test_options_of_the_other_provider_are_refused(digitalocean: Run, option: str) -> None:
    result = digitalocean(*LIST, option, "x")

    assert result.exit_code == 2
    assert "Scalingo" in line(result)


def test_a_wrong_token_exits_with_2_and_is_not_shown(run: Run, sandbox: Sandbox) -> None:
    environment = {"DIGITALOCEAN_TOKEN": "dop_v1_wrong", "DIGITALOCEAN_API_URL": sandbox.url}

    result = run(*LIST, env=environment)

    assert result.exit_code == 2
    assert "401" in line(result)
    assert "check the token" in line(result)
    assert "dop_v1_wrong" not in result.output


def test_a_token_without_the_scope_exits_with_2(run: Run, sandbox: Sandbox) -> None:
    token = sandbox.add_digitalocean_token(["database:read"])
    environment = {"DIGITALOCEAN_TOKEN": token, "DIGITALOCEAN_API_URL": sandbox.url}

    result = run("users", "create", sandbox.fleet.digitalocean[0]["id"], "app", env=environment)

    assert result.exit_code == 2
    assert "403" in line(result)


def test_a_refusal_of_the_provider_exits_with_1(digitalocean: Run, sandbox: Sandbox) -> None:
    result = digitalocean("users", "get", sandbox.fleet.digitalocean[0]["id"], "nobody")

    assert result.exit_code == 1
    assert "404" in line(result)


def test_no_connection_exits_with_1_and_says_what_to_check(
    run: Run, refused_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def not_at_all(self: SystemClock, seconds: float) -> None:
        """Let the pauses between the attempts take no time."""

    monkeypatch.setattr(SystemClock, "sleep", not_at_all)
    environment = {"DIGITALOCEAN_TOKEN": "t"}

    result = run("users", "reset", "x", "app", "-y", "--url", refused_url, env=environment)

    assert result.exit_code == 1
    assert "check the network and the URL" in line(result)


def test_a_used_up_budget_says_when_to_try_again(scalingo: Run, sandbox: Sandbox) -> None:
    # Longer than the client waits by itself.
    sandbox.inject(Fault("*", times=None, status=429, headers={"retry-after": "100"}))

    result = scalingo(*LIST)

    assert result.exit_code == 1
    assert "429" in line(result)
    assert "try again in 100 s" in line(result)


def test_an_answer_that_cannot_be_read_exits_with_1(digitalocean: Run, sandbox: Sandbox) -> None:
    sandbox.inject(Fault("/v2/databases", wrong_type="databases.0.name"))

    result = digitalocean(*LIST)

    assert result.exit_code == 1
    assert "$.databases[0].name" in line(result)


def test_a_name_that_would_address_another_resource_is_not_sent(
    digitalocean: Run, sandbox: Sandbox
) -> None:
    result = digitalocean("users", "delete", sandbox.fleet.digitalocean[0]["id"], "..", "--yes")

    assert result.exit_code == 2
    assert ".." in line(result)
    assert not sandbox.requests


@pytest.mark.parametrize(
    "arguments", [("users", "list"), ("nonsense",), (*LIST, "-o", "xml"), (*LIST, "-p", "aws")]
)
def test_wrong_usage_exits_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_the_help_has_the_exit_codes_and_where_tokens_come_from(run: Run) -> None:
    result = run("--help")

    assert result.exit_code == 0
    for code in ("0 ", "1 ", "2 ", "3 ", "130 "):
        assert f"\n    {code}" in result.stdout
    assert "DIGITALOCEAN_TOKEN" in result.stdout
    assert max(len(printed) for printed in result.stdout.splitlines()) <= 80


def test_the_version(run: Run) -> None:
    assert run("--version").stdout == f"dbusers {__version__}\n"


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dbusers.cli, "find_spec", lambda name: None if name == "rich" else name)

    with pytest.raises(SystemExit) as ended:
        dbusers.cli.main()

    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said == 'dbusers: the command needs rich: pip install "dbusers[cli]"\n'


def test_json_stays_json_when_something_is_said_beside_it(
    digitalocean: Run, sandbox: Sandbox
) -> None:
    result = digitalocean(
        "users", "create", sandbox.fleet.digitalocean[0]["id"], "app-01", "-o", "json"
    )

    assert json.loads(result.stdout)["name"] == "app-01"
    assert "shown this once" in result.stderr


@pytest.mark.parametrize(
    ("fault", "said", "advised"),
    [
        (Fault("*", times=None, status=404), "404", "`dbusers databases list`"),
        (Fault("*", times=None, status=501), "501", "it may have been done"),
        (Fault("*", times=None, body="<html>"), "cannot be read", "a proxy may have answered"),
        (Fault("*", times=None, cut="after"), "the connection broke", "it may have been done"),
    ],
)
def test_the_line_ends_with_what_to_do(
    digitalocean: Run, sandbox: Sandbox, fault: Fault, said: str, advised: str
) -> None:
    sandbox.inject(fault)

    cluster = sandbox.fleet.digitalocean[0]["id"]

    result = digitalocean("users", "create", cluster, "app-01")

    assert result.exit_code == 1
    what, _, to_do = line(result).partition("; ")
    assert said in what
    assert to_do.startswith(advised)
