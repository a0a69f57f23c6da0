from collections.abc import Iterator
from pathlib import Path

import pytest

from dbusers import ConfigurationError
from dbusers.audit import (
    CHECKS,
    Listed,
    NotListed,
    Outcome,
    Verdict,
    reporting,
)
from dbusers.audit.accounts.account import Account
from dbusers.audit.accounts.selection import Selection
from dbusers.audit.plan import Plan
from dbusers.audit.policy import Policy
from dbusers.audit.report.model import ExitCode
from dbusers.audit.run import Options, audit, audit_again
from dbusers.audit.store import Store
from tests.audit.in_memory import Provider, contents, names
from tests.clocks import JumpingClock


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "audit.db") as opened:
        yield opened


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
