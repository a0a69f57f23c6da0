"""`dbusers audit`: the run, its reports, and how it ends."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from dbusers.cli.audit.delivery import deliver
from dbusers.testing import Fault, Sandbox
from tests.cli.conftest import Run
from tests.cli.environments import digitalocean_environment, scalingo_environment

STORE = Path("dbusers-audit.db")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store and the policy stand in the folder in which the command runs."""
    monkeypatch.chdir(tmp_path)


def error(result: Result) -> str:
    """Return the last line on stderr, where nothing was written to stdout."""
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    last = result.stderr.splitlines()[-1]
    assert last.startswith("dbusers: ")
    return last


def report(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def outage(sandbox: Sandbox) -> str:
    """Let the users of one database answer 404, which nobody repeats; return its id."""
    cluster = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "pg")
    identifier: str = cluster["id"]
    sandbox.inject(Fault(f"/v2/databases/{identifier}/users", times=None, status=404))
    return identifier


# The run


def test_without_a_command_it_audits_and_prints_tables(digitalocean: Run) -> None:
    result = digitalocean("audit")

    assert result.exit_code == 1
    assert result.stdout.startswith("Complete: ")
    assert "PG002" in result.stdout
    assert "Plan: " in result.stderr
    assert "Read in " in result.stderr
    assert STORE.exists()


def test_quiet_says_nothing_beside_the_report(digitalocean: Run) -> None:
    assert digitalocean("audit", "--quiet").stderr == ""


def test_several_reports_go_to_their_files_and_to_stdout(digitalocean: Run) -> None:
    result = digitalocean("audit", "-o", "json", "-o", "csv=a.csv", "-o", "sarif=a.sarif")

    assert report(result)["summary"]["exit_code"] == result.exit_code == 1
    assert "PG002" in Path("a.csv").read_text()
    assert json.loads(Path("a.sarif").read_text())["version"] == "2.1.0"


def test_it_ends_with_0_where_nothing_is_as_bad_as_asked_for(digitalocean: Run) -> None:
    only_redis = ("audit", "--include", "engine=redis", "-o", "json")
    found = report(digitalocean(*only_redis))["summary"]["findings"]
    worst = max(
        ("low", "medium", "high", "critical").index(level) for level in found if found[level]
    )

    codes = [digitalocean(*only_redis, "--fail-on", level).exit_code for level in found]

    assert codes == [
        int(("low", "medium", "high", "critical").index(level) <= worst) for level in found
    ]
    assert set(codes) == {0, 1}


def test_what_was_not_read_is_named_and_ends_with_3(digitalocean: Run, sandbox: Sandbox) -> None:
    broken = outage(sandbox)

    result = digitalocean("audit")

    assert result.exit_code == 3
    assert result.stdout.startswith("INCOMPLETE: 1 database not read")
    assert broken in result.stdout
    assert "--retry-failed" in result.stderr


@pytest.mark.parametrize(("allowed", "exit_code"), [("2", 3), ("0.5%", 3), ("50%", 1)])
def test_allow_incomplete_tolerates_a_few(
    digitalocean: Run, sandbox: Sandbox, allowed: str, exit_code: int
) -> None:
    outage(sandbox)

    assert digitalocean("audit", "--allow-incomplete", allowed).exit_code == exit_code


def test_an_account_that_cannot_be_listed_does_not_hide_the_other(
    run: Run, sandbox: Sandbox
) -> None:
    environment = digitalocean_environment(sandbox) | scalingo_environment(sandbox)

    result = run("audit", "-o", "json", env=environment | {"DIGITALOCEAN_TOKEN": "wrong"})

    assert result.exit_code == 3
    accounts = {each["account"]: each for each in report(result)["accounts"]}
    assert "401" in accounts["digitalocean"]["error"]
    assert accounts["scalingo"]["read"] > 0


def test_a_token_that_is_refused_is_an_error_of_credentials(run: Run, sandbox: Sandbox) -> None:
    environment = {"DIGITALOCEAN_TOKEN": "dop_v1_wrong", "DIGITALOCEAN_API_URL": sandbox.url}

    result = run("audit", env=environment)

    assert result.exit_code == 2
    assert "401" in error(result)
    assert "check its token" in error(result)
    assert "dop_v1_wrong" not in result.output


