"""SARIF 2.1.0, one run, as GitHub's code scanning takes it.

Each result is anchored to the line of the policy that governs it, since code scanning shows nothing
that has no place in the repository; without a policy, to the first line of where one would stand.
The database and the user are logical locations.

Results are what failed, those accepted by the policy included, as suppressed. Code scanning shows
every result as an alert, whatever its `kind`; what is UNKNOWN or was not read is therefore a
notification of the invocation, and none of it is lost. Sources: SARIF 2.1.0 (OASIS); GitHub Docs,
"SARIF support for code scanning".
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import PurePath
from typing import Any, Final, TextIO
from urllib.parse import quote

from dbusers.audit.findings import Anchor, Check, Finding, Severity, Verdict
from dbusers.audit.records import DatabaseRecord
from dbusers.audit.report.coverage import Missing, headline, missing
from dbusers.audit.report.model import Report
from dbusers.audit.report.remedy import call_for, command_for
from dbusers.audit.report.text import visible
from dbusers.audit.report.values import Value, encoded, pace_value, severity_name

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS: Final = 25_000  # of one run; a file with more is refused: GitHub Docs, "Limits"
NO_POLICY: Final = Anchor("dbusers-policy.toml", 1)
LEVELS: Final = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
}
# Above 9.0 is critical, from 7.0 high, from 4.0 medium: GitHub Docs, "security-severity".
SCORES: Final = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.5",
}
NOTIFICATIONS: Final = {
    "not-read": "An account or a database was not read: nothing is known of its users.",
    "unknown": "The answers did not have what a check asks for.",
    "not-judged": "A check failed on a database: what it would have said is not known.",
    "left-out": "The least severe results are not in this file, as there are too many.",
}
PLACEHOLDER: Final = re.compile(r"\{(\d+)\}")


def write(report: Report, out: TextIO) -> None:
    """Write the report as SARIF; at most the worst 25,000 results, and a word if there are more."""
    failed = sum(report.tally.failed.values()) + report.tally.suppressed
    run = {
        "tool": {"driver": _driver(report)},
        "automationDetails": {"id": "dbusers-audit/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report, left_out=max(0, failed - MOST_RESULTS))],
        "properties": {"run": report.run_id, "source": report.source},
    }
    start = encoded({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})
    out.write(start.removesuffix("}]}") + ',"results":[')
    for number, finding in enumerate(_results(report, failed)):
        out.write(f"{',' if number else ''}\n{encoded(_result(finding))}")
    out.write("]}]}\n")


def text(made_of: str) -> Value:
    """Return a message that says just this: no link or placeholder of SARIF's is in it."""
    made = PLACEHOLDER.sub(r"{{\1}}", visible(made_of))
    if "](" in made:
        made = made.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return {"text": made or "-"}


def _results(report: Report, failed: int) -> Iterator[Finding]:
    if failed <= MOST_RESULTS:
        yield from (finding for finding in report.shown() if _is_result(finding))
        return
    left = MOST_RESULTS
    for severity in reversed(Severity):
        for finding in report.shown():
            if _is_result(finding) and finding.severity is severity:
                if not left:
                    return
                left -= 1
                yield finding


def _is_result(finding: Finding) -> bool:
    return finding.suppressed is not None or finding.verdict is Verdict.FAIL


def _driver(report: Report) -> Value:
    return {
        "name": "dbusers",
        "version": report.version,
        "semanticVersion": report.version,
        "rules": [_rule(check) for check in report.checks],
        "notifications": [_descriptor(id_, about) for id_, about in NOTIFICATIONS.items()],
    }


def _descriptor(id_: str, about: str) -> Value:
    said = {"text": about}
    return {
        "id": id_,
        "name": _pascal(id_),
        "shortDescription": said,
        "fullDescription": said,
        "help": said,
    }


def _rule(check: Check) -> Value:
    rule: Value = {
        "id": check.id,
        "name": _pascal(check.title),
        "shortDescription": text(f"{check.title}."),
        "fullDescription": text(check.rationale),
        "help": {
            **text(f"{check.rationale} Remedy: {check.remedy} Source: {check.source}."),
            "markdown": "\n\n".join(
                (check.rationale, f"**Remedy:** {check.remedy}", f"Source: {check.source}")
            ),
        },
        "defaultConfiguration": {"level": LEVELS[check.severity]},
        "properties": {
            "tags": ["security", *sorted(check.engines)],
            "precision": "very-high",
            "security-severity": SCORES[check.severity],
        },
    }
    if check.source.startswith("https://"):
        rule["helpUri"] = check.source.split()[0]
    return rule


