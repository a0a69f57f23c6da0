"""The audit on a terminal: bars, and an interrupt; and in what words it speaks."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from dbusers.audit import DatabaseRecord, Listed, NotListed, NotRead, Read
from dbusers.audit.accounts.account import Account
from dbusers.audit.plan import Plan, TokenPlan
from dbusers.audit.report.text import duration
from dbusers.cli.audit.bars import Bars, seconds_left
from dbusers.cli.audit.words import Voice, plan_in_words
from dbusers.errors import DbusersError
from dbusers.testing import Fault, Sandbox
from tests.cli.environments import digitalocean_environment
from tests.cli.terminal import Screen, run_on_terminal
from tests.cli.test_terminal import COLOUR, CONTROL_C, ESCAPE

ROOT = Path(__file__).parents[2]
FINDINGS = "-o", "csv=findings.csv"  # nothing else than bars is drawn


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def audited(
    sandbox: Sandbox,
    *arguments: str,
    columns: int = 80,
    typed: str = "",
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Screen:
    """Run the audit on a terminal; `typed` once it has begun to read."""
    return run_on_terminal(
        "audit", *arguments,
        environment={
            **digitalocean_environment(sandbox), "PYTHONPATH": str(ROOT), **environment
        },
        answer=("Plan: ", typed) if typed else None,
        columns=columns,
    )  # fmt: skip


@pytest.mark.parametrize("columns", [80, 120])
def test_a_token_has_its_bar_until_the_report_takes_its_place(
    sandbox: Sandbox, columns: int
) -> None:
    screen = audited(sandbox, columns=columns)

    assert screen.exit_code == 1
    bars = screen.text.partition("Complete: ")[0]
    assert re.search(r"digitalocean .*━.* 0/\? databases .*listing", bars)
    assert COLOUR.search(bars)
    assert "\x1b[2K" in bars.rpartition("━")[2]  # erased
    lines = re.split(r"[\r\n]", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", bars))
    assert max(len(line) for line in lines if "━" in line) < columns - len("^C")


def test_no_color_is_honoured(sandbox: Sandbox) -> None:
    screen = audited(sandbox, *FINDINGS, environment={"NO_COLOR": "1"})

    assert "listing" in screen.text
    assert not COLOUR.search(screen.text)


@pytest.mark.parametrize(
    ("options", "environment"), [(["--quiet"], {}), ([], {"TERM": "dumb"})], ids=["quiet", "dumb"]
)
def test_nothing_is_drawn_where_nobody_wants_it(
    sandbox: Sandbox, options: list[str], environment: dict[str, str]
) -> None:
    screen = audited(sandbox, *FINDINGS, *options, environment=environment)

    assert screen.exit_code == 1
    assert ESCAPE not in screen.text
    assert "listing" not in screen.text
    assert (screen.text == "") == bool(options)


def test_an_interrupt_keeps_what_was_read_and_says_how_to_go_on(sandbox: Sandbox) -> None:
    sandbox.inject(Fault("/v2/databases/*/users", times=None, delay=0.05))  # time for a person

    interrupted = audited(sandbox, "--concurrency", "1", "-o", "json=a.json", typed=CONTROL_C)
    sent = len(sandbox.requests)
    report = json.loads(Path("a.json").read_text())
    resumed = audited(sandbox, "--resume", "-o", "json=a.json")

    assert interrupted.exit_code == 130
    assert "Traceback" not in interrupted.text
    assert interrupted.text.endswith(
        "dbusers: interrupted; the same command with --resume goes on\n"
    )
    assert report["summary"]["exit_code"] == 130
    assert report["summary"]["complete"] is False
    assert resumed.exit_code == 1
    assert json.loads(Path("a.json").read_text())["summary"]["complete"] is True
    with_users = sum(bool(cluster.users) for cluster in sandbox.fleet.digitalocean)
    assert sent < 1 + with_users
    assert len(sandbox.requests) <= 1 + with_users + 1  # that which was under way


# Words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (0.42, "0.4 s"), (9.97, "10 s"), (59.4, "59 s"), (59.6, "1 min 00 s"),
     (250, "4 min 10 s"), (3_599.7, "1 h 00 min"), (3_900, "1 h 05 min")],
)  # fmt: skip
def test_a_time_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def token(**facts: object) -> TokenPlan:
    known = {"provider": "A", "accounts": ("one",), "databases": 1, "requests": 2, "floor": 0.0}
    return TokenPlan(**{**known, "exact": True, **facts})  # type: ignore[arg-type]  # a table of facts


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        ((), "0 databases, 0 requests with 0 tokens, within the rate limits at once"),
        ((token(),), "1 database, 2 requests with 1 token, within the rate limits at once"),
        (
            (token(), token(accounts=("two",), requests=1_000, floor=240.0, exact=False)),
            "2 databases, at least 1,002 requests with 2 tokens, no less than 4 min 00 s under the "
            "rate limits, for two",
        ),
    ],
)
def test_a_plan_in_words(tokens: tuple[TokenPlan, ...], said: str) -> None:
    assert plan_in_words(Plan(tokens)) == said


@pytest.mark.parametrize(
    ("sent", "elapsed", "delay", "left"),
    [
        (600, 10.0, 50.0, 0.0),  # all is sent
        (250, 10.0, 50.0, 110.0),  # as planned
        (250, 10.0, 200.0, 200.0),  # others use the token too
        (300, 150.0, 0.0, 150.0),  # slower than planned: as fast as so far
        (0, 150.0, 7.0, 7.0),  # nothing is known yet
    ],
)
def test_the_time_left(sent: int, elapsed: float, delay: float, left: float) -> None:
    assert seconds_left(token(requests=600, floor=120.0), sent, elapsed, delay) == left


class Empty:
    """An inventory of which nothing is asked."""

    provider = "A"


def test_a_bar_tells_all_accounts_of_its_token(capsys: pytest.CaptureFixture[str]) -> None:
    database = DatabaseRecord("A", "1", "orders", account="one")
    accounts = [Account(name, Empty()) for name in ("one", "two")]  # type: ignore[arg-type]  # see there
    bars = Bars(accounts, Voice(quiet=True))
    bars.plan(Plan((token(accounts=("one", "two"), exact=False),)))

    bars.move(Listed("A", (database, database), account="one"))
    bars.draw()
    (before,) = bars.told()
    bars.move(NotListed("A", DbusersError("no"), account="two"))
    bars.move(NotRead(database, DbusersError("no")))
    bars.move(Read(database, ()))
    bars.draw()
    (after,) = bars.told()

    assert before == ("one, two", "0/? databases", "listing")
    assert after == ("one, two", "2/2 databases", "1 not read")
    assert capsys.readouterr().err == ""
