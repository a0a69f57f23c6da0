"""OCSF 1.5.0 Compliance Findings (class 2003), one event on each line.

Lines rather than an array: collectors read events line by line, and a stream that is cut off still
has all events but the last. The first is about the coverage: it fails if anything was not read; one
event for each thing that was not read follows, and then one for each finding. Profile: cloud.

A verdict is `compliance.status_id`: FAIL is 3, UNKNOWN 0, ERROR (not read, or not judged) 99 with
the status "Error". An accepted finding has the event's `status_id` 3, "Suppressed".
Source: OCSF schema 1.5.0, class compliance_finding.
"""

import hashlib
from collections.abc import Iterator
from typing import Final, TextIO

from dbusers.audit.findings import Check, Finding, Severity, Verdict
from dbusers.audit.records import DatabaseRecord
from dbusers.audit.report.coverage import Missing, headline, missing
from dbusers.audit.report.model import Report
from dbusers.audit.report.remedy import call_for, command_for
from dbusers.audit.report.values import Value, encoded, pace_value

VERSION: Final = "1.5.0"
SEVERITIES: Final = {
    Severity.LOW: (2, "Low"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.HIGH: (4, "High"),
    Severity.CRITICAL: (5, "Critical"),
}
UNKNOWN_SEVERITY: Final = (0, "Unknown")  # nothing is known, so not how bad it is either
INFORMATIONAL: Final = (1, "Informational")
STATUSES: Final = {
    Verdict.PASS: (1, "Pass"),
    Verdict.FAIL: (3, "Fail"),
    Verdict.UNKNOWN: (0, "Unknown"),
    Verdict.ERROR: (99, "Error"),
}
STANDARD: Final = "dbusers"


def write(report: Report, out: TextIO) -> None:
    """Write the report as OCSF events in JSON Lines."""
    for event in _events(report):
        out.write(encoded(event) + "\n")


def _events(report: Report) -> Iterator[Value]:
    yield _coverage(report)
    for one in missing(report):
        yield _missing(report, one)
    for finding in report.shown():
        yield _finding(report, finding)


def _coverage(report: Report) -> Value:
    verdict = Verdict.PASS if report.complete else Verdict.FAIL
    return _event(
        report,
        severity=INFORMATIONAL if report.complete else SEVERITIES[Severity.HIGH],
        message=headline(report),
        cloud={"provider": ", ".join(sorted({each.provider for each in report.accounts})) or "-"},
        compliance=_compliance(verdict, "coverage", headline(report)),
        finding_info={"uid": _uid("coverage"), "title": "Every database was read"},
        unmapped={"pace": [pace_value(account) for account in report.accounts]},
    )


def _missing(report: Report, one: Missing) -> Value:
    database = one.database
    key = (one.account, one.provider, database.id if database else "")
    return _event(
        report,
        severity=UNKNOWN_SEVERITY,
        message=f"Not read: {one.sentence}",
        cloud=_cloud(one.provider, one.account, database),
        compliance=_compliance(Verdict.ERROR, "coverage", one.error),
        finding_info={"uid": _uid("coverage", *key), "title": "Not read"},
        resources=[_database(database)] if database else None,
    )


def _finding(report: Report, finding: Finding) -> Value:
    check, database = finding.check, finding.database
    failed = finding.verdict is Verdict.FAIL
    resources = [_database(database)]
    if finding.user is not None:
        resources.append(_user(database, finding.user))
    event = _event(
        report,
        severity=SEVERITIES[finding.severity] if failed else UNKNOWN_SEVERITY,
        message=f"{check.id} {check.title}",
        cloud=_cloud(database.provider, database.account, database),
        compliance=_compliance(finding.verdict, check.id, finding.detail)
        | {"checks": [_check(check, finding.verdict)]},
        finding_info={
            "uid": finding.fingerprint,
            "title": check.title,
            "desc": check.rationale,
            "types": ["Managed database user"],
        },
        resources=resources,
        remediation=_remediation(finding),
    )
    if finding.suppressed is not None:
        event |= {"status_id": 3, "status": "Suppressed", "comment": finding.suppressed}
    if finding.anchor is not None:
        event["unmapped"] = {"policy": {"file": finding.anchor.file, "line": finding.anchor.line}}
    return event


def _event(report: Report, *, severity: tuple[int, str], **parts: object) -> Value:
    event = {
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2003,
        "class_name": "Compliance Finding",
        "type_uid": 200301,
        "type_name": "Compliance Finding: Create",
        "time": int((report.finished or report.started).timestamp() * 1000),
        "severity_id": severity[0],
        "severity": severity[1],
        "status_id": 1,
        "status": "New",
        "metadata": {
            "version": VERSION,
            "product": {"name": "dbusers", "vendor_name": "dbusers", "version": report.version},
            "profiles": ["cloud"],
            "correlation_uid": report.run_id,
        },
    }
    return event | {key: part for key, part in parts.items() if part is not None}


def _compliance(verdict: Verdict, control: str, detail: str) -> Value:
    id_, status = STATUSES[verdict]
    compliance: Value = {
        "standards": [STANDARD],
        "control": control,
        "status_id": id_,
        "status": status,
    }
    return compliance | ({"status_detail": detail} if detail else {})


def _check(check: Check, verdict: Verdict) -> Value:
    id_, status = STATUSES[verdict]
    severity_id, severity = SEVERITIES[check.severity]
    return {
        "uid": check.id,
        "name": check.title,
        "desc": check.rationale,
        "standards": [STANDARD],
        "severity_id": severity_id,
        "severity": severity,
        "status_id": id_,
        "status": status,
    }


def _remediation(finding: Finding) -> Value:
    ways = [finding.check.remedy, call_for(finding), command_for(finding)]
    remediation: Value = {"desc": "\n".join(way for way in ways if way) or "-"}
    return remediation | ({"references": [finding.check.source]} if finding.check.source else {})


def _cloud(provider: str, account: str, database: DatabaseRecord | None) -> Value:
    cloud: Value = {"provider": provider, "account": {"name": account}}
    if database is not None and database.region is not None:
        cloud["region"] = database.region
    return cloud


def _database(database: DatabaseRecord) -> Value:
    resource: Value = {
        "type": f"{database.engine} database" if database.engine else "database",
        "uid": database.id,
        "name": database.name,
    }
    if database.version is not None:
        resource["version"] = database.version
    if database.region is not None:
        resource["region"] = database.region
    if database.tags:
        resource["labels"] = sorted(database.tags)
    return resource


def _user(database: DatabaseRecord, user: str) -> Value:
    return {"type": "database user", "uid": f"{database.id}/{user}", "name": user}


def _uid(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
