"""An audit of four tokens under the providers' real limits, on a clock that only they move."""

import os
from collections import Counter
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import attrs

from dbusers.audit.accounts.configuration import AccountSettings
from dbusers.audit.accounts.opening import open_accounts
from dbusers.audit.plan import Plan
from dbusers.audit.report.model import Report
from dbusers.audit.run import Options, audit
from dbusers.audit.store import Store
from dbusers.testing import Sandbox
from tests.audit.idle_clock import IdleClock


@attrs.frozen
class Pace:
    """What an audit planned, and what came of it."""

    estimate: Plan
    plan: Plan
    seconds: float
    sent: dict[str, int | None]
    statuses: Counter[int | None]
    report: Report


async def paced_audit(databases: int, folder: Path) -> Pace:
    """Audit so many databases, eight users each, in two accounts of each provider."""
    clock = IdleClock()
    plans: list[Plan] = []
    async with AsyncExitStack() as stack:
        sandboxes = [
            await stack.enter_async_context(
                Sandbox(seed=seed, databases=databases // 2, users=databases * 4, clock=clock)
            )
            for seed in range(2)
        ]
        store = stack.enter_context(Store.open(folder / "audit.db"))
        with patch.dict(os.environ, tokens(sandboxes)):
            accounts = await stack.enter_async_context(
                open_accounts(settings_of(sandboxes), clock=clock)
            )
        meters = [account.meter for account in accounts if account.meter]
        clock.is_busy = lambda: any(meter.under_way for meter in meters)
        start = clock.now
        async with clock.running():
            options = Options(clock=clock, on_plan=plans.append)
            report = await audit(accounts, store, options=options)
        return Pace(
            plans[0],
            plans[-1],
            clock.now - start,
            {account.name: account.sent for account in accounts},
            Counter(request.status for each in sandboxes for request in each.requests),
            report,
        )


def tokens(sandboxes: Iterable[Sandbox]) -> dict[str, str]:
    """Return the environment that has the sandboxes' tokens."""
    found = {}
    for number, sandbox in enumerate(sandboxes):
        found[f"DIGITALOCEAN_{number}"] = sandbox.digitalocean_token
        found[f"SCALINGO_{number}"] = sandbox.scalingo_token
    return found


def settings_of(sandboxes: Iterable[Sandbox], **keywords: Any) -> list[AccountSettings]:
    """Return an account of each provider for each sandbox."""
    return [
        AccountSettings(
            f"{provider}-{number}",
            provider,
            "dbusers.toml:1",
            token_env=(f"{provider.upper()}_{number}",),
            url=sandbox.url,
            **keywords,
        )
        for number, sandbox in enumerate(sandboxes)
        for provider in ("digitalocean", "scalingo")
    ]
