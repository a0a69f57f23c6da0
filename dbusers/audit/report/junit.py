"""JUnit XML, for the test view of a CI system.

One suite is one database, and in it one test each check that fits it, so that a database keeps its
history from run to run. A finding at or above `fail_on` fails, like the command; one below it, or
accepted by the policy, is noted and passes. UNKNOWN is a skipped test, what was not read an error.
"""

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import Final, TextIO

from dbusers.audit.findings import Finding, Verdict
from dbusers.audit.records import DatabaseRecord
from dbusers.audit.report.coverage import headline, missing
from dbusers.audit.report.model import DatabaseRow, Report
from dbusers.audit.report.text import visible
from dbusers.audit.report.values import severity_name

PASSED: Final = ""
Key = tuple[str, str, str]


def write(report: Report, out: TextIO) -> None:
    """Write the report as JUnit XML; raises `ValueError` where findings are not in order."""
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="dbusers audit">\n')
    out.write(_coverage(report))
    for database, row, findings in _by_database(report):
        out.write(_database(report, database, row, findings))
    out.write("</testsuites>\n")


def _by_database(
    report: Report,
) -> Iterator[tuple[DatabaseRecord, DatabaseRow | None, list[Finding]]]:
    """Yield each database with its findings, and those of the policy itself without a row."""
    rows, groups = report.databases(), groupby(report.shown(), _finding_key)
    row, group = next(rows, None), next(groups, None)
    last: Key = ("", "", "")
    while row or group:
        row_key = _key(row.database) if row else None
        # A database whose findings came too late would be shown as one that has none.
        key = min(each for each in (row_key, group[0] if group else None) if each)
        if key < last:
            raise ValueError("databases or findings are not in the order of account, provider, id")
        last, current, found = key, None, list[Finding]()
        if row and row_key == key:
            current, row = row, next(rows, None)
        if group and group[0] == key:
            found = list(group[1])
            group = next(groups, None)
        yield (current.database if current else found[0].database), current, found


def _coverage(report: Report) -> str:
    cases = [
        _case("coverage", one.sentence, _element("error", one.error, one.error_type))
        for one in missing(report)
    ]
    if not report.complete and not cases:
        cases = [_case("coverage", "complete", _element("error", headline(report), "Incomplete"))]
    return _suite("coverage", cases or [_case("coverage", headline(report), PASSED)])


def _database(
    report: Report, database: DatabaseRecord, row: DatabaseRow | None, findings: list[Finding]
) -> str:
    name = (
        f"{database.account}/{database.name} ({database.id})" if database.account else database.name
    )
    cases = [] if row is None else [_case(name, "read", _reading(row))]
    by_check: dict[str, list[Finding]] = {}
    for finding in findings:
        by_check.setdefault(finding.check.id, []).append(finding)
    checks = {finding.check.id: finding.check for finding in findings}
    if row and row.users is not None:
        checks |= {check.id: check for check in report.checks if check.fits(database)}
    for id_ in sorted(checks):
        title = f"{id_} {checks[id_].title}"
        cases.append(_case(name, title, _result(report, by_check.get(id_, []))))
    return _suite(name, cases)


def _reading(row: DatabaseRow) -> str:
    if row.users is not None:
        return PASSED
    if row.skipped is not None:
        return _element("skipped", row.skipped)
    if row.error is not None:
        return _element("error", row.error, row.error_type or "")
    return _element("error", "not reached: the run ended before", "NotReached")


def _result(report: Report, findings: list[Finding]) -> str:
    """Return the worst that a check says of one database, with all that it says of users."""
    open_ones = [finding for finding in findings if finding.suppressed is None]
    errors = [finding for finding in open_ones if finding.verdict is Verdict.ERROR]
    failed = [finding for finding in open_ones if finding.verdict is Verdict.FAIL]
    worst = max((finding.severity for finding in failed), default=None)
    if errors:
        return _element("error", _texts(errors), "NotJudged")
    if worst is not None and worst >= report.fail_on:
        return _element("failure", _texts(failed), severity_name(worst))
    if any(finding.verdict is Verdict.UNKNOWN for finding in open_ones):
        return _element("skipped", _texts(open_ones))
    return f"<system-out>{_text(_texts(findings))}</system-out>" if findings else PASSED


def _texts(findings: list[Finding]) -> str:
    return "; ".join(_said(finding) for finding in findings)


def _said(finding: Finding) -> str:
    parts = [finding.verdict.value, severity_name(finding.severity)]
    if finding.user is not None:
        parts.append(f"user {visible(finding.user)}")
    if finding.detail:
        parts.append(finding.detail)
    if finding.suppressed is not None:
        parts.append(f"accepted: {finding.suppressed}")
    return " ".join(parts)


def _suite(name: str, cases: list[str]) -> str:
    counts = "".join(
        f' {attribute}="{sum(f"<{tag} " in case for case in cases)}"'
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    )
    body = "".join(cases)
    return f'<testsuite name="{_text(name)}" tests="{len(cases)}"{counts}>\n{body}</testsuite>\n'


def _case(suite: str, name: str, result: str) -> str:
    start = f'<testcase classname="{_text(suite)}" name="{_text(name)}"'
    return f"{start}>{result}</testcase>\n" if result else f"{start}/>\n"


def _element(tag: str, message: str, kind: str = "") -> str:
    kind_attribute = f' type="{_text(kind)}"' if kind else ""
    return f'<{tag} message="{_text(message)}"{kind_attribute}/>'


def _text(text: str) -> str:
    # Control characters have no place in XML, not even as references: they become escapes.
    return escape(visible(text))


def _key(database: DatabaseRecord) -> Key:
    # What is about no account (the policy itself) is one suite, in whatever order.
    return database.account, database.provider, database.id if database.account else ""


def _finding_key(finding: Finding) -> Key:
    return _key(finding.database)
