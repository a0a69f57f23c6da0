"""The plan and the truth: requests and time of each account, in every format that has coverage."""

import json
import re
from typing import Any

import attrs
import pytest

from dbusers.audit.report import AccountCoverage, Report
from tests.audit.report.fleet import a_report, clean, written

PROD = AccountCoverage(
    "prod", "DigitalOcean", 600, 600, requests=604, planned=601, floor=120.0, seconds=131.5
)
AGENCY = AccountCoverage(
    "agency", "Scalingo", 40, 40, requests=131, planned=130, floor=180.0, seconds=184.25
)
NOT_LISTED = AccountCoverage("old", "Scalingo", error="401 unauthorized", requests=1, seconds=0.5)


def paced(*accounts: AccountCoverage) -> Report:
    return a_report(accounts=accounts)


def rows(text: str) -> list[str]:
    """Return each line that begins with an account, one space between its cells."""
    lines = [" ".join(re.sub(r"</?code>|\|", " ", line).split()) for line in text.splitlines()]
    return [line for line in lines if re.match("prod |agency |old |all accounts ", line)]


@pytest.mark.parametrize("name", ["table", "markdown"])
def test_people_see_the_plan_beside_the_truth(name: str) -> None:
    text = written(paced(PROD, AGENCY, NOT_LISTED), name)

    assert rows(text)[4:8] == [
        "prod 601 604 2 min 00 s 2 min 12 s",
        "agency 130 131 3 min 00 s 3 min 04 s",
        "old 1 0.5 s",
        "all accounts 731 736 3 min 00 s 3 min 04 s",
    ]


def test_the_page_has_it_too() -> None:
    page = written(paced(PROD), "html")

    section = page.partition("Requests and time by account")[2].partition("</table>")[0]
    assert re.findall(r">([^<>]+)</t[hd]>", section)[-5:] == [
        "prod",
        "601",
        "604",
        "2 min 00 s",
        "2 min 12 s",
    ]


def told(report: Report) -> list[Any]:
    """Return what each format for programs says of it."""
    (invocation,) = json.loads(written(report, "sarif"))["runs"][0]["invocations"]
    return [
        json.loads(written(report, "json"))["run"]["pace"],
        json.loads(written(report, "ocsf").splitlines()[0])["unmapped"]["pace"],
        invocation["properties"]["pace"],
    ]


def test_programs_are_told_in_numbers() -> None:
    account = {"account": "prod", "provider": "DigitalOcean"}
    figures = {"planned_requests": 601, "requests": 604, "floor_seconds": 120.0, "seconds": 131.5}

    assert told(paced(PROD)) == [[account | figures]] * 3


def test_json_lines_leave_out_what_a_run_that_was_resumed_sent_more() -> None:
    (pace,) = json.loads(written(paced(PROD), "jsonl").splitlines()[0])["pace"]

    assert pace == {
        "account": "prod",
        "provider": "DigitalOcean",
        "planned_requests": 601,
        "floor_seconds": 120.0,
        "seconds": 131.5,
    }


def test_what_nobody_counted_is_unknown_and_not_nothing() -> None:
    uncounted = attrs.evolve(clean().accounts[0], requests=None)

    assert [each[0]["requests"] for each in told(paced(uncounted))] == [None] * 3
    assert [each[0]["seconds"] for each in told(paced(uncounted))] == [None] * 3
    for name in ("table", "markdown"):
        assert len(rows(written(paced(uncounted), name))) == 1
    assert "Requests and time" not in written(paced(uncounted), "html")
