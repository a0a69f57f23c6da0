"""SARIF, held to the published schema, to what code scanning asks for, and to Microsoft's tool."""

import json
import os
import shutil
import subprocess
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any, Final

import attrs
import jsonschema
import pytest

from dbusers.audit.findings import Anchor, Severity, Verdict
from dbusers.audit.report import Report, sarif
from tests.audit.report.fleet import (
    FINISHED,
    STARTED,
    a_database,
    a_finding,
    a_report,
    clean,
    hostile,
    incomplete,
    large,
    mixed,
    read,
    written,
)

SCHEMA: Final = json.loads((Path(__file__).parent / "published/sarif-2.1.0.json").read_text())
REPORTS: Final = [clean, mixed, incomplete, hostile]
TOOL: Final = shutil.which("sarif-multitool") or shutil.which("sarif-multitool-linux")


def log(report: Report) -> dict[str, Any]:
    made = json.loads(written(report, "sarif"))
    assert isinstance(made, dict)
    return made


def run(report: Report) -> dict[str, Any]:
    (only,) = log(report)["runs"]
    assert isinstance(only, dict)
    return only


def wrong(made: object) -> list[str]:
    """Return what the published schema has against a log."""
    draft = jsonschema.Draft202012Validator
    validator = draft(SCHEMA, format_checker=draft.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(made)]


@pytest.mark.parametrize("make", REPORTS)
def test_the_published_schema_accepts_it(make: Any) -> None:
    assert not wrong(log(make()))


@pytest.mark.parametrize(
    "path",
    [("results", 0, "level"), ("results", 0, "locations", 0, "surprise"), ("tool", "driver", "x")],
)
def test_the_published_schema_would_refuse_what_it_does_not_know(path: tuple[Any, ...]) -> None:
    made = log(mixed())
    place: Any = made["runs"][0]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = "nonsense"

    assert wrong(made)


@pytest.mark.skipif(TOOL is None, reason="npm's @microsoft/sarif-multitool is not installed")
@pytest.mark.parametrize("make", REPORTS)
def test_microsofts_validator_finds_no_error_for_github(make: Any, tmp_path: Path) -> None:
    assert TOOL
    path, said = tmp_path / "report.sarif", tmp_path / "said.sarif"
    path.write_text(written(make(), "sarif"))
    options = ["--rule-kind", "Sarif;Ghas", "--level", "Error"]

    subprocess.run(
        [TOOL, "validate", str(path), "-o", str(said), *options],
        check=False,  # it also fails over addresses that it cannot reach
        capture_output=True,
        env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
    )

    results = json.loads(said.read_text())["runs"][0]["results"]
    assert not [result["ruleId"] for result in results]


def test_what_failed_is_a_result_and_nothing_else_is() -> None:
    # Code scanning makes an alert of every result, whatever its kind.
    results = run(mixed())["results"]

    assert [(result["ruleId"], result["level"]) for result in results] == [
        ("PG001", "error"),
        ("PG001", "error"),
        ("US003", "note"),
        ("KA001", "error"),
        ("KA001", "error"),
    ]
    assert {result["kind"] for result in results} == {"fail"}


def test_every_result_has_the_place_that_code_scanning_demands() -> None:
    places = [
        (location["artifactLocation"]["uri"], location["region"]["startLine"])
        for result in run(mixed())["results"]
        for location in (each["physicalLocation"] for each in result["locations"])
    ]

    assert places == [("policies/db%20users.toml", 12), *[("dbusers-policy.toml", 1)] * 4]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("dbusers-policy.toml", "dbusers-policy.toml"),
        ("./audit/p.toml", "audit/p.toml"),
        ("/home/someone/repo/p.toml", "p.toml"),
        ("../other/p.toml", "p.toml"),
        ("a#b?c.toml", "a%23b%3Fc.toml"),
    ],
)
def test_a_place_is_relative_to_the_repository(file: str, uri: str) -> None:
    database = a_database()
    report = a_report([read(database)], [a_finding(database, anchor=Anchor(file, 3))])

    (result,) = run(report)["results"]

    physical = result["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"] == {"uri": uri}


def test_the_user_and_the_database_are_logical_locations() -> None:
    (location,) = run(mixed())["results"][0]["locations"]

    assert [(each["kind"], each["name"]) for each in location["logicalLocations"]] == [
        ("user", "app-01"),
        ("database", "orders-1"),
    ]


