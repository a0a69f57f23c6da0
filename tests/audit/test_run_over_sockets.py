"""Whole audits of a sandbox."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from unittest.mock import patch

import pytest

from dbusers import RetryOption
from dbusers.audit import (
    Verdict,
)
from dbusers.audit.accounts.account import Account
from dbusers.audit.accounts.opening import open_accounts
from dbusers.audit.plan import Plan
from dbusers.audit.report.model import ExitCode
from dbusers.audit.run import Options, audit
from dbusers.audit.store import Store
from dbusers.testing import Fault, Sandbox
from tests.audit.idle_clock import IdleClock
from tests.audit.pacing import settings_of, tokens

NOT_AGAIN = RetryOption(max_retries=0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "audit.db") as opened:
        yield opened


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


async def test_the_plan_of_a_run_that_is_resumed_has_the_bearer_that_begins_it(
    store: Store,
) -> None:
    plans: list[Plan] = []
    async with Sandbox(databases=40, users=400, limits=False) as sandbox:
        broken = [each for each in sandbox.fleet.scalingo.databases if each.users][:3]
        for each in broken:
            sandbox.inject(Fault(f"/*/databases/{each['id']}/users", times=1, status=500))
        async with opened(sandbox) as accounts:
            first = await audit(accounts, store)
        async with opened(sandbox) as accounts:
            options = Options(resume=store.latest(), retry_failed=True, on_plan=plans.append)
            report = await audit(accounts, store, options=options)
            sent = [account.sent for account in accounts]

    assert first.total.failed == 3
    assert report.complete
    assert sent == [0, 1 + 2 * 3]
    assert [[token.requests for token in plan.tokens] for plan in plans] == [sent, sent]


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
