"""`dbusers config`: what is in force, where it is from, what is wrong with it; never a token."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.cli.conftest import Run

CONFIG = ("config", "--output", "json")
VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")
SECRET = "dop_v1_secret"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def setting(result: Result, name: str) -> dict[str, Any]:
    (only,) = (each for each in json.loads(result.stdout) if each["name"] == name)
    return dict(only)


def shown(result: Result, name: str) -> tuple[Any, ...]:
    """Return value, source and proxy of a setting in which nothing is wrong."""
    found = setting(result, name)
    assert found["problem"] is None
    return found["value"], found["source"], found["through"]


def test_without_an_environment_it_shows_the_defaults(run: Run) -> None:
    result = run(*CONFIG)

    assert result.exit_code == 0
    assert {
        each["name"]: (each["value"], each["source"]) for each in json.loads(result.stdout)
    } == {
        "digitalocean.token": ("not set", "default"),
        "scalingo.token": ("not set", "default"),
        "scalingo.region": ("osc-fr1", "default"),
        "digitalocean.url": ("https://api.digitalocean.com", "default"),
        "scalingo.auth_url": ("https://auth.scalingo.com", "default"),
        "scalingo.api_url": ("https://api.osc-fr1.scalingo.com", "default"),
        "scalingo.database_url": ("https://db-api.osc-fr1.scalingo.com", "default"),
        "proxy": (None, "default"),
        "audit.accounts": ("environment", "default"),
        "audit.policy": (None, "dbusers-policy.toml"),
        "audit.store": (None, "dbusers-audit.db"),
    }


@pytest.mark.parametrize(
    ("name", "variable", "value", "expected"),
    [
        ("digitalocean.token", "DIGITALOCEAN_TOKEN", SECRET, "set"),
        ("digitalocean.token", "DIGITALOCEAN_ACCESS_TOKEN", SECRET, "set"),
        ("scalingo.token", "SCALINGO_API_TOKEN", SECRET, "set"),
        ("scalingo.region", "SCALINGO_REGION", "osc-secnum-fr1", "osc-secnum-fr1"),
        ("digitalocean.url", "DIGITALOCEAN_API_URL", "https://a.example/", "https://a.example"),
        ("scalingo.auth_url", "SCALINGO_AUTH_URL", "https://b.example", "https://b.example"),
        ("scalingo.api_url", "SCALINGO_API_URL", "https://c.example", "https://c.example"),
        ("scalingo.database_url", "SCALINGO_DB_URL", "https://d.example", "https://d.example"),
    ],
)
def test_it_names_the_variable_that_says_so(
    run: Run, name: str, variable: str, value: str, expected: str
) -> None:
    result = run(*CONFIG, env={variable: value})

    assert shown(result, name)[:2] == (expected, variable)
    assert SECRET not in result.output


def test_the_region_chooses_the_hosts(run: Run) -> None:
    result = run(*CONFIG, env={"SCALINGO_REGION": "osc-secnum-fr1"})

    assert shown(result, "scalingo.api_url")[0] == "https://api.osc-secnum-fr1.scalingo.com"


@pytest.mark.parametrize(
    ("name", "variable", "value"),
    [
        ("digitalocean.token", "DIGITALOCEAN_TOKEN", f"{SECRET} and more"),
        ("digitalocean.url", "DIGITALOCEAN_API_URL", f"http://user:{SECRET}@a.example"),
        ("scalingo.region", "SCALINGO_REGION", "a/b"),
        ("proxy", "HTTPS_PROXY", f"socks5://user:{SECRET}@proxy.example:1080"),
    ],
)
def test_what_cannot_be_used_is_said_and_not_repeated(
    run: Run, name: str, variable: str, value: str
) -> None:
    result = run(*CONFIG, env={variable: value})
    table = run("config", env={variable: value})

    assert (result.exit_code, table.exit_code) == (2, 2)
    assert setting(result, name)["problem"]
    assert f"WRONG: {setting(result, name)['problem']}" in table.stdout
    assert SECRET not in result.output + table.output


def test_hosts_that_go_through_a_proxy_say_so_without_its_password(run: Run) -> None:
    environment = {
        "HTTPS_PROXY": f"http://user:{SECRET}@proxy.example:3128",
        "NO_PROXY": "auth.scalingo.com",
        "SCALINGO_DB_URL": "http://127.0.0.1:8080",
    }

    result = run(*CONFIG, env=environment)

    proxy = "http://proxy.example:3128"
    assert shown(result, "proxy")[:2] == (proxy, "HTTPS_PROXY")
    assert shown(result, "proxy.not_for")[:2] == ("auth.scalingo.com", "NO_PROXY")
    assert shown(result, "digitalocean.url")[2] == proxy
    assert shown(result, "scalingo.auth_url")[2] is None
    assert shown(result, "scalingo.database_url")[2] is None
    assert SECRET not in result.output
    assert f"https://api.digitalocean.com, through {proxy}" in run("config", env=environment).stdout


def test_the_accounts_of_a_file_say_whether_they_have_a_token(run: Run) -> None:
    Path("dbusers.toml").write_text(
        '[[accounts]]\nname = "production"\nprovider = "digitalocean"\ntoken_env = "PRODUCTION"\n'
        '[[accounts]]\nname = "agency"\nprovider = "scalingo"\ntoken_command = ["pass", "do"]\n'
    )

    result = run(*CONFIG, env={"PRODUCTION": SECRET})

    assert shown(result, "audit.accounts")[:2] == ("2", "dbusers.toml")
    production = ("digitalocean, token set by PRODUCTION", "dbusers.toml:1")
    assert shown(result, "audit.accounts.production")[:2] == production
    agency = ("scalingo, token by command", "dbusers.toml:5")
    assert shown(result, "audit.accounts.agency")[:2] == agency
    assert SECRET not in result.output


def test_a_token_in_place_of_its_variable_is_not_shown(run: Run) -> None:
    Path("dbusers.toml").write_text(
        f'[[accounts]]\nname = "p"\nprovider = "digitalocean"\ntoken_env = "{SECRET}"\n'
    )

    result = run(*CONFIG)

    assert result.exit_code == 2
    assert "token_env" in setting(result, "audit.accounts.p")["problem"]
    assert SECRET not in result.output


def test_a_file_with_mistakes_is_told_by_line_and_key(run: Run) -> None:
    Path("dbusers.toml").write_text(f'[[accounts]]\nname = "p"\ntoken = "{SECRET}"\n')

    result = run(*CONFIG)

    assert result.exit_code == 2
    problem = setting(result, "audit.accounts")["problem"]
    assert "dbusers.toml:3" in problem
    assert "\n" not in problem
    assert SECRET not in result.output


def test_policy_and_store_are_shown_where_they_are_there(run: Run) -> None:
    Path("dbusers-policy.toml").touch()
    Path("dbusers-audit.db").touch()

    result = run(*CONFIG)

    assert shown(result, "audit.policy")[0] == "dbusers-policy.toml"
    assert shown(result, "audit.store")[0] == "dbusers-audit.db"