def test_filters_and_accounts_choose_what_is_read(run: Run, sandbox: Sandbox) -> None:
    Path("dbusers.toml").write_text(
        '[[accounts]]\nname = "do"\nprovider = "digitalocean"\ninclude = { engine = ["mysql"] }\n'
        '[[accounts]]\nname = "sc"\nprovider = "scalingo"\n'
    )
    environment = digitalocean_environment(sandbox) | scalingo_environment(sandbox)

    def engines(*arguments: str) -> set[tuple[str, str]]:
        result = run("audit", "-q", "-o", "json", *arguments, env=environment)
        databases = [each["database"] for each in report(result)["databases"]]
        return {(each["account"], each["engine"]) for each in databases}

    assert {account for account, _ in engines()} == {"do", "sc"}
    assert engines("--account", "do") == {("do", "mysql")}
    replaced = ("--include", "engine=kafka", "--include", "engine=postgresql")
    assert engines("--account", "do", *replaced) == {("do", "kafka"), ("do", "postgresql")}
    nothing = run("audit", "--account", "do", "--exclude", "name=*", env=environment)
    assert nothing.exit_code == 2
    assert "leave no database to audit" in error(nothing)


def test_the_embedded_source_does_not_ask_for_users_that_came_along(
    digitalocean: Run, sandbox: Sandbox
) -> None:
    result = digitalocean("audit", "--source", "embedded", "-o", "json")

    assert report(result)["run"]["source"] == "embedded"
    asked = {request.path for request in sandbox.requests if request.path.endswith("/users")}
    came_along = {c["id"] for c in sandbox.fleet.digitalocean if c.get("users")}
    assert came_along
    assert not {path for path in asked if path.split("/")[3] in came_along}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "xml"), "unknown format 'xml'"),
        (("-o", "csv", "-o", "table"), "two formats go to standard output"),
        (("-o", "csv=missing/a.csv"), "no such folder"),
        (("--account", "nobody"), "the accounts are digitalocean"),
        (("--include", "size=4"), "the fields are name, tag, engine, region"),
        (("--exclude", "name"), "write FIELD=PATTERN"),
        (("--include", "name=a\\"), "backslash"),
        (("--shard", "3/2"), "is no shard"),
        (("--config", "missing.toml"), "missing.toml"),
        (("--policy", "missing.toml"), "missing.toml"),
        (("--retry-failed",), "there is no such store"),
        (("--from", "1"), "there is no such store"),
        (("--from", "1", "--resume"), "--from reads nothing"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    digitalocean: Run, sandbox: Sandbox, arguments: tuple[str, ...], said: str
) -> None:
    result = digitalocean("audit", *arguments)

    assert result.exit_code == 2
    assert said in error(result)
    assert not sandbox.requests
    assert not STORE.exists()


@pytest.mark.parametrize("percentage", ["x", "101%", "-1", "nan"])
def test_a_percentage_is_one(digitalocean: Run, percentage: str) -> None:
    result = digitalocean("audit", f"--allow-incomplete={percentage}")

    assert result.exit_code == 2
    assert "is no percentage" in result.stderr


def test_without_a_token_it_says_what_to_set(run: Run) -> None:
    result = run("audit")

    assert result.exit_code == 2
    assert "DIGITALOCEAN_TOKEN" in error(result)
    assert "dbusers.toml" in error(result)


def test_every_problem_of_a_policy_has_its_line(digitalocean: Run) -> None:
    Path("dbusers-policy.toml").write_text('[severities]\nPG001 = "bad"\nXX9 = "low"\n')

    result = digitalocean("audit")

    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert [line.split(":")[1:3] for line in lines] == [
        [" dbusers-policy.toml", "2"],
        [" dbusers-policy.toml", "3"],
    ]


# Resumed, retried, judged again


