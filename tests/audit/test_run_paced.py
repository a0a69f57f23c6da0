"""The plan of a run, kept beside what it took."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from dbusers import Window
from dbusers.audit import (
    DatabaseRecord,
)
from dbusers.audit.accounts.account import Account
from dbusers.audit.run import Options, audit, audit_again
from dbusers.audit.store import Store
from tests.audit.in_memory import Provider, Slow, metered
from tests.audit.pacing import paced_audit
from tests.clocks import JumpingClock


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "audit.db") as opened:
        yield opened


async def test_the_plan_and_what_it_took_are_kept_with_the_run(store: Store) -> None:
    clock = JumpingClock()
    meter, two_a_minute = metered(clock), (Window(2, 60),)
    accounts = [
        Account("slow", Slow("abc-", clock, meter), windows=two_a_minute, token=1, meter=meter),
        Account("other", Provider("d"), windows=two_a_minute, token=1),
        Account("refused", Provider("", fails="all")),
    ]

    report = await audit(accounts, store, options=Options(clock=clock, concurrency=1))

    for each in (report, audit_again(store, store.runs()[0])):
        assert [(a.account, a.planned, a.requests, a.floor) for a in each.accounts] == [
            ("other", 2, None, 120.0),  # one token, so one floor: six requests, two a minute
            ("refused", None, None, None),
            ("slow", 4, 4, 120.0),
        ]
        assert each.accounts[2].seconds == 9.0
        assert (each.total.planned, each.total.requests, each.total.floor) == (6, 4, 120.0)


async def test_a_run_that_is_resumed_keeps_its_plan_and_adds_up_its_time(store: Store) -> None:
    clock = JumpingClock()
    meter = metered(clock)
    account = Account("one", Slow("abcd", clock, meter, fails="bc"), meter=meter)
    await audit([account], store, options=Options(clock=clock, concurrency=1))
    clock.now += 1_000.0

    again = Account("one", Slow("abcd", clock, meter), meter=meter)
    options = Options(clock=clock, resume=store.latest(), retry_failed=True)
    (paced,) = (await audit([again], store, options=options)).accounts

    assert (paced.planned, paced.requests, paced.seconds) == (5, 7, 18.0)


async def test_the_time_of_a_listing_that_is_interrupted_counts_too(store: Store) -> None:
    clock = JumpingClock()
    meter = metered(clock)

    class Endless(Slow):
        async def databases(self) -> Sequence[DatabaseRecord]:
            await super().databases()
            self.clock.now += 7.0
            self.waiting.set()
            await asyncio.get_running_loop().create_future()
            raise AssertionError("nobody ends it")

    endless = Endless("ab", clock, meter)
    options = Options(clock=clock)
    reading = asyncio.create_task(
        audit([Account("a", endless, meter=meter)], store, options=options)
    )
    await endless.waiting.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    (account,) = store.coverage(store.runs()[0])
    assert (account.requests, account.planned, account.seconds) == (1, None, 7.0)


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
    assert {each.account: each.planned for each in pace.report.accounts} == pace.sent
    assert pace.report.total.floor == pace.plan.floor
    assert pace.plan.floor <= pace.report.total.seconds <= pace.seconds
