"""One audit from its accounts to its report: plan, read, store, judge.

    settings = accounts_from_file(Path("dbusers.toml"))
    with Store.open("audit.db") as store:
        async with open_accounts(settings) as accounts:
            report = await audit(accounts, store, Policy.load(Path("dbusers-policy.toml")))

Whatever was read is in the store at once, so an audit that is interrupted or killed goes on where
it was: `audit(…, Options(resume=store.latest()))`. `audit_again` judges a run of the store without
any account.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Final

import attrs

from dbusers.audit.accounts.account import Account
from dbusers.audit.accounts.selection import EVERYTHING
from dbusers.audit.accounts.sources import Source
from dbusers.audit.checks import checks as all_checks
from dbusers.audit.findings import Check, Severity
from dbusers.audit.plan import Plan, floor, plan_of
from dbusers.audit.policy import Policy
from dbusers.audit.records import (
    DatabaseRecord,
    Listed,
    NotListed,
    NotRead,
    Outcome,
    Read,
    Skipped,
)
from dbusers.audit.report.model import Report
from dbusers.audit.reporting import Judging, Tally, report_of
from dbusers.audit.runner import CONCURRENCY, read_all
from dbusers.audit.shards import accounts_of
from dbusers.audit.store import Run, Store
from dbusers.audit.store.rows import facts_of, row_of
from dbusers.clock import SYSTEM_CLOCK, Clock
from dbusers.errors import ConfigurationError
from dbusers.version import __version__


def _ignore(_: object) -> None:
    """Tell nobody."""


@attrs.frozen
class Options:
    """How an audit is done.

    - `source`: where users are read from.
    - `concurrency`: databases of one account that are read at a time.
    - `shard`: "2/4" reads the second quarter of the accounts; those with one token stay together.
    - `resume`: the run to go on with, by its own `source` and `shard`.
    - `retry_failed`: of that run, reads also what could not be read before.
    - `checks`: None is all there are, plug-ins included.
    - `fail_on`, `allow_incomplete`: see `Report`.
    - `on_run` is told the run once it is in the store, `on_plan` the plan: before anything is sent,
      and again when all accounts are listed; `on_outcome` every outcome, once it is stored.
    """

    source: Source = Source.USERS
    concurrency: int = CONCURRENCY
    shard: str | None = None
    resume: Run | None = None
    retry_failed: bool = False
    checks: tuple[Check, ...] | None = None
    fail_on: Severity = Severity.LOW
    allow_incomplete: float = 0.0
    on_run: Callable[[Run], object] = _ignore
    on_plan: Callable[[Plan], object] = _ignore
    on_outcome: Callable[[Outcome], object] = _ignore
    clock: Clock = SYSTEM_CLOCK


# Seconds of judging one database. No answer is taken meanwhile, so that with a check that needs
# more the rest is judged when all is read; those of this package need a ten-thousandth of it.
SLOW: Final = 0.5

NO_POLICY: Final = Policy()
DEFAULTS: Final = Options()


async def audit(
    accounts: Iterable[Account],
    store: Store,
    policy: Policy = NO_POLICY,
    options: Options = DEFAULTS,
) -> Report:
    """Read every user of the accounts, keep what was read in the store, and judge it.

    What could not be read is in the report, and makes it incomplete; it raises nothing. Cancelling
    leaves a run that can be resumed. Raises `ConfigurationError` if the store cannot be used, two
    accounts have one name, a run is to be resumed with accounts that are not its own, or, when all
    is read, a check fails.
    """
    judging = _judging(policy, options)
    if options.resume is not None:
        options = attrs.evolve(
            options, source=Source(options.resume.source), shard=options.resume.shard
        )
    chosen = [each.reading_from(options.source) for each in accounts_of(options.shard, accounts)]
    if options.resume is None:
        run = store.begin(
            _now(options),
            {account.name: account.provider for account in chosen},
            source=options.source.value,
            version=__version__,
            shard=options.shard,
            filtered=any(account.selection != EVERYTHING for account in chosen),
        )
    else:
        chosen = _pending(chosen, store, options.resume, failed=options.retry_failed)
        run = store.resume(options.resume)
    options.on_run(run)
    # What an earlier reading left in the store has to be judged from there, and so all of it is.
    tally = None if options.resume is not None else Tally(judging)
    reading = _Reading(chosen, store, run, options, tally)
    await reading.read()
    run = store.finish(run, _now(options))
    return report_of(store, run, judging, tally=reading.tally, remember=True)


def audit_again(
    store: Store,
    run: Run,
    policy: Policy = NO_POLICY,
    options: Options = DEFAULTS,
    *,
    interrupted: bool = False,
) -> Report:
    """Judge a run of the store again, by another policy perhaps; nothing is fetched.

    `interrupted`: its user has just stopped it. Raises `ConfigurationError` if the store cannot be
    used.
    """
    return report_of(store, run, _judging(policy, options), interrupted=interrupted)


@attrs.define
class _Reading:
    """The reading of a run, up to the last outcome in the store."""

    accounts: Sequence[Account]
    store: Store
    run: Run
    options: Options
    tally: Tally | None = None
    """Judges what is read; None leaves that until everything is."""
    listed: dict[str, Sequence[DatabaseRecord]] = attrs.field(factory=dict)
    not_listed: set[str] = attrs.field(factory=set)
    planned: dict[str, int] = attrs.field(factory=dict)
    counted: dict[str, int] = attrs.field(factory=dict)
    timed: dict[str, float] = attrs.field(factory=dict)
    """Up to when the time of each account is kept."""
    last: dict[str, float] = attrs.field(factory=dict)
    """When the last outcome of each account came."""
    has_base: bool = False
    """Whether a complete run came before, so that there may be drift."""

    async def read(self) -> None:
        by_name = {account.name: account for account in self.accounts}
        self.counted = {account.name: account.sent or 0 for account in self.accounts}
        self.timed = dict.fromkeys(by_name, self.options.clock.monotonic())
        self.last = dict(self.timed)
        self.has_base = any(each.complete for each in self.store.runs())
        for before in self.store.coverage(self.run):
            if before.planned is not None:
                self.planned[before.account] = before.planned
        self.options.on_plan(self._plan(_expected(self.store, self.run)))
        outcomes = read_all(self.accounts, concurrency=self.options.concurrency)
        try:
            async with aclosing(outcomes):
                async for outcome in outcomes:
                    self._take(outcome, by_name[_account_of(outcome)])
        finally:
            for account in self.accounts:
                if account.name not in {*self.listed, *self.not_listed}:  # interrupted meanwhile
                    self.last[account.name] = self.options.clock.monotonic()
                self._count(account)

    def _take(self, outcome: Outcome, account: Account) -> None:
        self.last[account.name] = self.options.clock.monotonic()
        if not isinstance(outcome, Listed | NotListed):
            self._take_database(outcome, account)
            self.options.on_outcome(outcome)
            return
        with self.store.all_or_nothing():
            self.store.add(self.run, outcome)
            self._count(account)
            if isinstance(outcome, Listed) and account.pending is None:
                self._keep_plan(account, outcome.databases)
        self.options.on_outcome(outcome)
        if isinstance(outcome, Listed):
            self.listed[account.name] = outcome.databases
        else:
            self.not_listed.add(account.name)
        if len(self.listed) + len(self.not_listed) == len(self.accounts):
            self.options.on_plan(self._plan({}))

    def _take_database(self, outcome: Read | NotRead | Skipped, account: Account) -> None:
        partial = isinstance(outcome, Read) and account.is_partial(outcome.database)
        row = row_of(outcome, partial=partial)
        requests, seconds = self._since_last(account)
        self.store.put(self.run, row, requests=requests, seconds=seconds)
        if self.tally is None:
            return
        before = self.store.before(self.run, row) if self.has_base else None
        policy = self.tally.judging.policy.of(row.database)
        begun = self.options.clock.monotonic()
        try:
            self.tally.take(facts_of(row, policy, self.run.started, before))
        except ConfigurationError:  # of a check: it is met again, and raised, when all is read
            self.tally = None
        if self.options.clock.monotonic() - begun > SLOW:
            self.tally = None

    def _plan(self, expected: Mapping[str, Sequence[DatabaseRecord]]) -> Plan:
        return plan_of(self.accounts, self.listed, not_listed=self.not_listed, expected=expected)

    def _keep_plan(self, account: Account, databases: Sequence[DatabaseRecord]) -> None:
        """Keep how many requests the account takes, and what its token takes by that."""
        self.planned[account.name] = account.requests_to_list() + account.requests_for(databases)
        of_token = [
            each
            for each in self.accounts
            if each.token == account.token and each.name in self.planned
        ]
        seconds = floor(sum(self.planned[each.name] for each in of_token), account.windows)
        for each in of_token:
            self.store.set_plan(self.run, each.name, self.planned[each.name], seconds)

    def _count(self, account: Account) -> None:
        """Keep the requests that were sent since the last time, and how long they took."""
        requests, seconds = self._since_last(account)
        if requests is not None:
            self.store.add_requests(self.run, account.name, requests, seconds)

    def _since_last(self, account: Account) -> tuple[int | None, float]:
        """Return the requests that were sent since the last time, and the seconds they took."""
        sent, name = account.sent, account.name
        if sent is None:
            return None, 0.0
        requests, seconds = sent - self.counted[name], self.last[name] - self.timed[name]
        self.counted[name], self.timed[name] = sent, self.last[name]
        return requests, seconds


def _judging(policy: Policy, options: Options) -> Judging:
    checks = tuple(all_checks()) if options.checks is None else options.checks
    return Judging(policy, checks, options.fail_on, options.allow_incomplete)


def _pending(accounts: Sequence[Account], store: Store, run: Run, *, failed: bool) -> list[Account]:
    """Return what is still to be read; accounts that were not listed are listed anew."""
    known = {coverage.account: coverage.provider for coverage in store.coverage(run)}
    given = {account.name: account.provider for account in accounts}
    if known != given:
        odd = ", ".join(sorted(name for name, _ in known.items() ^ given.items()))
        raise ConfigurationError(
            f"run {run.id} can be resumed with the accounts that it began with only: what differs "
            f"is {odd}"
        )
    listed = store.listed(run)
    return [
        attrs.evolve(account, pending=tuple(store.pending(run, account.name, failed=failed)))
        if account.name in listed
        else account
        for account in accounts
    ]


def _expected(store: Store, run: Run) -> dict[str, list[DatabaseRecord]]:
    """Return what each account had in the last complete run: there will be about as much."""
    before = [each for each in store.runs() if each.complete and each.number < run.number]
    expected: dict[str, list[DatabaseRecord]] = {}
    for row in store.databases(before[-1]) if before else ():
        expected.setdefault(row.database.account, []).append(row.database)
    return expected


def _account_of(outcome: Outcome) -> str:
    if isinstance(outcome, Listed | NotListed):
        return outcome.account
    return outcome.database.account


def _now(options: Options) -> datetime:
    return datetime.fromtimestamp(options.clock.time(), UTC)