def _pascal(title: str) -> str:
    return "".join(word.capitalize() for word in re.findall(r"[A-Za-z0-9]+", title)) or "Check"


def _result(finding: Finding) -> Value:
    database, check = finding.database, finding.check
    where = f"database {database.name} of {database.account}" if database.account else database.name
    who = where if finding.user is None else f"user {finding.user}, {where}"
    detail = f": {finding.detail}" if finding.detail else ""
    result: Value = {
        "ruleId": check.id,
        "kind": "fail",
        "level": LEVELS[finding.severity],
        "message": text(f"{check.title}: {who}{detail}."),
        "locations": [
            {
                "physicalLocation": _physical(finding.anchor or NO_POLICY),
                "logicalLocations": _logical(database, finding.user),
            }
        ],
        # The first is what code scanning goes by: it knows no others.
        "partialFingerprints": {
            "primaryLocationLineHash": finding.fingerprint,
            "dbusers/v1": finding.fingerprint,
        },
        # Empty is "not suppressed"; without the field it would be unknown.
        "suppressions": _suppressions(finding),
        "properties": {
            "severity": severity_name(finding.severity),
            "security-severity": SCORES[finding.severity],
        },
    }
    remedies = {"call": call_for(finding), "command": command_for(finding)}
    result["properties"] |= {key: remedy for key, remedy in remedies.items() if remedy}
    return result


def _suppressions(finding: Finding) -> list[Value]:
    if finding.suppressed is None:
        return []
    return [
        {"kind": "external", "status": "accepted", "justification": visible(finding.suppressed)}
    ]


def _physical(anchor: Anchor) -> Value:
    return {
        "artifactLocation": {"uri": _uri(anchor.file)},
        "region": {"startLine": anchor.line},
    }


@cache
def _uri(file: str) -> str:
    path = PurePath(file)
    # A path of this machine means nothing in the repository: then the file's name has to do.
    outside = path.is_absolute() or ".." in path.parts
    return quote(path.name if outside else path.as_posix())


def _logical(database: DatabaseRecord, user: str | None) -> list[Value]:
    full_name = f"{database.provider}/{database.account}/{database.id}"
    locations: list[Value] = [
        {
            "name": visible(database.name),
            "fullyQualifiedName": visible(full_name),
            "kind": "database",
        }
    ]
    if user is not None:
        user_name = visible(f"{full_name}/{user}")
        locations.insert(
            0, {"name": visible(user), "fullyQualifiedName": user_name, "kind": "user"}
        )
    return locations


def _invocation(report: Report, *, left_out: int) -> Value:
    invocation: Value = {
        "executionSuccessful": report.complete,
        "exitCode": int(report.exit_code),
        "exitCodeDescription": headline(report),
        "startTimeUtc": _utc(report.started),
        "toolExecutionNotifications": list(_notifications(report, left_out)),
        "properties": {"pace": [pace_value(account) for account in report.accounts]},
    }
    if report.finished is not None:
        invocation["endTimeUtc"] = _utc(report.finished)
    return invocation


def _notifications(report: Report, left_out: int) -> Iterator[Value]:
    for one in missing(report):
        yield _not_read(one)
    if left_out:
        message = f"{left_out:,} more results, the least severe, are not in this file"
        yield _notification("left-out", "warning", message)
    for (check, verdict), count in sorted(report.counts.items()):
        if verdict is Verdict.UNKNOWN and count:
            message = f"{check}: unknown {count:,} times: the answers did not have what it asks for"
            yield _notification("unknown", "warning", message)
    for finding in report.shown():
        if finding.verdict is Verdict.ERROR and finding.suppressed is None:
            message = f"{finding.check.id} could not be judged: {finding.detail}"
            yield _notification("not-judged", "error", message) | {
                "locations": [{"logicalLocations": _logical(finding.database, finding.user)}]
            }


def _not_read(one: Missing) -> Value:
    note = _notification("not-read", "error", f"Not read: {one.sentence}")
    if one.database is not None:
        note["locations"] = [{"logicalLocations": _logical(one.database, None)}]
    return note


def _notification(id_: str, level: str, message: str) -> dict[str, Any]:
    return {"descriptor": {"id": id_}, "level": level, "message": text(message)}


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