def test_what_failed_is_read_again(digitalocean: Run, sandbox: Sandbox) -> None:
    cluster = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "pg")
    path = f"/v2/databases/{cluster['id']}/users"
    sandbox.inject(Fault(path, times=1, status=404))

    first = digitalocean("audit", "-q")
    before = len(sandbox.requests)
    again = digitalocean("audit", "--retry-failed", "-o", "json")

    assert (first.exit_code, again.exit_code) == (3, 1)
    assert report(again)["summary"]["complete"] is True
    assert [request.path for request in sandbox.requests[before:]] == [path]


def test_a_run_of_the_store_is_judged_again_without_a_request(
    digitalocean: Run, run: Run, sandbox: Sandbox
) -> None:
    first = report(digitalocean("audit", "-o", "json"))
    before = len(sandbox.requests)
    Path("dbusers-policy.toml").write_text('[severities]\nPG002 = "low"\n')

    again = report(run("audit", "--from", first["run"]["run"][:12], "-o", "json"))

    assert len(sandbox.requests) == before
    assert again["run"]["run"] == first["run"]["run"]
    severities = {f["severity"] for f in again["findings"] if f["check"] == "PG002"}
    assert severities == {"low"}


def test_a_complete_run_is_not_retried(digitalocean: Run) -> None:
    digitalocean("audit")

    result = digitalocean("audit", "--retry-failed")

    assert result.exit_code == 2
    assert "is complete: there is nothing to read again" in error(result)


@pytest.mark.parametrize("ends", [None, "complete", "incomplete"])
def test_where_no_run_is_unfinished_resuming_begins_a_new_one(
    digitalocean: Run, sandbox: Sandbox, ends: str | None
) -> None:
    if ends == "incomplete":
        outage(sandbox)
    old = None if ends is None else report(digitalocean("audit", "-o", "json"))["run"]["run"]
    before = len(sandbox.requests)

    result = digitalocean("audit", "--resume", "-o", "json")

    assert report(result)["run"]["run"] != old
    assert sandbox.requests[before].path == "/v2/databases"
    assert "this is a new one" in result.stderr


def test_a_run_goes_on_as_it_began(digitalocean: Run, sandbox: Sandbox) -> None:
    outage(sandbox)
    digitalocean("audit")

    other = digitalocean("audit", "--retry-failed", "--source", "auto")
    assert "with --source users" in error(other)
    other = digitalocean("audit", "--retry-failed", "--shard", "1/2")
    assert "without a shard" in error(other)


# What can go wrong with standard output


def test_a_reader_who_stops_changes_nothing(sandbox: Sandbox) -> None:
    audit = f"{sys.executable} -m dbusers.cli audit -q -o csv -o json=a.json"
    script = f"{{ {audit}; echo $? >ended; }} | head -n 1"

    ended = subprocess.run(
        ["sh", "-c", script],
        env=os.environ
        | digitalocean_environment(sandbox)
        | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert ended.stdout.startswith('"verdict"')
    assert ended.stderr == ""
    assert Path("ended").read_text() == "1\n"
    assert json.loads(Path("a.json").read_text())


def test_a_report_that_cannot_be_written_says_how_to_have_it(
    digitalocean: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    def delivered(*arguments: Any) -> None:
        monkeypatch.setattr(sys, "stdout", Full())
        deliver(*arguments)

    monkeypatch.setattr("dbusers.cli.audit.run.deliver", delivered)

    result = digitalocean("audit", "-q", "-o", "jsonl")

    assert result.exit_code == 2
    assert "standard output: No space left on device; nothing is lost: --from " in result.stderr


def test_an_interrupt_while_judging_does_not_say_that_something_is_left_to_be_read(
    digitalocean: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as judging:
        judging.setattr("dbusers.audit.run.report_of", interrupt)
        result = digitalocean("audit", "-q")

    assert result.exit_code == 130
    assert "interrupted while judging; --from " in error(result)
    assert digitalocean("audit", "-q", "--from", "last").exit_code == 1


def test_an_interrupt_while_reporting_says_how_to_have_it(
    digitalocean: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dbusers.cli.audit.delivery.save", interrupt)

    result = digitalocean("audit", "-q")

    assert result.exit_code == 130
    assert "interrupted while reporting; --from " in error(result)
