"""Reads accounts into a store, with a plan before, bars meanwhile, and the truth afterwards."""

import asyncio
import time
from collections.abc import Sequence

import attrs

from dbusers.audit import NotListed, Outcome
from dbusers.audit.accounts.account import Account
from dbusers.audit.accounts.configuration import AccountSettings
from dbusers.audit.accounts.opening import open_accounts
from dbusers.audit.accounts.selection import EVERYTHING
from dbusers.audit.plan import Plan
from dbusers.audit.policy import Policy
from dbusers.audit.report import Report
from dbusers.audit.report.text import duration
from dbusers.audit.run import Options, audit, audit_again
from dbusers.audit.store import Run, Store
from dbusers.cli.audit.bars import Bars
from dbusers.cli.audit.words import Voice, counted, plan_in_words
from dbusers.cli.exits import ExitCode, end
from dbusers.errors import ConfigurationError, Forbidden, InvalidRequest, Unauthorized


def read(
    settings: Sequence[AccountSettings],
    store: Store,
    policy: Policy,
    options: Options,
    voice: Voice,
) -> Report:
    """Read the accounts and return the report; after Ctrl-C, that of what was read until then.

    Raises `ConfigurationError` as `audit` does, and where no account lets itself be read with its
    token; `InvalidRequest` where filters leave nothing to be read. Ends the command if it is
    interrupted before there is anything to report, or when all was read already.
    """
    reading = _Reading(settings, store, policy, options, voice)
    try:
        return asyncio.run(reading.read())
    except KeyboardInterrupt:
        if reading.run is None:
            end("interrupted; nothing was read", ExitCode.INTERRUPTED)
        run = store.find(reading.run.id)  # as it is now
        if run.finished is not None:
            again = f"--from {run.id} does that again"
            end(f"interrupted while judging; {again}", ExitCode.INTERRUPTED)
        return audit_again(store, run, policy, options, interrupted=True)


@attrs.define
class _Reading:
    settings: Sequence[AccountSettings]
    store: Store
    policy: Policy
    options: Options
    voice: Voice
    run: Run | None = None
    plan: Plan | None = None
    """The plan, as far as it is known."""
    planned: str | None = None
    """What was said of it before."""
    refused: dict[str, str] = attrs.field(factory=dict)
    """What the provider said, by accounts whose tokens it does not take."""

    async def read(self) -> Report:
        begun = time.monotonic()
        async with open_accounts(self.settings) as accounts:
            with Bars(accounts, self.voice) as bars:
                report = await self._read(accounts, bars)
            sent = sum(account.sent or 0 for account in accounts)
        if report.accounts and len(self.refused) == len(report.accounts):
            account, said = next(iter(self.refused.items()))
            raise ConfigurationError(f"{account}: {said}; check its token, and what it may do")
        if not report.total.databases and report.complete and self._is_filtered():
            raise InvalidRequest("the filters leave no database to audit")
        took = duration(time.monotonic() - begun)
        said = f"Read in {took} with {counted(sent, 'request')}"
        if self.plan is not None and self.plan.databases:
            said += f"; planned: {counted(self.plan.requests, 'request')}"
            if self.plan.floor:
                said += f" in no less than {duration(self.plan.floor)}"
        self.voice.say(f"{said}.")
        return report

    def _is_filtered(self) -> bool:
        return any(each.selection != EVERYTHING for each in self.settings)

    async def _read(self, accounts: Sequence[Account], bars: Bars) -> Report:
        options = attrs.evolve(
            self.options,
            on_run=self._begin,
            on_plan=lambda plan: self._plan(plan, bars),
            on_outcome=lambda outcome: self._take(outcome, bars),
        )
        drawing = asyncio.create_task(bars.keep_drawing())
        try:
            return await audit(accounts, self.store, self.policy, options)
        finally:
            drawing.cancel()

    def _begin(self, run: Run) -> None:
        self.run = run

    def _plan(self, plan: Plan, bars: Bars) -> None:
        bars.plan(plan)
        self.plan = plan
        if self.planned is None and not plan.exact:
            line = f"Expected, as in the last complete run: {plan_in_words(plan)}."
        else:
            line = f"Plan: {plan_in_words(plan)}."
        if plan.databases and line != self.planned:
            self.voice.say(line)
        self.planned = line

    def _take(self, outcome: Outcome, bars: Bars) -> None:
        bars.move(outcome)
        if isinstance(outcome, NotListed) and isinstance(outcome.error, Unauthorized | Forbidden):
            self.refused[outcome.account] = str(outcome.error)
