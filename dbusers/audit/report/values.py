"""The parts of a report as plain JSON values, for the formats that programs read."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dbusers.audit.encoding.records import database_to_json, user_to_json
from dbusers.audit.findings import Check, Finding, Severity
from dbusers.audit.report.coverage import Missing
from dbusers.audit.report.model import AccountCoverage, DatabaseRow, PastRun, Report
from dbusers.audit.report.remedy import call_for, command_for

Value = dict[str, Any]
ENCODER: Final = json.JSONEncoder(separators=(",", ":"))


def encoded(value: Any) -> str:
    """Return JSON on one line in ASCII: what does not print is escaped, and reads back the same."""
    return ENCODER.encode(value)


def run_value(report: Report) -> Value:
    """Return what tells this run from others: the only part that two runs never share."""
    return {
        "run": report.run_id,
        "started": report.started.isoformat(),
        "finished": report.finished.isoformat() if report.finished else None,
        "source": report.source,
        "shard": report.shard,
        "filtered": report.filtered,
        "version": report.version,
        "pace": [pace_value(account) for account in report.accounts],
    }


def pace_value(account: AccountCoverage) -> Value:
    """Return the requests and the time that an account was planned to take, and took."""
    return {
        "account": account.account,
        "provider": account.provider,
        "planned_requests": account.planned,
        "requests": account.requests,
        "floor_seconds": None if account.floor is None else round(account.floor, 1),
        "seconds": None if account.requests is None else round(account.seconds, 1),
    }


def check_value(check: Check) -> Value:
    """Return what a check is about."""
    return {
        "id": check.id,
        "title": check.title,
        "severity": severity_name(check.severity),
        "engines": sorted(check.engines),
        "rationale": check.rationale,
        "remedy": check.remedy,
        "source": check.source,
    }


def account_value(account: AccountCoverage) -> Value:
    """Return how much of an account was read."""
    # Not what it took: a run that was resumed took more, and has the same result all the same.
    return {
        "account": account.account,
        "provider": account.provider,
        "databases": account.databases,
        "read": account.read,
        "failed": account.failed,
        "skipped": account.skipped,
        "not_reached": account.not_reached,
        "users": account.users,
        "error": account.error,
    }


def database_value(row: DatabaseRow) -> Value:
    """Return a database with its outcome ("read", "failed", "skipped", "not reached") and users."""
    return {
        "outcome": _outcome(row),
        "database": database_to_json(row.database),
        "users": None if row.users is None else [user_to_json(user) for user in row.users],
        "error": row.error,
        "error_type": row.error_type,
        "retryable": row.retryable,
        "skipped": row.skipped,
        "partial": row.partial,
    }


def missing_value(one: Missing) -> Value:
    """Return what was not read."""
    return {
        "account": one.account,
        "provider": one.provider,
        "database_id": one.database.id if one.database else None,
        "database": one.database.name if one.database else None,
        "error": one.error,
        "error_type": one.error_type,
        "retryable": one.retryable,
    }


def finding_value(finding: Finding) -> Value:
    """Return a finding; `severity` is the effective one, `suppressed` why it is accepted."""
    database, anchor = finding.database, finding.anchor
    return {
        "check": finding.check.id,
        "verdict": finding.verdict.value,
        "severity": severity_name(finding.severity),
        "account": database.account,
        "provider": database.provider,
        "database_id": database.id,
        "database": database.name,
        "user": finding.user,
        "detail": finding.detail,
        "suppressed": finding.suppressed,
        "policy": {"file": anchor.file, "line": anchor.line} if anchor else None,
        "call": call_for(finding),
        "command": command_for(finding),
        "fingerprint": finding.fingerprint,
    }


def summary_value(report: Report) -> Value:
    """Return the figures, and how the command ends."""
    tally = report.tally
    return {
        "complete": report.complete,
        "exit_code": int(report.exit_code),
        "fail_on": severity_name(report.fail_on),
        "allow_incomplete": report.allow_incomplete,
        "databases": report.total.databases,
        "read": report.total.read,
        "failed": report.total.failed,
        "skipped": report.total.skipped,
        "users": report.total.users,
        "findings": {severity_name(severity): n for severity, n in tally.failed.items()},
        "unknown": tally.unknown,
        "not_judged": tally.errors,
        "suppressed": tally.suppressed,
        "checks": _counts(report),
        "history": [_past_run(run) for run in report.history],
    }


def severity_name(severity: Severity) -> str:
    """Return a severity as it is written everywhere: "high"."""
    return severity.name.lower()


def _outcome(row: DatabaseRow) -> str:
    if row.users is not None:
        return "read"
    if row.error is not None:
        return "failed"
    return "not reached" if row.skipped is None else "skipped"


def _counts(report: Report) -> Mapping[str, Mapping[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for (check, verdict), count in sorted(report.counts.items()):
        counts.setdefault(check, {})[verdict.value] = count
    return counts


def _past_run(run: PastRun) -> Value:
    return {
        "run": run.id,
        "started": run.started.isoformat(),
        "databases": run.databases,
        "not_read": run.not_read,
        "findings": {severity_name(s): n for s, n in sorted(run.by_severity.items(), reverse=True)},
        "drift": run.drift,
    }


def sections(report: Report) -> Iterator[tuple[str, Iterator[Value]]]:
    """Yield the lists of a report in their order, each as it is asked for."""
    yield "check", (check_value(check) for check in report.checks)
    yield "account", (account_value(account) for account in report.accounts)
    yield "database", (database_value(row) for row in report.databases())
    yield "finding", (finding_value(finding) for finding in report.findings())
