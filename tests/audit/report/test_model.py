"""Completeness and exit codes: computed once, the same for every format."""

from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from dbusers.audit.findings import Finding, Severity, Verdict
from dbusers.audit.report import AccountCoverage, ExitCode, Report
from tests.audit.report.fleet import (
    ADMIN,
    MD5,
    READ_ONLY,
    a_database,
    a_finding,
    a_report,
    incomplete,
    mixed,
    not_read,
    read,
)

DATABASE = a_database()
FAILED = a_finding(DATABASE)
LOW = a_finding(DATABASE, READ_ONLY)
UNKNOWN = a_finding(DATABASE, ADMIN, verdict=Verdict.UNKNOWN)
ACCEPTED = a_finding(DATABASE, ADMIN, suppressed="until March")
NOT_JUDGED = a_finding(DATABASE, verdict=Verdict.ERROR)


def a_fleet(*findings: Finding, failed: int = 0, of: int = 10) -> Report:
    """Return the report of ten databases, of which some could not be read."""
    rows = [read(a_database(number), "app-01") for number in range(of - failed)]
    rows += [not_read(a_database(number)) for number in range(of - failed, of)]
    return a_report(rows, findings)


@pytest.mark.parametrize(
    ("findings", "fail_on", "code"),
    [
        ([], Severity.LOW, ExitCode.CLEAN),
        ([FAILED], Severity.LOW, ExitCode.FINDINGS),
        ([FAILED], Severity.HIGH, ExitCode.FINDINGS),
        ([FAILED], Severity.CRITICAL, ExitCode.CLEAN),
        ([LOW], Severity.MEDIUM, ExitCode.CLEAN),
        ([LOW, FAILED], Severity.MEDIUM, ExitCode.FINDINGS),
        ([UNKNOWN], Severity.LOW, ExitCode.CLEAN),
        ([ACCEPTED], Severity.LOW, ExitCode.CLEAN),
        ([ACCEPTED, LOW], Severity.LOW, ExitCode.FINDINGS),
        ([NOT_JUDGED], Severity.CRITICAL, ExitCode.INCOMPLETE),
    ],
)
def test_a_complete_run_ends_by_its_findings(
    findings: Sequence[Finding], fail_on: Severity, code: ExitCode
) -> None:
    report = attrs.evolve(a_fleet(*findings), fail_on=fail_on)

    assert report.exit_code == code


@pytest.mark.parametrize(
    ("failed", "allowed", "code"),
    [
        (1, 0, ExitCode.INCOMPLETE),
        (1, 9.9, ExitCode.INCOMPLETE),
        (1, 10, ExitCode.FINDINGS),
        (2, 10, ExitCode.INCOMPLETE),
        (10, 100, ExitCode.FINDINGS),
    ],
)
def test_incomplete_outranks_findings_unless_that_much_may_be_missing(
    failed: int, allowed: float, code: ExitCode
) -> None:
    report = attrs.evolve(a_fleet(FAILED, failed=failed), allow_incomplete=allowed)

    assert not report.complete
    assert report.exit_code == code


def test_a_clean_run_that_misses_what_may_be_missing_is_clean() -> None:
    report = attrs.evolve(a_fleet(failed=1), allow_incomplete=10)

    assert report.exit_code == ExitCode.CLEAN


@pytest.mark.parametrize(
    "gap",
    [
        {"finished": None},
        {"accounts": (AccountCoverage("a", "p", 3, 3), AccountCoverage("b", "p", error="401"))},
        {"accounts": (AccountCoverage("a", "p", databases=3, read=2),)},
        {"findings": lambda: iter([NOT_JUDGED])},
    ],
    ids=["not finished", "account not listed", "database not reached", "check failed"],
)
def test_no_percentage_covers_what_cannot_be_counted(gap: dict[str, Any]) -> None:
    report = attrs.evolve(a_fleet(FAILED), allow_incomplete=100, **gap)

    assert not report.complete
    assert report.exit_code == ExitCode.INCOMPLETE


def test_a_database_that_was_not_read_is_missing_even_if_no_account_counts_it() -> None:
    report = attrs.evolve(a_fleet(), not_read=a_fleet(failed=1).not_read)

    assert not report.complete
    assert report.exit_code == ExitCode.INCOMPLETE


def test_an_interrupted_run_says_so_whatever_it_found() -> None:
    report = attrs.evolve(a_fleet(FAILED, failed=1), interrupted=True, finished=None)

    assert not report.complete
    assert report.exit_code == ExitCode.INTERRUPTED


def test_the_codes_are_those_of_the_command() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "CLEAN": 0,
        "FINDINGS": 1,
        "USAGE": 2,
        "INCOMPLETE": 3,
        "INTERRUPTED": 130,
    }


def test_the_tally_counts_every_finding_once() -> None:
    tally = mixed().tally

    assert tally.failed == {
        Severity.CRITICAL: 2,
        Severity.HIGH: 1,
        Severity.MEDIUM: 0,
        Severity.LOW: 1,
    }
    assert (tally.unknown, tally.errors, tally.suppressed, tally.total) == (1, 0, 1, 6)
    assert next(iter(tally.failed)) is Severity.CRITICAL


def test_what_was_not_read_is_shown_once_and_not_for_every_check() -> None:
    report = incomplete()

    assert sum(finding.verdict is Verdict.ERROR for finding in report.findings()) == 2
    assert [finding.verdict for finding in report.shown()] == [Verdict.FAIL]
    assert [each.database.id for each in report.not_read] == ["id-000002"]


def test_what_the_record_alone_tells_of_a_database_that_was_not_read_is_shown() -> None:
    database = a_database(2)
    row = not_read(database)
    findings = [a_finding(database, verdict=Verdict.ERROR), a_finding(database, MD5, user=None)]

    assert list(a_report([row], findings).shown()) == [findings[1]]


def test_the_total_adds_up_the_accounts() -> None:
    report = a_report(
        accounts=(
            AccountCoverage("a", "p", 5, 3, 1, 1, 30, None, 6),
            AccountCoverage("b", "q", 2, 2, 0, 0, 4, None, None),
        )
    )

    total = report.total

    assert (total.databases, total.read, total.failed, total.skipped) == (7, 5, 1, 1)
    assert (total.users, total.requests, total.not_reached) == (34, 6, 0)
