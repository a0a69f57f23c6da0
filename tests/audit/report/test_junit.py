"""JUnit XML, as a CI system reads it: by an XML parser that is not ours."""

from xml.etree import ElementTree as ET

import attrs
import pytest

from dbusers.audit.findings import Severity, Verdict
from dbusers.audit.report import AccountCoverage, DatabaseRow, Report
from tests.audit.report.fleet import (
    ADMIN,
    HOSTILE,
    READ_ONLY,
    a_database,
    a_finding,
    a_report,
    clean,
    hostile,
    incomplete,
    mixed,
    read,
    written,
)


def suites(report: Report) -> dict[str, dict[str, ET.Element]]:
    """Return the tests by suite and name."""
    root = ET.fromstring(written(report, "junit"))
    assert root.tag == "testsuites"
    return {
        suite.attrib["name"]: {case.attrib["name"]: case for case in suite.iter("testcase")}
        for suite in root.iter("testsuite")
    }


def result(case: ET.Element) -> str:
    return case[0].tag if len(case) else "passed"


def test_each_database_is_a_suite_and_each_check_that_fits_a_test() -> None:
    found = {
        name: {test: result(case) for test, case in cases.items()}
        for name, cases in suites(mixed()).items()
    }

    assert found == {
        "coverage": {
            "Complete: 3 databases of 1 account; 3 read, 0 without users to read": "passed"
        },
        "prod/orders-1 (id-000001)": {
            "read": "passed",
            "PG001 Password kept as an MD5 hash": "failure",
            "US003 No read-only user": "failure",
        },
        "prod/orders-2 (id-000002)": {
            "read": "passed",
            "KA001 Admin on all topics": "failure",
            "US003 No read-only user": "passed",
        },
        "prod/orders-3 (id-000003)": {
            "read": "passed",
            "PG001 Password kept as an MD5 hash": "skipped",
            "US003 No read-only user": "passed",
        },
    }


def test_the_counts_of_a_suite_are_those_of_its_tests() -> None:
    for report in (mixed(), incomplete(), hostile()):
        for suite in ET.fromstring(written(report, "junit")).iter("testsuite"):
            results = [result(case) for case in suite.iter("testcase")]
            assert int(suite.attrib["tests"]) == len(results)
            for attribute, tag in (
                ("failures", "failure"),
                ("errors", "error"),
                ("skipped", "skipped"),
            ):
                assert int(suite.attrib[attribute]) == results.count(tag)


def test_a_failure_names_every_user_and_the_worst_severity() -> None:
    case = suites(mixed())["prod/orders-1 (id-000001)"]["PG001 Password kept as an MD5 hash"]

    assert case[0].attrib == {
        "message": "fail high user app-01 what was found; fail critical user cdc what was found",
        "type": "critical",
    }


def test_what_was_not_read_is_an_error_and_comes_first() -> None:
    found = suites(incomplete())
    first = next(iter(found))

    assert first == "coverage"
    assert [result(case) for case in found["coverage"].values()] == ["error", "error"]
    unread = found["prod/orders-2 (id-000002)"]
    assert {name: result(case) for name, case in unread.items()} == {"read": "error"}
    assert unread["read"][0].attrib["message"] == "503 unavailable: try later"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (DatabaseRow(a_database(), skipped="no user management"), "skipped"),
        (DatabaseRow(a_database()), "error"),
    ],
)
def test_without_users_there_is_no_verdict(row: DatabaseRow, expected: str) -> None:
    cases = suites(a_report([row]))["prod/orders-1 (id-000001)"]

    assert {name: result(case) for name, case in cases.items()} == {"read": expected}


@pytest.mark.parametrize(
    ("fail_on", "expected"),
    [(Severity.LOW, "failure"), (Severity.HIGH, "failure"), (Severity.CRITICAL, "system-out")],
)
def test_what_does_not_fail_the_command_does_not_fail_a_test(
    fail_on: Severity, expected: str
) -> None:
    database = a_database()
    report = a_report([read(database)], [a_finding(database)], fail_on=fail_on)

    case = suites(report)["prod/orders-1 (id-000001)"]["PG001 Password kept as an MD5 hash"]

    assert result(case) == expected
    assert (report.exit_code == 1) == (expected == "failure")


def test_an_accepted_finding_passes_with_its_reason() -> None:
    database = a_database()
    findings = [a_finding(database, READ_ONLY, suppressed="until March")]

    case = suites(a_report([read(database)], findings))["prod/orders-1 (id-000001)"][
        "US003 No read-only user"
    ]

    assert result(case) == "system-out"
    assert "accepted: until March" in (case[0].text or "")


def test_a_check_that_could_not_judge_is_an_error() -> None:
    database = a_database()
    findings = [a_finding(database, verdict=Verdict.ERROR), a_finding(database, user="b")]
    report = a_report([read(database)], findings)

    case = suites(report)["prod/orders-1 (id-000001)"]["PG001 Password kept as an MD5 hash"]

    assert result(case) == "error"


def test_an_unfinished_run_is_an_error_even_if_nothing_else_is() -> None:
    report = attrs.evolve(clean(), finished=None)

    assert [result(case) for case in suites(report)["coverage"].values()] == ["error"]


def test_findings_of_the_policy_itself_have_a_suite_of_their_own() -> None:
    findings = [
        a_finding(
            a_database(provider="policy", account="", id=entry, name="p.toml"), ADMIN, user=None
        )
        for entry in ("second", "first")
    ]

    found = suites(a_report([read(a_database())], findings))

    assert list(found)[1:] == ["p.toml", "prod/orders-1 (id-000001)"]
    assert result(found["p.toml"]["KA001 Admin on all topics"]) == "failure"


def test_findings_out_of_order_are_refused_rather_than_shown_as_passed() -> None:
    rows = [read(a_database(number)) for number in (1, 2)]
    findings = [a_finding(a_database(2)), a_finding(a_database(1))]

    with pytest.raises(ValueError, match="not in the order"):
        written(a_report(rows, findings), "junit")


def test_hostile_names_stay_text() -> None:
    found = suites(hostile())

    assert len(found) == 1 + 2 * len(HOSTILE)
    assert sum(result(case) == "failure" for s in found.values() for case in s.values()) == len(
        HOSTILE
    )


def test_an_account_that_was_not_listed_is_an_error() -> None:
    report = a_report(accounts=(AccountCoverage("old", "Scalingo", error="401: revoked"),))

    (case,) = suites(report)["coverage"].values()

    assert case[0].attrib == {"message": "401: revoked", "type": "NotListed"}
