"""JSON Lines, the canonical stream, and the JSON document with the same in it."""

import json
from datetime import timedelta
from typing import Any

import attrs
import pytest

from dbusers.audit.encoding.records import database_from_json, user_from_json
from dbusers.audit.report import Report
from tests.audit.report.fleet import (
    FINISHED,
    HOSTILE,
    a_database,
    clean,
    hostile,
    incomplete,
    mixed,
    written,
)


def lines(report: Report) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written(report, "jsonl").splitlines()]


def test_every_line_has_a_type_and_they_come_in_order() -> None:
    types = [line["type"] for line in lines(mixed())]

    assert types == [
        *["run"],
        *["check"] * 3,
        *["account"],
        *["database"] * 3,
        *["finding"] * 6,
        *["summary"],
    ]
    assert all(next(iter(line)) == "type" for line in lines(mixed()))


def test_two_runs_over_the_same_fleet_differ_only_in_header_and_summary() -> None:
    one = mixed()
    later = FINISHED + timedelta(days=1, minutes=7)
    other = attrs.evolve(one, run_id="run-0002", started=FINISHED, finished=later, history=())

    first, second = written(one, "jsonl").splitlines(), written(other, "jsonl").splitlines()

    assert first[1:-1] == second[1:-1]
    assert first[0] != second[0]
    assert not [line for line in first[1:-1] if "run-0001" in line or "2026-11-20" in line]


def test_more_requests_for_the_same_result_change_nothing() -> None:
    one = mixed()
    resumed = attrs.evolve(one, accounts=(attrs.evolve(one.accounts[0], requests=99),))

    assert written(one, "jsonl") == written(resumed, "jsonl")


def test_records_read_back_as_they_were() -> None:
    report = hostile()

    databases = [line for line in lines(report) if line["type"] == "database"]

    rows = list(report.databases())
    assert [database_from_json(line["database"]) for line in databases] == [
        row.database for row in rows
    ]
    assert [
        tuple(map(user_from_json, line["users"])) if line["users"] is not None else None
        for line in databases
    ] == [row.users for row in rows]


def test_names_are_ascii_in_the_file_and_whole_when_read() -> None:
    text = written(hostile(), "jsonl")

    assert text.isascii()
    assert "\x7f" not in text
    named = {line["user"] for line in lines(hostile()) if line["type"] == "finding"}
    assert named == set(HOSTILE)


def test_the_outcome_of_each_database_is_told() -> None:
    outcomes = {
        line["database"]["id"]: line["outcome"]
        for report in (clean(), incomplete())
        for line in lines(report)
        if line["type"] == "database"
    }

    assert outcomes == {"id-000001": "read", "id-000002": "failed", "id-000003": "read"}
    assert [row["outcome"] for row in lines(clean()) if row["type"] == "database"] == [
        "read",
        "read",
        "skipped",
    ]


def test_the_summary_has_the_figures_and_the_exit_code() -> None:
    summary = lines(mixed())[-1]

    assert summary["findings"] == {"critical": 2, "high": 1, "medium": 0, "low": 1}
    assert (summary["unknown"], summary["suppressed"], summary["not_judged"]) == (1, 1, 0)
    assert summary["exit_code"] == 1
    assert summary["checks"]["PG001"] == {"fail": 2, "unknown": 1}
    assert [run["run"] for run in summary["history"]] == ["run-0000", "run-0001"]
    assert summary["complete"] is True


def test_a_finding_has_its_remedy_and_the_policys_line() -> None:
    finding = next(line for line in lines(mixed()) if line["type"] == "finding")

    assert finding["policy"] == {"file": "policies/db users.toml", "line": 12}
    assert finding["command"] == "dbusers users delete -p digitalocean id-000001 app-01"
    assert finding["fingerprint"] == next(mixed().findings()).fingerprint
    assert finding["severity"] == "high"


def test_an_incomplete_run_says_so_in_its_first_line() -> None:
    first = lines(incomplete())[0]

    assert first["complete"] is False
    assert lines(incomplete())[-1]["exit_code"] == 3


@pytest.mark.parametrize("report", [clean(), mixed(), incomplete(), hostile()])
def test_the_document_has_what_the_lines_have(report: Report) -> None:
    document = json.loads(written(report, "json"))

    for kind in ("check", "account", "database", "finding"):
        of_kind = [line for line in lines(report) if line["type"] == kind]
        assert [{"type": kind, **value} for value in document[f"{kind}s"]] == of_kind
    assert {"type": "summary", **document["summary"]} == lines(report)[-1]


def test_the_document_lists_what_is_missing_first() -> None:
    document = json.loads(written(incomplete(), "json"))

    assert list(document)[:3] == ["run", "summary", "missing"]
    assert [(one["account"], one["database_id"]) for one in document["missing"]] == [
        ("old", None),
        ("prod", a_database(2).id),
    ]
