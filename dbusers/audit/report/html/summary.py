"""The figures of the page, from one pass over the databases and one over the findings.

Memory grows with engines, accounts and the few users that are shown, not with the fleet.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

import attrs

from dbusers.audit.findings import Finding, Severity, Verdict
from dbusers.audit.records import DatabaseRecord
from dbusers.audit.report.model import Report

RISKIEST: Final = 15  # users
Column = Severity | Verdict  # the severity of what failed; UNKNOWN; ERROR


@attrs.define
class EngineFigures:
    """What is known of the databases of one engine."""

    databases: int = 0
    read: int = 0
    skipped: int = 0
    found: Counter[Column] = attrs.field(factory=Counter)

    @property
    def in_words(self) -> str:
        """Return how much of the engine the figures are about."""
        skipped = f", {self.skipped:,} skipped" if self.skipped else ""
        return f"{self.read:,} of {self.databases:,}{skipped}"

    @property
    def all_missing(self) -> bool:
        """Tell whether nothing is known of any of its databases."""
        return not self.read and self.databases > self.skipped


@attrs.frozen
class RiskyUser:
    """A user of a database, with what failed."""

    database: DatabaseRecord
    name: str
    failed: Counter[Severity]
    checks: tuple[str, ...]

    @property
    def risk(self) -> tuple[int, ...]:
        """Return what users are ordered by: one critical finding outweighs any number of others."""
        return tuple(self.failed[severity] for severity in reversed(Severity))


@attrs.define
class Summary:
    """What was found by engine, by account and by user; accepted findings are not among it."""

    engines: dict[str, EngineFigures] = attrs.field(factory=dict)
    accounts: dict[str, Counter[Severity]] = attrs.field(factory=dict)
    riskiest: list[RiskyUser] = attrs.field(factory=list)

    def add(self, database: DatabaseRecord, findings: Iterable[Finding]) -> None:
        """Count what was found in one database."""
        users: dict[str, list[Finding]] = {}
        engine = self.engines.setdefault(engine_of(database), EngineFigures())
        account = self.accounts.setdefault(account_of(database), Counter())
        for finding in findings:
            if finding.suppressed is not None:
                continue
            failed = finding.verdict is Verdict.FAIL
            column = finding.severity if failed else finding.verdict
            engine.found[column] += 1
            if failed:
                account[finding.severity] += 1
                if finding.user is not None:
                    users.setdefault(finding.user, []).append(finding)
        risky = (_risky(database, name, failed_of) for name, failed_of in users.items())
        self.riskiest = heapq.nlargest(
            RISKIEST, [*self.riskiest, *risky], key=lambda user: user.risk
        )


def summary_of(report: Report) -> Summary:
    """Return the figures of a report."""
    summary = Summary()
    for row in report.databases():
        engine = summary.engines.setdefault(engine_of(row.database), EngineFigures())
        engine.databases += 1
        engine.read += row.users is not None
        engine.skipped += row.skipped is not None
    for database, findings in by_database(report):
        summary.add(database, findings)
    return summary


def by_database(report: Report) -> Iterator[tuple[DatabaseRecord, list[Finding]]]:
    """Yield the findings of each database; they follow one another in a report."""
    for _, group in groupby(report.shown(), key=_place):
        findings = list(group)
        yield findings[0].database, findings


def engine_of(database: DatabaseRecord) -> str:
    """Return what the page calls the engine."""
    return database.engine or "no engine"


def account_of(database: DatabaseRecord) -> str:
    """Return what the page calls the account; findings about the policy itself have none."""
    return database.account or "no account"


def _place(finding: Finding) -> tuple[str, str, str]:
    database = finding.database
    return database.account, database.provider, database.id


def _risky(database: DatabaseRecord, name: str, findings: list[Finding]) -> RiskyUser:
    return RiskyUser(
        database,
        name,
        Counter(finding.severity for finding in findings),
        tuple(sorted({finding.check.id for finding in findings})),
    )
