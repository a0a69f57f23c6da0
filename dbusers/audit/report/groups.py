"""Findings as a person reads them: by check, the worst first, each with its first few examples.

Only the examples are kept, so that fifty thousand findings of one check take no more than a few.
"""

from enum import IntEnum

import attrs

from dbusers.audit.findings import Check, Finding, Severity, Verdict
from dbusers.audit.report.model import Report


class Kind(IntEnum):
    """What is to be done about a finding; in the order in which they are shown."""

    FAILED = 0
    NOT_JUDGED = 1
    UNKNOWN = 2
    ACCEPTED = 3


@attrs.define
class Group:
    """The findings of one check that are of one kind and severity."""

    kind: Kind
    severity: Severity
    check: Check
    total: int = 0
    examples: list[Finding] = attrs.field(factory=list)

    @property
    def more(self) -> int:
        """Return how many findings are not among the examples."""
        return self.total - len(self.examples)


def grouped(report: Report, at_most: int) -> list[Group]:
    """Return all findings in groups, with `at_most` examples each; goes through them once."""
    groups: dict[tuple[Kind, int, str], Group] = {}
    for finding in report.shown():
        kind, check = _kind(finding), finding.check
        # Only what failed has a severity that matters: the rest is one group for each check.
        severity = finding.severity if kind is Kind.FAILED else check.severity
        key = (kind, -severity, check.id)
        group = groups.setdefault(key, Group(kind, severity, check))
        group.total += 1
        if len(group.examples) < at_most:
            group.examples.append(finding)
    return [groups[key] for key in sorted(groups)]


def _kind(finding: Finding) -> Kind:
    if finding.suppressed is not None:
        return Kind.ACCEPTED
    match finding.verdict:
        case Verdict.FAIL:
            return Kind.FAILED
        case Verdict.ERROR:
            return Kind.NOT_JUDGED
        case _:
            return Kind.UNKNOWN
