"""OCSF events, held to the published schema of the class."""

import json
from typing import Any, Final

import attrs
import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import (  # type: ignore[import-untyped]  # ships no type information
    OcsfJsonSchemaEmbedded,
    get_ocsf_schema,
)

from dbusers.audit.findings import Severity, Verdict
from dbusers.audit.report import Report
from tests.audit.report.fleet import (
    FINISHED,
    HOSTILE,
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

PUBLISHED: Final = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.5.0"))
SCHEMA: Final = PUBLISHED.get_class_schema(
    class_name=PUBLISHED.lookup_class_name_from_uid(2003), profiles=["cloud"]
)
VALIDATOR: Final = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)


def events(report: Report) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written(report, "ocsf").splitlines()]


def wrong(event: object) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(event)]


@pytest.mark.parametrize("make", [clean, mixed, incomplete, hostile])
def test_the_published_schema_accepts_every_event(make: Any) -> None:
    assert not [problem for event in events(make()) for problem in wrong(event)]


@pytest.mark.parametrize("key", ["class_uid", "finding_info", "compliance", "cloud", "metadata"])
def test_the_published_schema_would_miss_what_it_requires(key: str) -> None:
    event = events(mixed())[1]
    del event[key]

    assert wrong(event)


@pytest.mark.parametrize("key", ["surprise", "severity_id", "type_uid"])
def test_the_published_schema_would_refuse_what_it_does_not_know(key: str) -> None:
    assert wrong({**events(mixed())[1], key: 12345})


def test_the_class_is_compliance_finding() -> None:
    for event in events(mixed()):
        assert (event["class_uid"], event["category_uid"], event["type_uid"]) == (2003, 2, 200301)
        assert event["metadata"]["version"] == "1.5.0"
        assert event["time"] == FINISHED.timestamp() * 1000


@pytest.mark.parametrize(("report", "status"), [(clean(), "Pass"), (incomplete(), "Fail")])
def test_the_first_event_is_about_the_coverage(report: Report, status: str) -> None:
    first = events(report)[0]

    assert first["compliance"]["control"] == "coverage"
    assert first["compliance"]["status"] == status


def test_what_was_not_read_is_an_error_of_its_own() -> None:
    _, account, database, finding = events(incomplete())

    for event in (account, database):
        assert (event["compliance"]["status_id"], event["compliance"]["status"]) == (99, "Error")
        assert event["severity"] == "Unknown"
    assert account["cloud"]["account"] == {"name": "old"}
    assert database["resources"][0]["uid"] == "id-000002"
    assert database["compliance"]["status_detail"] == "503 unavailable: try later"
    assert finding["compliance"]["status"] == "Fail"


@pytest.mark.parametrize(
    ("verdict", "status_id", "severity"),
    [(Verdict.FAIL, 3, "High"), (Verdict.UNKNOWN, 0, "Unknown"), (Verdict.ERROR, 99, "Unknown")],
)
def test_a_verdict_is_a_status(verdict: Verdict, status_id: int, severity: str) -> None:
    database = a_database()
    report = a_report([read(database)], [a_finding(database, verdict=verdict)])

    *_, event = events(report)

    assert event["compliance"]["status_id"] == status_id
    assert event["compliance"]["checks"][0]["status_id"] == status_id
    assert event["severity"] == severity
    assert not wrong(event)


def test_severities_are_those_of_ocsf() -> None:
    database = a_database()
    findings = [a_finding(database, severity=severity) for severity in Severity]

    found = [event["severity_id"] for event in events(a_report([read(database)], findings))[1:]]

    assert found == [2, 3, 4, 5]


def test_an_accepted_finding_is_suppressed_with_its_reason() -> None:
    (accepted,) = [event for event in events(mixed()) if event["status"] == "Suppressed"]

    assert accepted["status_id"] == 3
    assert accepted["comment"] == "the mirror needs it until March"
    assert accepted["compliance"]["status"] == "Fail"


def test_a_finding_names_database_and_user_and_its_remedy() -> None:
    _, event, *_ = events(mixed())

    database, user = event["resources"]
    assert (database["uid"], database["name"]) == ("id-000001", "orders-1")
    assert database["labels"] == ["eu", "web"]
    assert user == {"type": "database user", "uid": "id-000001/app-01", "name": "app-01"}
    assert "dbusers users delete -p digitalocean id-000001 app-01" in event["remediation"]["desc"]
    assert event["cloud"] == {
        "provider": "DigitalOcean",
        "account": {"name": "prod"},
        "region": "fra1",
    }
    assert event["finding_info"]["uid"] == next(mixed().findings()).fingerprint
    assert event["unmapped"]["policy"] == {"file": "policies/db users.toml", "line": 12}


def test_an_event_is_the_same_finding_in_every_run() -> None:
    later = attrs.evolve(mixed(), run_id="run-0002", started=FINISHED, finished=None)

    def uids(report: Report) -> list[str]:
        return [event["finding_info"]["uid"] for event in events(report)]

    assert uids(mixed()) == uids(later)
    assert len(set(uids(mixed()))) == len(uids(mixed()))


def test_names_arrive_whole() -> None:
    named = {
        event["resources"][1]["name"]
        for event in events(hostile())
        if len(event.get("resources", ())) == 2
    }

    assert named == set(HOSTILE)
