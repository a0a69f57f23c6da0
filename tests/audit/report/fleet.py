"""Reports to be written: a small fleet, one that was read in part, a hostile one, a large one."""

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs

from dbusers.audit.findings import Anchor, Check, Facts, Finding, Judgement, Severity, Verdict
from dbusers.audit.records import DatabaseRecord, Engine, UserRecord
from dbusers.audit.report import (
    AccountCoverage,
    DatabaseRow,
    NotReadDatabase,
    PastRun,
    Report,
    write,
)

STARTED: Final = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
FINISHED: Final = STARTED + timedelta(minutes=4)


def nothing(facts: Facts) -> Iterable[Judgement]:
    return ()


def a_check(id_: str, severity: Severity, *engines: Engine, **parts: str) -> Check:
    texts: dict[str, Any] = {
        "title": f"Title of {id_}",
        "rationale": f"Why {id_} matters.",
        "remedy": f"Put {id_} right.",
        "source": f"Documentation of {id_}",
        "call": "client.databases.by_id({database}).users.by_username({user}).delete()",
        "command": "dbusers users delete {database} {user}",
    }
    return Check(
        id=id_, severity=severity, engines=frozenset(engines), judge=nothing, **(texts | parts)
    )


MD5: Final = a_check(
    "PG001",
    Severity.HIGH,
    Engine.POSTGRESQL,
    title="Password kept as an MD5 hash",
    source="https://www.postgresql.org/docs/current/auth-password.html",
)
ADMIN: Final = a_check("KA001", Severity.CRITICAL, Engine.KAFKA, title="Admin on all topics")
READ_ONLY: Final = a_check("US003", Severity.LOW, title="No read-only user", call="", command="")
CHECKS: Final = (MD5, ADMIN, READ_ONLY)


def a_database(number: int = 1, **facts: Any) -> DatabaseRecord:
    known: dict[str, Any] = {
        "provider": "DigitalOcean",
        "account": "prod",
        "id": f"id-{number:06}",
        "name": f"orders-{number}",
        "engine": Engine.POSTGRESQL,
        "version": "16",
        "region": "fra1",
        "tags": frozenset({"web", "eu"}),
    }
    return DatabaseRecord(**(known | facts))


def a_finding(database: DatabaseRecord, check: Check = MD5, **parts: Any) -> Finding:
    known: dict[str, Any] = {
        "verdict": Verdict.FAIL,
        "severity": check.severity,
        "user": "app-01",
        "detail": "what was found",
    }
    return Finding(check=check, database=database, **(known | parts))


def a_report(
    rows: Sequence[DatabaseRow] = (), findings: Sequence[Finding] = (), **parts: Any
) -> Report:
    """Return the report of one account with these rows and findings."""
    failed = [row for row in rows if row.error is not None]
    account = AccountCoverage(
        account="prod",
        provider="DigitalOcean",
        databases=len(rows),
        read=sum(row.users is not None for row in rows),
        failed=len(failed),
        skipped=sum(row.skipped is not None for row in rows),
        users=sum(len(row.users or ()) for row in rows),
        requests=1 + len(rows),
    )
    known: dict[str, Any] = {
        "run_id": "run-0001",
        "started": STARTED,
        "finished": FINISHED,
        "source": "users",
        "version": "0.1.0",
        "accounts": (account,),
        "findings": lambda: iter(findings),
        "counts": Counter((finding.check.id, finding.verdict) for finding in findings),
        "databases": lambda: iter(rows),
        "not_read": tuple(
            NotReadDatabase(row.database, row.error or "", row.error_type or "", row.retryable)
            for row in failed
        ),
        "checks": CHECKS,
    }
    return Report(**(known | parts))


def read(database: DatabaseRecord, *users: str) -> DatabaseRow:
    return DatabaseRow(database, users=tuple(UserRecord(user) for user in users))


def not_read(database: DatabaseRecord, error: str = "503 unavailable: try later") -> DatabaseRow:
    return DatabaseRow(database, error=error, error_type="ServerError", retryable=True)


def clean() -> Report:
    """Two databases were read, one has no users, and nothing is wrong."""
    rows = [
        read(a_database(1), "doadmin", "app-01"),
        read(a_database(2), "doadmin"),
        DatabaseRow(a_database(3, engine=Engine.VALKEY), skipped="valkey has no user management"),
    ]
    return a_report(rows, counts={("PG001", Verdict.PASS): 2, ("KA001", Verdict.SKIP): 3})


