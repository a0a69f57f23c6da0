"""`dbusers doctor`: what works, what does not, what to do; a few reads, and nothing changed."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from dbusers.testing import Fault, Sandbox
from tests.canary_search import found_in, secrets_of
from tests.cli.conftest import Run
from tests.cli.environments import digitalocean_environment, scalingo_environment

DOCTOR = ("doctor", "--output", "json")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def finding(result: Result, check: str, subject: str | None = None) -> dict[str, Any]:
    """Return the one finding of a check, and of a subject where it has several."""
    (only,) = (
        each
        for each in json.loads(result.stdout)["findings"]
        if each["check"] == check and subject in (None, each["subject"])
    )
    return dict(only)


def states(result: Result) -> dict[str, set[str]]:
    """Return the states in which the findings are, by check."""
    found: dict[str, set[str]] = {}
    for each in json.loads(result.stdout)["findings"]:
        found.setdefault(each["check"], set()).add(each["state"])
    return found


def test_where_all_is_well_it_says_so_by_three_reads(run: Run, sandbox: Sandbox) -> None:
    both = digitalocean_environment(sandbox) | scalingo_environment(sandbox)

    result = run(*DOCTOR, env=both)

    assert result.exit_code == 0
    assert states(result) == {
        "host": {"ok"},
        "answer": {"ok"},
        "token": {"ok"},
        "limit": {"ok", "unknown"},  # Scalingo does not say
        "clock": {"ok"},
        "scope": {"ok", "unknown"},
    }
    sent = [(request.method, request.path) for request in sandbox.requests]
    assert sent == [
        ("GET", "/v2/databases"),
        ("POST", "/v1/tokens/exchange"),
        ("GET", "/v1/apps"),
    ]
    assert json.loads(result.stdout)["requests"] == len(sent)
    assert found_in([result.output], secrets_of(sandbox)) == set()


def test_people_get_a_table_with_the_versions_and_a_summary(
    digitalocean: Run, sandbox: Sandbox
) -> None:
    result = digitalocean("doctor")

    first, *_, last = result.stdout.splitlines()
    assert all(name in first for name in ("dbusers ", "python 3", "aiohttp "))
    assert "ok       digitalocean  token   the provider takes it" in result.stdout
    assert last == "Nothing is wrong, and nothing was changed. Sent: 1 request."


@pytest.mark.parametrize(
    ("scopes", "granted", "requests"),
    [
        (["database:read", "database:view_credentials"], True, 1),
        (["database:read"], False, 2),  # the list of clusters does not tell, that of users does
    ],
)
def test_whether_credentials_are_shown_is_found_out_by_reading(
    run: Run, sandbox: Sandbox, scopes: list[str], granted: bool, requests: int
) -> None:
    token = sandbox.add_digitalocean_token(scopes)

    result = run(*DOCTOR, env=digitalocean_environment(sandbox) | {"DIGITALOCEAN_TOKEN": token})

    scope = finding(result, "scope", "database:view_credentials")
    assert result.exit_code == 0
    assert scope["facts"] == {"granted": granted}
    assert len(sandbox.requests) == requests


def test_an_engine_that_never_shows_passwords_is_not_asked_for_them(
    run: Run, sandbox: Sandbox
) -> None:
    token = sandbox.add_digitalocean_token(["database:read"])
    cluster = {"id": "1", "name": "m", "engine": "mongodb"}
    sandbox.inject(Fault("/v2/databases", body={"databases": [cluster]}))

    result = run(*DOCTOR, env=digitalocean_environment(sandbox) | {"DIGITALOCEAN_TOKEN": token})

    assert finding(result, "scope", "database:view_credentials")["facts"] == {"granted": None}
    assert len(sandbox.requests) == 1


def test_what_only_a_change_would_tell_is_unknown(digitalocean: Run) -> None:
    result = digitalocean(*DOCTOR)

    for verb in ("create", "update", "delete"):
        scope = finding(result, "scope", f"database:{verb}")
        assert (scope["state"], scope["facts"]) == ("unknown", {"granted": None})


def test_a_token_that_may_not_read_is_good_but_lacks_the_scope(run: Run, sandbox: Sandbox) -> None:
    token = sandbox.add_digitalocean_token(["database:create"])

    result = run(*DOCTOR, env=digitalocean_environment(sandbox) | {"DIGITALOCEAN_TOKEN": token})

    assert result.exit_code == 2
    assert finding(result, "token")["state"] == "ok"
    scope = finding(result, "scope", "database:read")
    assert (scope["state"], scope["facts"]) == ("failed", {"granted": False})
    assert "make a token" in scope["advice"]


@pytest.mark.parametrize("variable", ["DIGITALOCEAN_TOKEN", "SCALINGO_API_TOKEN"])
def test_a_token_that_is_refused_is_said_and_not_shown(
    run: Run, sandbox: Sandbox, variable: str
) -> None:
    ours = digitalocean_environment if "OCEAN" in variable else scalingo_environment
    wrong = "mistyped-and-still-secret"

    result = run(*DOCTOR, env=ours(sandbox) | {variable: wrong})

    assert result.exit_code == 2
    assert finding(result, "token")["state"] == "failed"
    assert wrong not in result.output


@pytest.mark.parametrize(
    ("fault", "check", "expected"),
    [
        (Fault("*", status=503), "answer", ("failed", 1)),
        (Fault("*", body="<html>"), "answer", ("failed", 1)),
        (Fault("*", status=429, headers={"retry-after": "40"}), "limit", ("failed", 1)),
        (Fault("*", headers={"ratelimit-remaining": "499"}), "limit", ("warning", 0)),
        (Fault("*", headers={"ratelimit-remaining": "500"}), "limit", ("ok", 0)),
        (Fault("*", headers={"date": "Mon, 01 Jan 2001 00:00:00 GMT"}), "clock", ("warning", 0)),
        (Fault("*", headers={"date": "yesterday"}), "clock", ("unknown", 0)),
    ],
)
def test_what_an_answer_shows(
    digitalocean: Run, sandbox: Sandbox, fault: Fault, check: str, expected: tuple[str, int]
) -> None:
    sandbox.inject(fault)

    result = digitalocean(*DOCTOR)

    state = finding(result, check)["state"]
    assert (state, result.exit_code) == expected
    assert len(sandbox.requests) == 1  # nothing is repeated
    assert (finding(result, check)["advice"] is not None) == (state in ("failed", "warning"))


def test_a_clock_that_is_wrong_is_measured(digitalocean: Run, sandbox: Sandbox) -> None:
    sandbox.inject(Fault("*", headers={"date": "Fri, 01 Jan 2100 00:00:00 GMT"}))

    result = digitalocean(*DOCTOR)

    clock = finding(result, "clock")
    assert clock["facts"]["seconds_ahead"] < -(10**9)
    assert "behind the provider's" in clock["found"]


def test_a_port_at_which_nobody_listens(run: Run, refused_url: str) -> None:
    result = run(*DOCTOR, env={"DIGITALOCEAN_TOKEN": "t", "DIGITALOCEAN_API_URL": refused_url})

    assert result.exit_code == 1
    host = finding(result, "host")
    assert (host["state"], host["subject"]) == ("failed", refused_url)
    assert "Connection refused" in host["found"]
    assert "firewall" in host["advice"]
    for check in ("token", "limit", "clock"):
        assert finding(result, check)["state"] == "unknown"
        assert "no answer" in finding(result, check)["found"]


def test_a_host_without_an_address(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    environment = {
        "DIGITALOCEAN_TOKEN": "t",
        "DIGITALOCEAN_API_URL": "https://api.nowhere.example",
    }

    result = run(*DOCTOR, env=environment)

    assert result.exit_code == 1
    assert "no address for api.nowhere.example" in finding(result, "host")["found"]
    assert "DNS" in finding(result, "host")["advice"]


def test_a_host_that_speaks_no_tls(run: Run, sandbox: Sandbox) -> None:
    environment = {
        "DIGITALOCEAN_TOKEN": "t",
        "DIGITALOCEAN_API_URL": sandbox.url.replace("http://", "https://"),
    }

    result = run(*DOCTOR, env=environment)

    assert result.exit_code == 1
    assert "no secure connection" in finding(result, "host")["found"]
    assert "SSL_CERT_FILE" in finding(result, "host")["advice"]


def test_a_proxy_that_is_down_is_named_without_its_password(run: Run, refused_url: str) -> None:
    address = refused_url.removeprefix("http://")
    environment = {
        "DIGITALOCEAN_TOKEN": "t",
        "DIGITALOCEAN_API_URL": "https://api.behind.example",
        "HTTPS_PROXY": f"http://user:hush@{address}",
    }

    result = run(*DOCTOR, env=environment)

    host = finding(result, "host")
    assert (result.exit_code, host["state"]) == (1, "failed")
    assert host["facts"]["proxy"] == refused_url
    assert f"no connection to {address}" in host["found"]
    assert "HTTPS_PROXY" in host["advice"]
    assert "hush" not in result.output


def test_without_a_token_the_hosts_are_looked_at_all_the_same(run: Run, sandbox: Sandbox) -> None:
    names = ("DIGITALOCEAN_API_URL", "SCALINGO_AUTH_URL", "SCALINGO_API_URL", "SCALINGO_DB_URL")

    result = run(*DOCTOR, env=dict.fromkeys(names, sandbox.url))

    assert result.exit_code == 2
    assert states(result) == {"configuration": {"failed"}, "host": {"ok"}}
    assert "DIGITALOCEAN_TOKEN" in finding(result, "configuration")["found"]
    assert not sandbox.requests


def test_the_accounts_of_a_file_are_looked_at_one_by_one(run: Run, sandbox: Sandbox) -> None:
    Path("dbusers.toml").write_text(
        f'[[accounts]]\nname = "good"\nprovider = "digitalocean"\nurl = "{sandbox.url}"\n'
        'token_env = "GOOD"\n'
        f'[[accounts]]\nname = "unset"\nprovider = "scalingo"\nurl = "{sandbox.url}"\n'
        'token_env = "MISSING"\n'
    )
    environment = {"GOOD": sandbox.digitalocean_token}

    result = run(*DOCTOR, env=environment)
    one = run(*DOCTOR, "--account", "good", env=environment)
    none = run(*DOCTOR, "--account", "other", env=environment)

    assert result.exit_code == 2
    assert finding(result, "configuration")["account"] == "unset"
    assert finding(result, "token") == finding(one, "token")
    assert (one.exit_code, none.exit_code) == (0, 2)
    assert "the accounts are good, unset" in none.stderr
