"""The data of the table: JSON of what `page.js` shows, in which no name can end the script element.

Names are made visible here, as everywhere on the page, so that what is filtered by is what is seen.
"""

from collections.abc import Iterator
from typing import Final

from dbusers.audit.findings import Finding, Verdict
from dbusers.audit.records import DatabaseRecord
from dbusers.audit.report.html.summary import account_of, by_database, engine_of
from dbusers.audit.report.model import Report
from dbusers.audit.report.remedy import call_for, command_for
from dbusers.audit.report.text import shown
from dbusers.audit.report.values import encoded, severity_name

# JSON in ASCII has these only within strings, where an escape means the same.
ESCAPES: Final = str.maketrans({mark: f"\\u{ord(mark):04x}" for mark in "<>&"})
KINDS: Final = {Verdict.FAIL: "failed", Verdict.ERROR: "not judged"}
LONGEST_DETAIL: Final = 400  # characters


def check_rows(report: Report) -> Iterator[str]:
    """Yield each check as an object."""
    for check in report.checks:
        yield _row(
            {
                "id": check.id,
                "title": check.title,
                "rationale": check.rationale,
                "remedy": check.remedy,
                "source": check.source,
            }
        )


def finding_rows(report: Report) -> Iterator[str]:
    """Yield each database with findings as an object, and after it its findings as lists."""
    for database, findings in by_database(report):
        yield _row(_database(database))
        for finding in findings:
            yield _row(_finding(finding))


def _database(database: DatabaseRecord) -> dict[str, str]:
    facts = {
        "name": database.name,
        "id": database.id,
        "account": account_of(database),
        "engine": engine_of(database),
        "provider": database.provider,
        "version": database.version or "",
        "region": database.region or "",
    }
    return {key: shown(value) for key, value in facts.items()}


def _finding(finding: Finding) -> list[str | None]:
    """Return a finding in the order in which `page.js` takes it apart."""
    accepted, anchor = finding.suppressed, finding.anchor
    failed = finding.verdict is Verdict.FAIL
    return [
        finding.check.id,
        "accepted" if accepted is not None else KINDS.get(finding.verdict, "unknown"),
        severity_name(finding.severity) if failed else "",
        None if finding.user is None else shown(finding.user),
        shown(finding.detail, LONGEST_DETAIL),
        None if accepted is None else shown(accepted, LONGEST_DETAIL),
        None if anchor is None else shown(f"{anchor.file}:{anchor.line}"),
        call_for(finding),
        command_for(finding),
    ]


def _row(value: object) -> str:
    return encoded(value).translate(ESCAPES)
