import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from unittest.mock import patch

import pytest

from dbusers import ConfigurationError, RetryOption, ServerError
from dbusers.audit import (
    CHECKS,
    DatabaseRecord,
    Engine,
    Listed,
    NotListed,
    Outcome,
    UserRecord,
    Verdict,
    reporting,
)
from dbusers.audit.accounts.account import Account
from dbusers.audit.accounts.opening import open_accounts
from dbusers.audit.accounts.selection import Selection
from dbusers.audit.accounts.sources import Source
from dbusers.audit.plan import Plan
from dbusers.audit.policy import Policy
from dbusers.audit.report.model import ExitCode, Report
from dbusers.audit.run import Options, audit, audit_again
from dbusers.audit.store import Run, Store
from dbusers.testing import Fault, Sandbox
from tests.audit.idle_clock import IdleClock
from tests.audit.pacing import paced_audit, settings_of, tokens
from tests.clocks import JumpingClock

ADMIN = UserRecord("doadmin", built_in=True)
NOT_AGAIN = RetryOption(max_retries=0)


class Provider:
    """An inventory in memory, of which some databases fail, and one may wait for ever."""

    provider = "A"

    def __init__(self, names: str, *, fails: str = "", waits: str = "") -> None:
        self.names, self.fails, self.waits = names, fails, waits
        self.waiting = asyncio.Event()
        self.asked: list[str] = []
        self.lists = 0

    async def databases(self) -> Sequence[DatabaseRecord]:
        self.lists += 1
        if self.fails == "all":
            raise ServerError("out of order", status=503, retryable=True)
        return [
            DatabaseRecord("A", name, name, engine=Engine.POSTGRESQL, has_users=name != "-")
            for name in self.names
        ]

    async def databases_with_embedded_users(
        self,
    ) -> Sequence[tuple[DatabaseRecord, tuple[UserRecord, ...] | None]]:
        return [(each, (ADMIN,)) for each in await self.databases()]

    async def users(self, database: DatabaseRecord) -> Sequence[UserRecord]:
        self.asked.append(database.id)
        if database.id == self.waits:
            self.waiting.set()
            await asyncio.get_running_loop().create_future()
        if database.id in self.fails:
            raise ServerError("out of order", status=503, retryable=True)
        return [ADMIN, UserRecord(f"user-of-{database.id}", built_in=False, replication=True)]

    def requests_to_list(self) -> int:
        return 1

    def requests_for(self, databases: Sequence[DatabaseRecord]) -> int:
        return sum(database.has_users for database in databases)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "audit.db") as opened:
        yield opened


def contents(report: Report) -> list[object]:
    """Return what a report says of the fleet, without ids and times."""
    rows = list(report.databases())
    found = [(each.fingerprint, each.verdict, each.severity) for each in report.findings()]
    return [rows, found, report.counts, report.accounts, report.not_read, report.exit_code]


def names(report: Report) -> list[tuple[str, str]]:
    return [(each.database.account, each.database.name) for each in report.not_read]


async def test_an_audit_is_read_stored_and_judged(store: Store) -> None:
    accounts = [Account("one", Provider("ab-")), Account("two", Provider("c"))]

    report = await audit(accounts, store, options=Options(clock=JumpingClock()))

    assert [(a.account, a.databases, a.read, a.skipped, a.users) for a in report.accounts] == [
        ("one", 3, 2, 1, 4),
        ("two", 1, 1, 0, 2),
    ]
    assert report.complete
    assert report.exit_code is ExitCode.FINDINGS
    replicating = [f.user for f in report.findings() if f.check.id == "PG002"]
    assert replicating == ["user-of-a", "user-of-b", "user-of-c"]
    assert report.counts["PG002", Verdict.FAIL] == 3
    assert [run.id for run in store.runs()] == [report.run_id]
    assert [past.id for past in report.history] == [report.run_id]


async def test_what_was_not_read_is_named_and_outranks_the_findings(store: Store) -> None:
    accounts = [
        Account("one", Provider("abc", fails="b")),
        Account("two", Provider("", fails="all")),
    ]

    report = await audit(accounts, store)

    assert names(report) == [("one", "b")]
    assert report.not_read[0].error == "503: out of order"
    assert [each.error for each in report.accounts] == [None, "503: out of order"]
    assert report.exit_code is ExitCode.INCOMPLETE


