"""`dbusers audit plan`, `checks`, `explain`, `init`, `runs`, `diff` and `merge`."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dbusers.audit import CHECKS
from dbusers.audit.checks import mysql
from dbusers.audit.policy import POLICY_CHECKS
from dbusers.testing import Fault, Sandbox
from tests.cli.conftest import Run
from tests.cli.environments import digitalocean_environment, scalingo_environment

POLICY = Path("dbusers-policy.toml")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def both(run: Run, sandbox: Sandbox) -> Run:
    """The command with both accounts of the sandbox in its environment."""
    environment = digitalocean_environment(sandbox) | scalingo_environment(sandbox)
    return lambda *arguments, **keywords: run(*arguments, env=environment | keywords)


def run_ids(run: Run) -> list[str]:
    return [each["id"] for each in json.loads(run("audit", "runs", "-o", "json").stdout)]


# Plan


def test_the_plan_counts_requests_and_reads_no_users(digitalocean: Run, sandbox: Sandbox) -> None:
    with_users = [cluster for cluster in sandbox.fleet.digitalocean if cluster.users]

    result = digitalocean("audit", "plan", "-o", "json")

    (token,) = json.loads(result.stdout)
    assert result.exit_code == 0
    assert token["requests"] == 1 + len(with_users)
    assert token["databases"] == len(sandbox.fleet.digitalocean)
    assert token["exact"] is True
    assert [request.path for request in sandbox.requests] == ["/v2/databases"]


def test_the_plan_of_a_big_account_tells_its_floor(digitalocean: Run, sandbox: Sandbox) -> None:
    template = dict(sandbox.fleet.digitalocean[0])
    listed = [template | {"id": f"id-{number}", "engine": "pg"} for number in range(600)]
    sandbox.inject(Fault("/v2/databases", times=None, body={"databases": listed}))

    result = digitalocean("audit", "plan")

    # 601 requests, 250 of them a minute.
    assert "digitalocean  DigitalOcean  600        601       2 min 00 s" in result.stdout
    assert "no less than 2 min 00 s under the rate limits" in result.stderr


def test_an_account_that_cannot_be_listed_makes_the_plan_incomplete(both: Run) -> None:
    result = both("audit", "plan", "-q", DIGITALOCEAN_TOKEN="wrong")

    assert result.exit_code == 3
    assert "digitalocean cannot be listed: 401" in result.stderr
    assert "at least" in result.stdout
    assert "scalingo" in result.stdout


def test_the_plans_of_all_shards_are_that_of_the_whole(both: Run, sandbox: Sandbox) -> None:
    whole = json.loads(both("audit", "plan", "-q", "-o", "json").stdout)
    before = len(sandbox.requests)

    first, second = (
        json.loads(both("audit", "plan", "-q", "-o", "json", "--shard", shard).stdout)
        for shard in ("1/2", "2/2")
    )

    assert len(first) == len(second) == 1
    assert sorted(first + second, key=lambda token: token["provider"]) == whole
    assert len(sandbox.requests) == 2 * before  # each lists its own tokens, and no other
    read = both("audit", "-q", "-o", "json", "--shard", "1/2")
    (account,) = json.loads(read.stdout)["run"]["pace"]
    assert account["planned_requests"] == account["requests"] == first[0]["requests"]


def test_a_plan_of_no_shard_is_refused_before_anything_is_sent(both: Run, sandbox: Sandbox) -> None:
    result = both("audit", "plan", "--shard", "3/2")

    assert result.exit_code == 2
    assert "is no shard" in result.stderr
    assert not sandbox.requests


# Checks


def test_checks_lists_every_check(run: Run) -> None:
    listed = json.loads(run("audit", "checks", "-o", "json").stdout)

    assert [each["id"] for each in listed] == [each.id for each in (*CHECKS, *POLICY_CHECKS)]
    lines = run("audit", "checks").stdout.splitlines()
    assert len(lines) == 1 + len(listed)
    assert "MY001  medium    mysql " in "\n".join(lines)


@pytest.mark.parametrize("name", ["MY001", "my001"])
def test_explain_says_all_of_a_check(run: Run, name: str) -> None:
    (check,) = (each for each in mysql.CHECKS if each.id == "MY001")

    said = run("audit", "explain", name).stdout

    for text in (check.title, check.rationale, check.remedy, check.command, check.call):
        assert text
        assert text in said


@pytest.mark.parametrize(
    ("name", "advice"), [("PG01", "did you mean PG001"), ("nonsense", "dbusers audit checks")]
)
def test_explain_helps_with_a_check_that_there_is_not(run: Run, name: str, advice: str) -> None:
    result = run("audit", "explain", name)

    assert result.exit_code == 2
    assert advice in result.stderr


# Init


def test_init_writes_a_policy_under_which_nobody_is_out_of_place(both: Run) -> None:
    written = both("audit", "init")
    result = both("audit", "-q", "-o", "json")

    assert written.exit_code == 0
    assert "read it before you rely on it" in written.stderr
    policy = tomllib.loads(POLICY.read_text())
    assert len(policy["databases"]) == json.loads(result.stdout)["summary"]["read"]
    checks = {finding["check"] for finding in json.loads(result.stdout)["findings"]}
    assert not checks & {"PO001", "PO002", "PO005"}


def test_init_notices_who_comes_afterwards(digitalocean: Run, sandbox: Sandbox) -> None:
    digitalocean("audit", "init", "-q")
    cluster = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "pg")
    cluster.users["newcomer"] = {"name": "newcomer", "role": "normal"}

    found = json.loads(digitalocean("audit", "-q", "-o", "json").stdout)["findings"]

    checks = {each["check"] for each in found if each["user"] == "newcomer"}
    assert {"PO001", "DR001"} <= checks


def test_init_replaces_a_policy_only_by_force(digitalocean: Run, sandbox: Sandbox) -> None:
    POLICY.write_text("# by hand\n")

    refused = digitalocean("audit", "init")
    untouched = POLICY.read_text()
    forced = digitalocean("audit", "init", "--force")

    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert untouched == "# by hand\n"
    assert forced.exit_code == 0
    assert "[[databases]]" in POLICY.read_text()


def test_init_takes_what_a_run_has_read(digitalocean: Run, run: Run, sandbox: Sandbox) -> None:
    digitalocean("audit", "-q")
    before = len(sandbox.requests)

    result = run("audit", "init", "--policy", "p.toml", "--from", run_ids(run)[0])

    assert result.exit_code == 0
    assert len(sandbox.requests) == before
    assert "[[databases]]" in Path("p.toml").read_text()


def test_init_says_that_it_could_not_read_all(digitalocean: Run, sandbox: Sandbox) -> None:
    cluster = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "pg")
    sandbox.inject(Fault(f"/v2/databases/{cluster['id']}/users", times=None, status=404))

    result = digitalocean("audit", "init", "-q")

    assert result.exit_code == 3
    assert "the policy says nothing of what it could not read" in result.stderr
    assert cluster["id"] not in POLICY.read_text()


def test_a_policy_that_cannot_be_written_is_an_error_in_one_line(digitalocean: Run) -> None:
    result = digitalocean("audit", "init", "-q", "--policy", "missing/p.toml")

    assert result.exit_code == 2
    assert result.stderr.startswith("dbusers: missing/p.toml: cannot be written")


# Runs, diff, merge


def test_runs_says_how_each_run_came_out(digitalocean: Run, run: Run, sandbox: Sandbox) -> None:
    digitalocean("audit", "-q")
    cluster = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "pg")
    sandbox.inject(Fault(f"/v2/databases/{cluster['id']}/users", times=None, status=404))
    digitalocean("audit", "-q")

    listed = json.loads(run("audit", "runs", "-o", "json").stdout)
    lines = run("audit", "runs").stdout.splitlines()

    assert [(each["state"], each["not_read"]) for each in listed] == [
        ("complete", 0),
        ("incomplete", 1),
    ]
    assert [line.split()[:2] for line in lines[1:]] == [
        [listed[0]["id"], "complete"],
        [listed[1]["id"], "incomplete"],
    ]


def changes(run: Run, old: str, new: str) -> tuple[int, list[dict[str, Any]]]:
    result = run("audit", "diff", old, new, "-o", "json")
    return result.exit_code, json.loads(result.stdout)


def test_diff_tells_what_changed_between_two_runs(
    digitalocean: Run, run: Run, sandbox: Sandbox
) -> None:
    cluster = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "pg")
    digitalocean("audit", "-q")
    digitalocean("audit", "-q")
    cluster.users["new\x1b[31mcomer"] = {"name": "new\x1b[31mcomer", "role": "normal"}
    digitalocean("audit", "-q")
    sandbox.inject(Fault(f"/v2/databases/{cluster['id']}/users", times=None, status=404))
    digitalocean("audit", "-q")
    first, second, third, fourth = run_ids(run)

    assert changes(run, first, second) == (0, [])
    code, (changed,) = changes(run, second, third)
    assert (code, changed["kind"], changed["id"]) == (1, "changed", cluster["id"])
    assert [each["kind"] for each in changed["changes"]] == ["added"]
    code, (unknown,) = changes(run, third, fourth)
    assert (code, unknown["kind"]) == (3, "unknown")
    told = run("audit", "diff", second, third).stdout
    assert "  added     new\\x1b[31mcomer\n" in told


def test_a_run_can_be_named_by_its_place(digitalocean: Run, run: Run, sandbox: Sandbox) -> None:
    digitalocean("audit", "-q")
    too_early = run("audit", "diff", "previous", "last")
    cluster = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "pg")
    cluster.users["newcomer"] = {"name": "newcomer", "role": "normal"}
    digitalocean("audit", "-q")
    first, second = run_ids(run)

    again = json.loads(run("audit", "--from", "previous", "-q", "-o", "json").stdout)

    assert again["run"]["run"] == first
    assert changes(run, "previous", "last") == changes(run, first, second)
    assert changes(run, "last", "last") == (0, [])
    assert too_early.exit_code == 2
    assert "has 1 run: there is no previous one" in too_early.stderr


def test_diff_needs_runs_that_there_are(digitalocean: Run, run: Run) -> None:
    digitalocean("audit", "-q")

    result = run("audit", "diff", "1999", run_ids(run)[0])

    assert result.exit_code == 2
    assert "no run begins with '1999'" in result.stderr


def test_the_parts_of_an_audit_are_merged_into_the_whole(both: Run) -> None:
    whole = json.loads(both("audit", "-q", "-o", "json", "--store", "direct.db").stdout)
    for part in ("1", "2"):
        both("audit", "-q", "--shard", f"{part}/2", "--store", f"{part}.db", "-o", f"jsonl={part}")

    by_store = both("audit", "merge", "1.db", "2.db", "--store", "stores.db", "-o", "json")
    by_report = both("audit", "merge", "1", "2", "--store", "reports.db", "-o", "json")

    for merged in (by_store, by_report):
        assert merged.exit_code == 1
        assert json.loads(merged.stdout)["databases"] == whole["databases"]
        assert json.loads(merged.stdout)["findings"] == whole["findings"]


def test_a_part_that_is_missing_makes_it_incomplete(both: Run) -> None:
    both("audit", "-q", "--shard", "1/2", "--store", "1.db")

    result = both("audit", "merge", "1.db", "--store", "all.db")

    assert result.exit_code == 3
    assert "shard 2/2 is not among the files" in result.stdout


def test_merge_says_which_file_is_none_of_its_own(both: Run) -> None:
    Path("notes.txt").write_text("shopping\n")

    result = both("audit", "merge", "notes.txt", "--store", "all.db")

    assert result.exit_code == 2
    assert "notes.txt" in result.stderr
