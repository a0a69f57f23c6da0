"""CSV for a spreadsheet, which must not run what it is given."""

import csv
import io

import pytest

from dbusers.audit.report import Report
from dbusers.audit.report.csv import cell
from tests.audit.report.fleet import HOSTILE, clean, hostile, incomplete, mixed, written


def rows(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written(report, "csv"), newline="")))


def test_each_finding_is_a_row() -> None:
    first, *_ = found = rows(mixed())

    assert len(found) == 6
    assert (first["check"], first["severity"], first["user"]) == ("PG001", "high", "app-01")
    assert (first["database_id"], first["engine"]) == ("id-000001", "postgresql")
    assert first["policy"] == "policies/db users.toml:12"
    assert [row["accepted"] for row in found if row["accepted"]] == [
        "the mirror needs it until March"
    ]


def test_what_was_not_read_comes_first() -> None:
    account, database, finding = rows(incomplete())

    assert (account["verdict"], account["account"], account["database_id"]) == ("error", "old", "")
    assert (database["verdict"], database["database_id"]) == ("error", "id-000002")
    assert database["detail"] == "503 unavailable: try later"
    assert finding["verdict"] == "fail"


def test_nothing_found_is_a_heading() -> None:
    assert rows(clean()) == []


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "\u00a0=1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff201",
        "%0A",
        "|calc",
    ],
)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    made = cell(text)

    assert made.isprintable()
    assert made[0] in "'\\"  # an apostrophe, or the backslash of what did not print


@pytest.mark.parametrize("text", ["app-01", "a=b", "", "用户", "'quoted'"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert cell(text) == text


def test_a_hostile_fleet_keeps_its_rows_and_columns() -> None:
    found = rows(hostile())

    assert len(found) == 3 * len(HOSTILE)
    assert not [row for row in found if None in row or None in row.values()]
    cells = {value for row in found for value in row.values() if value}
    assert not [
        value for value in cells if value.lstrip()[:1] in set("=+-@\uff1d\uff0b\uff0d\uff20")
    ]


def test_every_cell_is_quoted() -> None:
    # So that a semicolon in a name begins no cell where semicolons part them.
    for line in written(mixed(), "csv").splitlines():
        assert line.startswith('"')
        assert line.endswith('"')
        assert line.count('"') == 2 * 16