async def test_nothing_is_fetched_to_judge_again(store: Store, tmp_path: Path) -> None:
    provider = Provider("ab")
    first = await audit([Account("one", provider)], store)
    policy = tmp_path / "policy.toml"
    policy.write_text('[severities]\nPG002 = "low"\n')
    (run,) = store.runs()

    again = audit_again(store, run)
    otherwise = audit_again(store, run, Policy.load(policy))

    assert contents(again) == contents(first)
    assert provider.asked == ["a", "b"]
    severities = {f.severity.name for f in otherwise.findings() if f.check.id == "PG002"}
    assert severities == {"LOW"}


async def test_judging_again_leaves_the_history_as_it_was(store: Store, tmp_path: Path) -> None:
    first = await audit([Account("one", Provider("ab"))], store)
    policy = tmp_path / "policy.toml"
    policy.write_text('[severities]\nPG002 = "low"\n')
    (run,) = store.runs()

    otherwise = audit_again(store, run, Policy.load(policy))

    assert otherwise.history[-1].by_severity != first.history[-1].by_severity
    assert audit_again(store, run).history == first.history == store.history(run)


async def test_many_findings_are_judged_anew_each_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await audit([Account("one", Provider("abc", fails="b"))], store)
    monkeypatch.setattr(reporting, "KEPT", 2)

    anew = audit_again(store, store.runs()[0])

    assert contents(anew) == contents(kept)
    assert len(list(anew.findings())) > 2


# Interrupted and resumed


async def interrupted(accounts: Sequence[Account], waiting: Provider, store: Store) -> Run:
    """Begin an audit and cancel it once that database is being read; return its run."""
    runs: list[Run] = []
    options = Options(on_run=runs.append, concurrency=1)
    reading = asyncio.create_task(audit(accounts, store, options=options))
    await waiting.waiting.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    return runs[0]


async def test_a_cancelled_audit_is_resumed_to_the_same_end(store: Store, tmp_path: Path) -> None:
    with Store.open(tmp_path / "undisturbed.db") as other:
        undisturbed = await audit([Account("one", Provider("abcde-", fails="b"))], other)
        wanted = contents(undisturbed)
    waiting = Provider("abcde-", fails="b", waits="c")
    run = await interrupted([Account("one", waiting)], waiting, store)
    provider = Provider("abcde-", fails="b")

    report = await audit([Account("one", provider)], store, options=Options(resume=run))

    assert contents(report) == wanted
    assert (provider.lists, provider.asked) == (0, ["c", "d", "e"])
    assert report.run_id == run.id


