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
from dbusers.audit.plan import Plan, plan_of
from dbusers.audit.policy import Policy
from dbusers.audit.records import DatabaseRecord, Listed, NotListed, Outcome, Read
from dbusers.audit.report.model import Report
from dbusers.audit.reporting import Judging, report_of
from dbusers.audit.runner import CONCURRENCY, read_all
from dbusers.audit.shards import parse_shard, shard_of
from dbusers.audit.store import Run, Store
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
    accounts have one name, or a run is to be resumed with accounts that are not its own.
    """
    judging = _judging(policy, options)
    if options.resume is not None:
        options = attrs.evolve(
            options, source=Source(options.resume.source), shard=options.resume.shard
        )
    chosen = [each.reading_from(options.source) for each in _of_shard(accounts, options.shard)]
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
    await _Reading(chosen, store, run, options).read()
    run = store.finish(run, _now(options))
    return report_of(store, run, judging, remember=True)


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
    listed: dict[str, Sequence[DatabaseRecord]] = attrs.field(factory=dict)
    not_listed: set[str] = attrs.field(factory=set)
    counted: dict[str, int] = attrs.field(factory=dict)

    async def read(self) -> None:
        by_name = {account.name: account for account in self.accounts}
        self.counted = {account.name: account.sent or 0 for account in self.accounts}
        self.options.on_plan(self._plan(_expected(self.store, self.run)))
        outcomes = read_all(self.accounts, concurrency=self.options.concurrency)
        try:
            async with aclosing(outcomes):
                async for outcome in outcomes:
                    self._take(outcome, by_name[_account_of(outcome)])
        finally:
            for account in self.accounts:
                self._count(account)

    def _take(self, outcome: Outcome, account: Account) -> None:
        partial = isinstance(outcome, Read) and account.is_partial(outcome.database)
        with self.store.all_or_nothing():
            self.store.add(self.run, outcome, partial=partial)
            self._count(account)
        self.options.on_outcome(outcome)
        if isinstance(outcome, Listed):
            self.listed[account.name] = outcome.databases
        elif isinstance(outcome, NotListed):
            self.not_listed.add(account.name)
        else:
            return
        if len(self.listed) + len(self.not_listed) == len(self.accounts):
            self.options.on_plan(self._plan({}))

    def _plan(self, expected: Mapping[str, Sequence[DatabaseRecord]]) -> Plan:
        return plan_of(self.accounts, self.listed, not_listed=self.not_listed, expected=expected)

    def _count(self, account: Account) -> None:
        """Keep the requests that were sent since the last time."""
        if account.sent is not None and account.sent > self.counted[account.name]:
            more = account.sent - self.counted[account.name]
            self.store.add_requests(self.run, account.name, more)
            self.counted[account.name] = account.sent


def _judging(policy: Policy, options: Options) -> Judging:
    checks = tuple(all_checks()) if options.checks is None else options.checks
    return Judging(policy, checks, options.fail_on, options.allow_incomplete)


def _of_shard(accounts: Iterable[Account], shard: str | None) -> list[Account]:
    """Return the accounts to be read. Raises `ConfigurationError` if two have one name."""
    found = list(accounts)
    names = [account.name for account in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"two accounts have the name {twice[0]!r}")
    if shard is None:
        return found
    # A token's budget cannot be shared between processes, so its accounts are not either.
    first_of_token: dict[object, str] = {}
    for account in found:
        first_of_token.setdefault(account.token, account.name)
    firsts = shard_of(first_of_token.values(), *parse_shard(shard))
    return [account for account in found if first_of_token[account.token] in firsts]


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