def mixed() -> Report:
    """One of each: severities, unknown, accepted, with a policy's line and without."""
    one, two = a_database(1), a_database(2, engine=Engine.KAFKA, region=None, tags=None)
    three = a_database(3)
    findings = [
        a_finding(one, anchor=Anchor("policies/db users.toml", 12)),
        a_finding(one, user="cdc", severity=Severity.CRITICAL),
        a_finding(one, READ_ONLY, user=None, detail=""),
        a_finding(two, ADMIN, user="etl"),
        a_finding(two, ADMIN, user="mirror", suppressed="the mirror needs it until March"),
        a_finding(three, user="old", verdict=Verdict.UNKNOWN),
    ]
    rows = [read(one, "app-01", "cdc"), read(two, "etl", "mirror"), read(three, "old")]
    history = (
        PastRun("run-0000", STARTED - timedelta(days=1), 3, 0, {Severity.HIGH: 1}, 0),
        PastRun("run-0001", STARTED, 3, 0, {Severity.HIGH: 1, Severity.CRITICAL: 2}, 1),
    )
    return a_report(rows, findings, history=history)


def incomplete() -> Report:
    """Of three databases one was not read, and a second account could not be listed."""
    one, two, three = a_database(1), a_database(2), a_database(3)
    rows = [read(one, "app-01"), not_read(two), read(three, "app-03")]
    findings = [
        a_finding(one),
        a_finding(two, MD5, user=None, verdict=Verdict.ERROR),
        a_finding(two, READ_ONLY, user=None, verdict=Verdict.ERROR),
    ]
    refused = AccountCoverage("old", "Scalingo", error="401 unauthorized: token is revoked")
    whole = a_report(rows, findings)
    return a_report(rows, findings, accounts=(*whole.accounts, refused))


HOSTILE: Final = (
    "<script>alert(1)</script>",
    "]]></failure><!--",
    "=cmd|' /C calc'!A0",
    "\t=1+1",
    "\uff1d1+1",
    "@SUM(1)",
    "\x1b[2J\x1b]0;owned\x07",
    "two\r\nlines",
    "\u202egnp.exe",
    "\u2028\u2029",
    "a|b`c`*d*_e_#1@everyone",
    "[click](https://evil.example/)",
    "![x](https://evil.example/x.png)",
    "https://evil.example www.evil.example",
    "{0}{user}{database}",
    "$(reboot); `reboot` && 'x' \"y\" \\",
    "\x1b'; reboot #\\",
    "--help",
    "\x00\x7f\x9b",
    "\ufeff\u200b",
    "用户 😀 é",
    "x" * 5000,
    "",
)


def hostile() -> Report:
    """Everything that anyone may name is hostile: accounts, databases, users, errors, tags."""
    rows, findings = [], []
    for number, name in enumerate(HOSTILE):
        database = a_database(number, name=name, region=name, version=name, tags=frozenset({name}))
        rows.append(read(database, name))
        findings.append(a_finding(database, user=name, detail=f"found {name}"))
        accepted = f"because {name}"
        findings.append(a_finding(database, READ_ONLY, user=name, suppressed=accepted))
        broken = a_database(1000 + number, name=name)
        rows.append(not_read(broken, error=f"500: {name}"))
    rows.sort(key=lambda row: row.database.id)
    return a_report(rows, findings)


def large(findings: int = 50_000, of_each: int = 10) -> Report:
    """Ten findings in each database; none of it is kept: each is made as it is asked for."""
    databases = findings // of_each

    def all_findings() -> Iterator[Finding]:
        for number in range(databases):
            database = a_database(number)
            for user in range(of_each):
                yield a_finding(database, CHECKS[user % 3], user=f"app-{user:02}")

    def all_databases() -> Iterator[DatabaseRow]:
        for number in range(databases):
            yield read(a_database(number), *(f"app-{user:02}" for user in range(of_each)))

    account = AccountCoverage(
        "prod", "DigitalOcean", databases, databases, 0, 0, findings, None, databases + 1
    )
    report = a_report(accounts=(account,), databases=all_databases)
    return attrs.evolve(report, findings=all_findings)


def written(report: Report, name: str) -> str:
    """Return what a format makes of a report."""
    out = io.StringIO(newline="")
    write(report, name, out)
    return out.getvalue()
