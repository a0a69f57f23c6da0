"""Makes a `Report` of a run in the store: judges what was read, as often as anyone likes.

Nothing is fetched. Judging goes through the store one database at a time, so memory does not grow
with the fleet: `Report.findings` judges anew at each call, unless there are few enough to keep.
What is just being read need not be taken from the store again: a `Tally` takes it on the way.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

import attrs

from dbusers.audit.findings import FAIL, Check, Facts, Finding, Severity, Suppression
from dbusers.audit.judging import SHOWN, Counts, fitting, judge, wanting
from dbusers.audit.policy import POLICY_CHECKS, Policy
from dbusers.audit.records import DatabaseRecord
from dbusers.audit.report.model import NotReadDatabase, PastRun, Report
from dbusers.audit.store import Run, Store
from dbusers.audit.store.rows import NOT_REACHED

DRIFT: Final = "DR001"
# So many findings are kept for the formats; they take some 10 MB. More are judged anew each time.
KEPT: Final = 20_000


@attrs.frozen
class Judging:
    """How a run is judged: by which policy and checks, and what of it decides the exit code."""

    policy: Policy
    checks: tuple[Check, ...]
    fail_on: Severity = Severity.LOW
    allow_incomplete: float = 0.0


@attrs.define
class Tally:
    """What is found in a run, of which it takes each database once, in any order."""

    judging: Judging
    counts: Counts = attrs.field(factory=Counter)
    by_severity: Counter[Severity] = attrs.field(factory=Counter)
    drift: int = 0
    used: set[Suppression] = attrs.field(factory=set)
    kept: list[list[Finding]] | None = attrs.field(factory=list)
    """The findings of each database that has some; None if they are too many."""
    _kept_count: int = 0
    _fitting: dict[str | None, tuple[Check, ...]] = attrs.field(factory=dict)

    def take(self, facts: Facts) -> None:
        """Judge a database."""
        checks = self._fitting.get(facts.database.engine)
        if checks is None:
            checks = tuple(fitting(self.judging.checks, facts))
            self._fitting[facts.database.engine] = checks
        found = list(wanting(facts, checks, self.counts, self.used))
        for finding in found:
            if finding.verdict is FAIL and finding.suppressed is None:
                self.by_severity[finding.severity] += 1
                self.drift += finding.check.id == DRIFT
        if found and self.kept is not None:
            self.kept.append(found)
            self._kept_count += len(found)
            if self._kept_count > KEPT:
                self.kept = None

    def add(self, finding: Finding) -> None:
        """Count a finding that is of no database."""
        self.counts[finding.check.id, finding.verdict] += 1
        if finding.verdict is FAIL and finding.suppressed is None:
            self.by_severity[finding.severity] += 1

    def in_order(self) -> Iterable[Finding] | None:
        """Return the findings in order of account, provider and database, if they were kept."""
        if self.kept is None:
            return None
        self.kept.sort(key=lambda found: _place(found[0].database))
        return tuple(chain.from_iterable(self.kept))


def report_of(
    store: Store,
    run: Run,
    judging: Judging,
    *,
    tally: Tally | None = None,
    interrupted: bool = False,
    remember: bool = False,
) -> Report:
    """Return the report of a run, judged by its own time.

    `tally`: has taken every database of the run already. `interrupted`: its user stopped it.
    `remember`: its figures are kept for the history of later runs. Raises `ConfigurationError` if
    the store cannot be read.
    """
    if tally is None:
        tally = Tally(judging)
        for facts in store.facts(run, judging.policy.of, run.started):
            tally.take(facts)
    kept = tally.in_order()
    of_policy = tuple(_of_policy(store, run, judging, tally.used))
    for finding in of_policy:
        tally.add(finding)
    if remember:
        store.judged(run, tally.by_severity, tally.drift)

    def findings() -> Iterator[Finding]:
        return chain(of_policy, _shown(store, run, judging) if kept is None else kept)

    return Report(
        run_id=run.id,
        started=run.started,
        finished=run.finished,
        source=run.source,
        version=run.version,
        shard=run.shard,
        filtered=run.filtered,
        accounts=store.coverage(run),
        findings=findings,
        counts=dict(sorted(tally.counts.items())),
        databases=lambda: store.databases(run),
        not_read=_not_read(store, run),
        checks=(*judging.checks, *POLICY_CHECKS),
        history=tuple(_history(store, run, tally)),
        fail_on=judging.fail_on,
        allow_incomplete=judging.allow_incomplete,
        interrupted=interrupted,
    )


def _shown(store: Store, run: Run, judging: Judging) -> Iterator[Finding]:
    for facts in store.facts(run, judging.policy.of, run.started):
        for finding in judge(facts, judging.checks):
            if finding.verdict in SHOWN:
                yield finding


def _of_policy(
    store: Store, run: Run, judging: Judging, used: set[Suppression]
) -> Iterable[Finding]:
    """Return what in the policy serves no longer; its records sort before those of accounts."""
    if judging.policy == Policy():
        return ()  # and no pass over the run
    return judging.policy.unused(
        run.started,
        databases=(row.database for row in store.databases(run)),
        used=used,
        # Only who was to read everything can tell that nothing needs a line of the policy.
        complete=run.complete and not run.filtered and run.shard is None,
    )


def _not_read(store: Store, run: Run) -> tuple[NotReadDatabase, ...]:
    failed = (
        NotReadDatabase(row.database, row.error or "", row.error_type or "", row.retryable)
        for row in store.databases(run, failed=True)
    )
    pending = (
        NotReadDatabase(database, NOT_REACHED, "NotReached", retryable=True)
        for database in store.pending(run)
    )
    return tuple(heapq.merge(failed, pending, key=lambda each: _place(each.database)))


def _place(database: DatabaseRecord) -> tuple[str, str, str]:
    return database.account, database.provider, database.id


def _history(store: Store, run: Run, tally: Tally) -> Iterator[PastRun]:
    for past in store.history(run):
        if past.id == run.id:
            yield attrs.evolve(past, by_severity=dict(tally.by_severity), drift=tally.drift)
        else:
            yield past