FLEET = "abcdefghijklmnopqrst-"
KILLED = """
import asyncio, os, signal, sys
from dbusers.audit.accounts.account import Account
from dbusers.audit.run import Options, audit
from dbusers.audit.store import Store
from tests.audit.test_run import FLEET, Provider

left = int(sys.argv[2])

def die_at_last(outcome):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

with Store.open(sys.argv[1]) as store:
    options = Options(on_outcome=die_at_last, concurrency=3, resume=store.latest())
    asyncio.run(audit([Account("one", Provider(FLEET, fails="f"))], store, options=options))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
async def test_an_audit_that_is_killed_twice_is_resumed_to_the_same_end(tmp_path: Path) -> None:
    with Store.open(tmp_path / "undisturbed.db") as store:
        wanted = contents(await audit([Account("one", Provider(FLEET, fails="f"))], store))
    path = tmp_path / "killed.db"
    for outcomes in Random(9).sample(range(2, 10), 2):
        command = [sys.executable, "-c", KILLED, str(path), str(outcomes)]
        killed = subprocess.run(command, check=False, cwd=Path(__file__).parents[2])  # noqa: ASYNC221  (nothing else runs)
        assert killed.returncode == -signal.SIGKILL
    provider = Provider(FLEET, fails="f")

    with Store.open(path) as store:
        options = Options(resume=store.latest())
        report = await audit([Account("one", provider)], store, options=options)
        found = contents(report)

    assert found == wanted
    assert provider.lists == 0
    assert 0 < len(provider.asked) < len(FLEET) - 1


async def test_an_interrupted_run_names_what_it_did_not_reach(store: Store) -> None:
    waiting = Provider("abcd", fails="b", waits="c")
    run = await interrupted([Account("one", waiting)], waiting, store)

    report = audit_again(store, run, interrupted=True)

    assert names(report) == [("one", "b"), ("one", "c"), ("one", "d")]
    assert [each.error_type for each in report.not_read] == [
        "ServerError",
        "NotReached",
        "NotReached",
    ]
    assert report.exit_code is ExitCode.INTERRUPTED
    assert audit_again(store, run).exit_code is ExitCode.INCOMPLETE


async def test_accounts_that_were_not_listed_are_listed_anew(store: Store) -> None:
    broken = [Account("one", Provider("ab")), Account("two", Provider("cd", fails="all"))]
    await audit(broken, store)
    one, two = Provider("ab"), Provider("cd")

    report = await audit(
        [Account("one", one), Account("two", two)], store, options=Options(resume=store.latest())
    )

    assert report.complete
    assert (one.asked, two.asked) == ([], ["c", "d"])


async def test_what_failed_is_read_again_where_that_is_asked_for(store: Store) -> None:
    await audit([Account("one", Provider("abc", fails="b"))], store)
    provider = Provider("abc")

    still = await audit([Account("one", provider)], store, options=Options(resume=store.latest()))
    assert (provider.asked, still.exit_code) == ([], ExitCode.INCOMPLETE)

    options = Options(resume=store.latest(), retry_failed=True)
    report = await audit([Account("one", provider)], store, options=options)

    assert (provider.asked, provider.lists) == (["b"], 0)
    assert report.complete
    assert len(store.runs()) == 1


@pytest.mark.parametrize("others", [[], ["two"], ["one", "two"]])
async def test_a_run_is_resumed_with_its_own_accounts_only(store: Store, others: list[str]) -> None:
    await audit([Account("one", Provider("a", fails="a"))], store)
    accounts = [Account(name, Provider("a")) for name in others]

    with pytest.raises(ConfigurationError, match="can be resumed with the accounts"):
        await audit(accounts, store, options=Options(resume=store.latest()))

    assert store.latest() == store.runs()[0]
    assert not any(isinstance(a.inventory, Provider) and a.inventory.lists for a in accounts)


async def test_a_run_is_resumed_by_its_own_source(store: Store) -> None:
    await audit(
        [Account("one", Provider("a", fails="all"))], store, options=Options(source=Source.EMBEDDED)
    )
    provider = Provider("ab")

    report = await audit([Account("one", provider)], store, options=Options(resume=store.latest()))

    assert (report.source, provider.asked) == ("embedded", [])
    assert [row.partial for row in report.databases()] == [True, True]


async def test_users_of_the_databases_own_lists_are_not_partial(store: Store) -> None:
    report = await audit([Account("one", Provider("ab"))], store)

    assert [row.partial for row in report.databases()] == [False, False]


# Plans, shards, and what is told on the way


async def test_the_plan_is_an_estimate_first_and_exact_when_all_is_listed(store: Store) -> None:
    plans: list[Plan] = []
    outcomes: list[Outcome] = []
    options = Options(on_plan=plans.append, on_outcome=outcomes.append)
    accounts = [Account("one", Provider("ab-")), Account("two", Provider("c", fails="all"))]

    await audit(accounts, store, options=options)
    assert [(plan.requests, plan.exact) for plan in plans] == [(2, False), (4, False)]
    assert {type(each) for each in outcomes[:2]} <= {Listed, NotListed}

    plans.clear()
    await audit([Account("one", Provider("ab-"))], store, options=options)
    await audit([Account("one", Provider("abc"))], store, options=options)
    assert [(plan.requests, plan.exact) for plan in plans] == [
        (1, False),  # no run before was complete
        (3, True),
        (3, False),  # as the last one
        (4, True),
    ]


async def test_shards_are_split_by_token_and_are_all_of_it(store: Store) -> None:
    of_token = {"a": "t", "b": "u", "c": "t", "d": "v"}
    read = []
    for shard in ("1/2", "2/2"):
        accounts = [Account(name, Provider(name), token=token) for name, token in of_token.items()]
        report = await audit(accounts, store, options=Options(shard=shard))
        assert report.shard == shard
        read.append([each.account for each in report.accounts])

    assert sorted(read[0] + read[1]) == ["a", "b", "c", "d"]
    assert any({"a", "c"} <= set(each) for each in read)


async def test_two_accounts_of_one_name_are_refused(store: Store) -> None:
    accounts = [Account("one", Provider("a")), Account("one", Provider("b"))]

    with pytest.raises(ConfigurationError, match="two accounts have the name 'one'"):
        await audit(accounts, store)

    assert store.runs() == ()


@pytest.mark.parametrize(
    ("selection", "verdict"),
    [(Selection(), Verdict.FAIL), (Selection(include={"name": ("a",)}), Verdict.UNKNOWN)],
)
async def test_a_selection_cannot_tell_what_of_the_policy_is_unused(
    store: Store, tmp_path: Path, selection: Selection, verdict: Verdict
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[databases]]\nname = "b"\nmax_writers = 1\n')

    report = await audit([Account("one", Provider("a"), selection)], store, Policy.load(policy))
    again = audit_again(store, store.find(report.run_id), Policy.load(policy))

    for each in (report, again):
        assert [f.verdict for f in each.findings() if f.check.id == "PO005"] == [verdict]


async def test_the_checks_can_be_chosen(store: Store) -> None:
    chosen = tuple(check for check in CHECKS if check.id == "PG002")

    report = await audit([Account("one", Provider("a"))], store, options=Options(checks=chosen))

    assert {check for check, _ in report.counts} == {"PG002"}


# Over sockets


@asynccontextmanager
async def opened(*sandboxes: Sandbox) -> AsyncIterator[list[Account]]:
    clock, settings = IdleClock(), settings_of(sandboxes)
    with patch.dict(os.environ, tokens(sandboxes)):
        async with open_accounts(settings, options=[NOT_AGAIN], clock=clock) as accounts:
            clock.is_busy = lambda: any(each.meter and each.meter.under_way for each in accounts)
            async with clock.running():
                yield accounts


async def test_what_the_plan_says_is_sent_and_all_users_are_read(store: Store) -> None:
    plans: list[Plan] = []
    options = Options(on_plan=plans.append)
    async with (
        Sandbox(databases=40, users=400, limits=False) as sandbox,
        opened(sandbox) as accounts,
    ):
        report = await audit(accounts, store, options=options)
        sent = [account.sent for account in accounts]

    users = {c["id"]: set(c.users) for c in sandbox.fleet.digitalocean}
    users |= {d["id"]: set(d.users) for d in sandbox.fleet.scalingo.databases}
    assert {r.database.id: {u.name for u in r.users or ()} for r in report.databases()} == users
    assert report.complete
    assert [token.requests for token in plans[-1].tokens] == sent
    assert sum(filter(None, sent)) == len(sandbox.requests) == report.total.requests


async def test_every_database_of_ten_per_cent_that_fail_is_named(store: Store) -> None:
    async with Sandbox(databases=120, users=800, limits=False) as sandbox:
        with_users = [c for c in sandbox.fleet.digitalocean if c.users]
        databases = [d for d in sandbox.fleet.scalingo.databases if d.users]
        ids = [each["id"] for each in (*with_users, *databases)]
        broken = Random(4).sample(ids, len(ids) // 10)
        for number, each in enumerate(broken):
            path = f"/*/databases/{each}/users"
            fault = (
                Fault(path, times=None, status=500),
                Fault(path, times=None, cut="body"),
                Fault(path, times=None, body="<html>"),
            )[number % 3]
            sandbox.inject(fault)
        async with opened(sandbox) as accounts:
            report = await audit(accounts, store)

    assert sorted(each.database.id for each in report.not_read) == sorted(broken)
    assert {f.database.id for f in report.findings() if f.verdict is Verdict.ERROR} == set(broken)
    assert report.exit_code is ExitCode.INCOMPLETE
    assert report.total.read + report.total.failed == len(ids)


async def test_four_tokens_keep_to_the_floor_of_the_plan_and_to_their_limits(
    tmp_path: Path,
) -> None:
    pace = await paced_audit(400, tmp_path)

    assert pace.plan.exact
    assert pace.plan.floor >= 120
    assert pace.plan.floor <= pace.seconds <= pace.plan.floor * 1.03
    assert set(pace.statuses) == {200}  # no 429
    assert {token.name: token.requests for token in pace.plan.tokens} == pace.sent
    assert pace.plan.slowest is not None
    assert pace.plan.slowest.provider == "Scalingo"
    assert pace.report.complete
    assert pace.report.total.databases == 400
