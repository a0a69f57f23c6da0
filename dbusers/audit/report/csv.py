"""Findings as CSV, for a spreadsheet: first what was not read, then one finding on each row.

A spreadsheet runs a cell that begins like a formula, quoted or not; such cells get an apostrophe
in front. Source: OWASP, "CSV Injection".
"""

import csv
from collections.abc import Iterator
from typing import Final, TextIO

from dbusers.audit.findings import Finding, Verdict
from dbusers.audit.report.coverage import Missing, missing
from dbusers.audit.report.model import Report
from dbusers.audit.report.remedy import command_for
from dbusers.audit.report.text import visible
from dbusers.audit.report.values import severity_name

COLUMNS: Final = (
    "verdict",
    "severity",
    "check",
    "title",
    "account",
    "provider",
    "database_id",
    "database",
    "engine",
    "user",
    "detail",
    "accepted",
    "policy",
    "remedy",
    "command",
    "fingerprint",
)
# With their full-width forms, which spreadsheets in East Asian locales take for the same.
FORMULA_STARTS: Final = frozenset("=+-@|%\uff1d\uff0b\uff0d\uff20")


def write(report: Report, out: TextIO) -> None:
    """Write the findings as CSV (RFC 4180), every cell quoted."""
    rows = csv.writer(out, quoting=csv.QUOTE_ALL)
    rows.writerow(COLUMNS)
    for row in _rows(report):
        rows.writerow([cell(row.get(column, "")) for column in COLUMNS])


def cell(text: str) -> str:
    """Return `text` such that a spreadsheet shows it and does not run it."""
    made = visible(text)
    return f"'{made}" if made.lstrip()[:1] in FORMULA_STARTS else made


def _rows(report: Report) -> Iterator[dict[str, str]]:
    for one in missing(report):
        yield _missing_row(one)
    for finding in report.shown():
        yield _finding_row(finding)


def _missing_row(one: Missing) -> dict[str, str]:
    database = one.database
    return {
        "verdict": Verdict.ERROR.value,
        "title": "Not read",
        "account": one.account,
        "provider": one.provider,
        "database_id": database.id if database else "",
        "database": database.name if database else "",
        "engine": str(database.engine or "") if database else "",
        "detail": one.error,
    }


def _finding_row(finding: Finding) -> dict[str, str]:
    check, database, anchor = finding.check, finding.database, finding.anchor
    return {
        "verdict": finding.verdict.value,
        "severity": severity_name(finding.severity),
        "check": check.id,
        "title": check.title,
        "account": database.account,
        "provider": database.provider,
        "database_id": database.id,
        "database": database.name,
        "engine": str(database.engine or ""),
        "user": finding.user or "",
        "detail": finding.detail,
        "accepted": finding.suppressed or "",
        "policy": f"{anchor.file}:{anchor.line}" if anchor else "",
        "remedy": check.remedy,
        "command": command_for(finding),
        "fingerprint": finding.fingerprint,
    }