def test_fingerprints_stay_from_run_to_run_and_differ_from_finding_to_finding() -> None:
    later = attrs.evolve(mixed(), run_id="run-0002", started=FINISHED)

    fingerprints = [result["partialFingerprints"] for result in run(mixed())["results"]]

    assert fingerprints == [result["partialFingerprints"] for result in run(later)["results"]]
    hashes = {each["primaryLocationLineHash"] for each in fingerprints}
    assert len(hashes) == 5
    assert hashes == {each["dbusers/v1"] for each in fingerprints}


def test_an_accepted_finding_is_suppressed_for_its_reason() -> None:
    suppressions = {
        result["logicalName"]: result["suppressions"]
        for result in (
            {**each, "logicalName": each["locations"][0]["logicalLocations"][0]["name"]}
            for each in run(mixed())["results"]
        )
    }

    assert suppressions["etl"] == []
    assert suppressions["mirror"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "the mirror needs it until March",
        }
    ]


def test_rules_carry_what_an_alert_shows() -> None:
    rules = {rule["id"]: rule for rule in run(mixed())["tool"]["driver"]["rules"]}

    assert set(rules) == {"PG001", "KA001", "US003"}
    assert rules["PG001"]["helpUri"].startswith("https://www.postgresql.org/")
    assert "helpUri" not in rules["KA001"]
    assert "Put PG001 right." in rules["PG001"]["help"]["text"]
    scores = {id_: float(rule["properties"]["security-severity"]) for id_, rule in rules.items()}
    assert scores["KA001"] > 9
    assert 7 <= scores["PG001"] < 9
    assert 0 < scores["US003"] < 4


def test_the_effective_severity_decides_the_level() -> None:
    database = a_database()
    findings = [a_finding(database, user=s.name, severity=s) for s in Severity]

    results = run(a_report([read(database)], findings))["results"]

    assert [result["level"] for result in results] == ["note", "warning", "error", "error"]


@pytest.mark.parametrize(
    ("report", "code", "successful"),
    [(clean(), 0, True), (mixed(), 1, True), (incomplete(), 3, False)],
)
def test_the_invocation_tells_how_the_command_ended(
    report: Report, code: int, successful: bool
) -> None:
    (invocation,) = run(report)["invocations"]

    assert (invocation["exitCode"], invocation["executionSuccessful"]) == (code, successful)


def test_times_are_in_utc() -> None:
    east = timezone(timedelta(hours=2))
    report = attrs.evolve(clean(), started=STARTED.astimezone(east), finished=None)

    (invocation,) = run(report)["invocations"]

    assert invocation["startTimeUtc"] == "2026-11-20T08:30:00.000Z"
    assert "endTimeUtc" not in invocation


def notifications(report: Report) -> list[tuple[str, str]]:
    (invocation,) = run(report)["invocations"]
    return [
        (each["descriptor"]["id"], each["message"]["text"])
        for each in invocation["toolExecutionNotifications"]
    ]


def test_what_was_not_read_is_notified_by_name() -> None:
    assert notifications(incomplete()) == [
        ("not-read", "Not read: all or part of account old: 401 unauthorized: token is revoked"),
        (
            "not-read",
            "Not read: database orders-2 (id-000002) of prod: 503 unavailable: try later",
        ),
    ]


def test_what_is_unknown_or_was_not_judged_is_notified() -> None:
    database = a_database()
    findings = [
        a_finding(database, user="a", verdict=Verdict.UNKNOWN),
        a_finding(database, user="b", verdict=Verdict.UNKNOWN),
        a_finding(database, user=None, verdict=Verdict.ERROR, detail="it broke"),
    ]

    said = notifications(a_report([read(database)], findings))

    assert said == [
        ("unknown", "PG001: unknown 2 times: the answers did not have what it asks for"),
        ("not-judged", "PG001 could not be judged: it broke"),
    ]


def test_code_scanning_gets_no_more_than_it_takes_and_the_worst_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert sarif.MOST_RESULTS == 25_000  # GitHub Docs, "SARIF support": results per run
    monkeypatch.setattr(sarif, "MOST_RESULTS", 250)
    report = large(300)

    results = run(report)["results"]

    # Of each ten findings of a database four are high, three critical and three low.
    severities = [result["properties"]["severity"] for result in results]
    assert severities == ["critical"] * 90 + ["high"] * 120 + ["low"] * 40
    assert notifications(report) == [
        ("left-out", "50 more results, the least severe, are not in this file")
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("{0}", "{{0}}"),
        ("{user}", "{user}"),
        ("[a](https://evil.example)", r"\[a\](https://evil.example)"),
        ("a]b[c", "a]b[c"),
        ("\x1b[0m", r"\x1b[0m"),
        ("", "-"),
    ],
)
def test_a_message_is_just_text(name: str, text: str) -> None:
    assert sarif.text(name) == {"text": text}
