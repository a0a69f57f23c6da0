"""Tables: in a terminal of any width, and through a pipe."""

import io
import re

import pytest
from rich.cells import cell_len

from dbusers.audit.report import Report, write
from tests.audit.report.fleet import (
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

ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(report: Report, width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    write(report, "table", terminal)
    return terminal.getvalue()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("report", [clean(), mixed(), incomplete(), hostile()])
def test_no_line_is_wider_than_the_terminal(
    report: Report, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ESCAPE_SEQUENCE.sub("", on_terminal(report, width, monkeypatch)).splitlines()

    assert max(cell_len(line) for line in lines if "For example:" not in line) <= width


def test_a_command_stays_one_line_to_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = a_finding(a_database(id="d" * 60), user="app" * 20)

    text = on_terminal(a_report([read(finding.database)], [finding]), 80, monkeypatch)

    command = f"dbusers users delete -p digitalocean {'d' * 60} {'app' * 20}"
    assert f"For example: {command}" in ESCAPE_SEQUENCE.sub("", text)


def test_the_command_is_that_of_an_example_that_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    database = a_database()
    by_hand, other = a_finding(database, by_hand=True), a_finding(database, user="other")

    without = on_terminal(a_report([read(database)], [by_hand]), 300, monkeypatch)
    with_one = on_terminal(a_report([read(database)], [by_hand, other]), 300, monkeypatch)

    assert "Remedy: " in without
    assert "For example: " not in without
    assert re.search(r"For example: dbusers users .* other\s", ESCAPE_SEQUENCE.sub("", with_one))


def test_a_table_of_accounts_fits_eighty_columns_unbroken(monkeypatch: pytest.MonkeyPatch) -> None:
    text = ESCAPE_SEQUENCE.sub("", on_terminal(incomplete(), 80, monkeypatch))

    assert re.search(r"^prod +DigitalOcean +3 +2 +1 +0 +2 +4 *$", text, re.MULTILINE)
    assert re.search(r"^old +Scalingo +not listed ", text, re.MULTILINE)
    assert re.search(r"^all accounts +3 +2 +1 +0 +2 +4 *$", text, re.MULTILINE)


def test_only_colours_are_written_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    text = on_terminal(hostile(), 80, monkeypatch)

    assert ESCAPE_SEQUENCE.search(text)
    assert "\x1b" not in ESCAPE_SEQUENCE.sub("", text)


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    terminal = Terminal()

    write(mixed(), "table", terminal)

    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", terminal.getvalue())


def test_through_a_pipe_there_is_neither_colour_nor_filling() -> None:
    text = written(hostile(), "table")

    assert "\x1b" not in text
    assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_the_worst_comes_first_and_what_is_unknown_is_counted() -> None:
    text = written(mixed(), "table")

    headings = re.findall(r"^[A-Z]{2,}\b(?! *\d).*$", text, re.MULTILINE)
    assert headings == [
        "CRITICAL",
        "HIGH",
        "LOW",
        "UNKNOWN: the answers did not have what the check asks for",
        "ACCEPTED by the policy",
    ]
    assert "Findings: 2 critical, 1 high, 0 medium, 1 low, 1 unknown, 1 accepted" in text
    assert "prod / orders-1 / app-01: what was found" in text
    assert "dbusers users delete -p digitalocean id-000002 etl" in text


def test_many_findings_of_one_check_are_counted_and_ten_are_shown() -> None:
    database = a_database()
    findings = [a_finding(database, user=f"app-{number:04}") for number in range(1234)]

    text = written(a_report([read(database)], findings), "table")

    assert "PG001  Password kept as an MD5 hash: 1,234" in text
    assert len(re.findall(r"app-\d{4}:", text)) == 10
    assert "and 1,224 more" in text
