"""The demo in a pipe: what a log keeps of it."""

import inspect
import re
import subprocess
from collections.abc import Callable

import pytest

from dbusers import RetryOption
from dbusers.audit import CHECKS
from dbusers.cli import demo
from dbusers.cli.demo import walk
from dbusers.testing import Fault, Sandbox
from tests.cli.conftest import Run
from tests.cli.terminal import QUICK_DEMO
from tests.ready_python import ready_python


@pytest.fixture(scope="module")
def output() -> str:
    command = [ready_python(), "-c", QUICK_DEMO, "demo"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert ended.stderr == ""
    return ended.stdout


def test_it_is_plain_and_fits_eighty_columns(output: str) -> None:
    assert all(c.isprintable() or c == "\n" for c in output)
    assert max(len(line) for line in output.splitlines()) <= 80


def test_each_step_shows_the_code_that_runs_and_its_answer(output: str) -> None:
    steps: list[Callable[..., object]] = [
        walk.list_clusters,
        walk.create,
        walk.read,
        walk.update,
        walk.rotate,
        walk.delete,
    ]
    for step in steps:
        for line in walk.source(step).splitlines():
            assert f"  {line}\n" in output
    for answer in ("POST 201", "GET 200", "PUT 201", "POST 200", "DELETE 204", "GET 404"):
        assert answer in output


def test_the_source_of_a_step_is_its_body() -> None:
    assert walk.source(walk.rotate) == "await app.reset_auth.post()"
    assert "return" not in walk.source(walk.update)
    assert str(inspect.getdoc(walk.update)) not in walk.source(walk.update)


def test_every_check_that_fails_has_its_row(output: str) -> None:
    rows = re.findall(r"^([A-Z]{2}\d{3}) .*?(\d+) of (\d+)", output, re.MULTILINE)

    assert {id_ for id_, _, _ in rows} > {"PG001", "PG002", "MY001", "KA001", "OS001", "MG001"}
    assert {id_ for id_, _, _ in rows} < {check.id for check in CHECKS}
    assert all(0 < int(failed) <= int(judged) for _, failed, judged in rows)


def test_the_database_that_fails_is_reported_as_not_read(output: str) -> None:
    assert re.search(r"^Not read +\S+-pg-\d+: 503 Service Unavailable", output, re.MULTILINE)
    assert "this audit is incomplete" in " ".join(output.split())


def test_the_numbers_add_up(output: str) -> None:
    read = re.search(r"^Read +([\d,]+) users of (\d+) databases in [\d.]+ s", output, re.MULTILINE)
    skipped = re.search(r"^Skipped +(\d+) databases", output, re.MULTILINE)
    assert read is not None
    assert skipped is not None
    assert int(read[2]) + int(skipped[1]) + 1 == 60
    assert 1_000 < int(read[1].replace(",", "")) < 1_200


def test_the_rate_limits_are_kept(output: str) -> None:
    found = re.search(r"(\d+) of 250 a minute at DigitalOcean, (\d+) of 60 a minute", output)
    assert found is not None
    assert int(found[1]) <= 250
    assert int(found[2]) <= 60


def test_no_secret_is_shown(output: str) -> None:
    assert "AVNS_" not in output
    assert "PRIVATE KEY" not in output


def test_an_outage_that_is_not_on_purpose_makes_it_incomplete(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_all(sandbox: Sandbox) -> str:
        sandbox.inject(Fault("/api/databases/*/users", times=None, status=503))
        return "none of them"

    monkeypatch.setattr(demo, "_break_one_database", break_all)
    monkeypatch.setattr(demo, "ANSWER_TIME", 0.001)
    monkeypatch.setattr(demo, "RETRY", RetryOption(max_retries=0))

    result = run("demo")

    assert result.exit_code == 3
    assert result.stdout.count("Not read") == 12
    assert result.stderr == "dbusers: more was not read than what fails on purpose\n"
