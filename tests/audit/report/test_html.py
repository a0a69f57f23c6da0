"""The page as it is written: what it allows itself, what it says first, and its figures."""

import base64
import hashlib
import itertools
import json
import tracemalloc
from collections.abc import Iterable
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any, Final

import attrs
import pytest

from dbusers.audit.findings import Finding, Severity, Verdict
from dbusers.audit.records import Engine
from dbusers.audit.report import AccountCoverage, PastRun, Report, write
from dbusers.audit.report.html.markup import Html, filtered, tag
from dbusers.audit.report.remedy import call_for, command_for
from tests.audit.report.fleet import (
    ADMIN,
    CHECKS,
    HOSTILE,
    MD5,
    STARTED,
    a_database,
    a_finding,
    a_report,
    clean,
    hostile,
    incomplete,
    large,
    mixed,
    not_read,
    read,
    written,
)

REPORTS: Final = [clean, mixed, incomplete, hostile]
VOID: Final = {"meta", "input"}


class Page(HTMLParser):
    """What a parser that is not ours makes of a page."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.inside: dict[str, str] = {}  # of script and style elements, by their id or name
        self.words = ""
        self._open: list[tuple[str, str]] = []
        self._rows: list[list[str]] = []
        self.source = written(report, "html")
        self.feed(self.source)
        self.close()
        assert not self._open

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        known = dict(attributes)
        self.elements.append((name, known))
        if name not in VOID:
            self._open.append((name, known.get("id") or name))
        match name:
            case "table":
                self._rows = []
            case "tr":
                self._rows.append([])
            case "td" | "th":
                self._rows[-1].append("")

    def handle_endtag(self, name: str) -> None:
        opened, _ = self._open.pop()
        assert opened == name

    def handle_data(self, data: str) -> None:
        name, id_ = self._open[-1] if self._open else ("", "")
        if name in {"script", "style"}:
            self.inside[id_] = self.inside.get(id_, "") + data
            return
        self.words += data
        if name == "caption":
            self.tables[data] = self._rows
        elif any(each in {"td", "th"} for each, _ in self._open):
            self._rows[-1][-1] += data

    def data(self, name: str) -> list[Any]:
        read_back = json.loads(self.inside[f"{name}-data"])
        assert isinstance(read_back, list)
        return read_back


def policy_of(page: Page) -> dict[str, list[str]]:
    (content,) = (
        known["content"] or ""
        for name, known in page.elements
        if name == "meta" and known.get("http-equiv") == "Content-Security-Policy"
    )
    return {name: values for name, *values in map(str.split, content.split(";"))}


def sha256(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_text_is_escaped_and_markup_is_not() -> None:
    made = tag("td", '<b title="1">&', tag("i", "x"), Html("<br>"), title="\">'<")

    assert made == (
        '<td title="&quot;&gt;&#x27;&lt;">&lt;b title=&quot;1&quot;&gt;&amp;<i>x</i><br></td>'
    )


def test_text_is_visible_and_ascii() -> None:
    assert tag("p", "\u202eé\n\u2028\ud800") == r"<p>\u202e&#233;\n\u2028\ud800</p>"


def test_a_filter_holds_no_more_than_its_value() -> None:
    assert filtered(account='a&kind=x#"<\ud800') == ("#account=a%26kind%3Dx%23%22%3C%5Cud800")


@pytest.mark.parametrize("make", REPORTS)
def test_the_page_may_run_what_it_holds_and_load_nothing(make: Any) -> None:
    page = Page(make())
    policy = policy_of(page)

    assert policy == {
        "default-src": ["'none'"],
        "style-src": [sha256(page.inside["style"])],
        "script-src": [sha256(page.inside["script"])],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }


@pytest.mark.parametrize("make", REPORTS)
def test_no_element_acts_or_loads_by_itself(make: Any) -> None:
    page = Page(make())

    names = [name for name, _ in page.elements]
    assert names.count("script") == 3
    assert not {"link", "img", "iframe", "object", "embed", "base", "image"} & set(names)
    for name, known in page.elements:
        assert not [key for key in known if key.startswith("on") or key in {"style", "src"}], name
        assert (known.get("href") or "#").startswith("#")
    for name, known in page.elements:
        if name == "script" and "id" in known:
            assert known["type"] == "application/json"


@pytest.mark.parametrize("make", REPORTS)
def test_the_page_is_ascii_and_the_same_each_time(make: Any) -> None:
    source = Page(make()).source

    assert source.isascii()
    assert source.replace("\n", " ").isprintable()
    assert written(make(), "html") == source


def test_hostile_names_are_data_and_nothing_else() -> None:
    page, plain = Page(hostile()), Page(mixed())

    assert {name for name, _ in page.elements} <= {name for name, _ in plain.elements}
    named = {row["name"] for row in page.data("findings") if isinstance(row, dict)}
    assert {"<script>alert(1)</script>", "]]></failure><!--", r"\u2028\u2029"} <= named
    for name in ("findings-data", "checks-data"):
        assert not set("<>&") & set(page.inside[name])


def findings_of(page: Page) -> list[tuple[str, ...]]:
    return [tuple(row) for row in page.data("findings") if isinstance(row, list)]


@pytest.mark.parametrize("make", [mixed, incomplete, hostile])
def test_every_finding_is_there_with_the_remedy_of_the_other_formats(make: Any) -> None:
    report = make()

    def remedies(findings: Iterable[Finding]) -> list[tuple[str, str, str]]:
        return [(each.check.id, call_for(each), command_for(each)) for each in findings]

    rows = findings_of(Page(report))
    assert [(row[0], row[7], row[8]) for row in rows] == remedies(report.shown())


def test_a_finding_says_what_kind_it_is() -> None:
    kinds = [(row[0], *row[1:4], row[5], row[6]) for row in findings_of(Page(mixed()))]

    assert kinds == [
        ("PG001", "failed", "high", "app-01", None, "policies/db users.toml:12"),
        ("PG001", "failed", "critical", "cdc", None, None),
        ("US003", "failed", "low", None, None, None),
        ("KA001", "failed", "critical", "etl", None, None),
        ("KA001", "accepted", "critical", "mirror", "the mirror needs it until March", None),
        ("PG001", "unknown", "", "old", None, None),
    ]


def test_an_incomplete_run_says_so_before_anything_it_found() -> None:
    words = Page(incomplete()).words

    assert words.index("INCOMPLETE: 1 account not listed, 1 database not read") < words.index(
        "high"
    )
    assert words.index("503 unavailable: try later") < words.index("Severity by engine")
    assert words.index("401 unauthorized: token is revoked") < words.index("Severity by engine")
    assert "Not read" not in Page(clean()).words
    assert "Complete: 3 databases of 1 account" in Page(clean()).words


def test_every_database_that_was_not_read_is_named() -> None:
    rows = [not_read(a_database(number)) for number in range(300)]

    words = Page(a_report(rows)).words

    assert not [row.database.id for row in rows if row.database.id not in words]


def test_coverage_by_account() -> None:
    _, one, refused, total = Page(incomplete()).tables["Coverage by account"]

    assert one == ["prod", "DigitalOcean", "3", "2", "1", "0", "0", "2", "4"]
    assert refused == ["old", "Scalingo", "not listed", "?", "?", "?", "?", "?", ""]
    assert total == ["All accounts", "", "3", "2", "1", "0", "0", "2", "4"]


def test_severity_by_engine() -> None:
    headings, *engines = Page(mixed()).tables["Findings by engine and severity"]

    assert headings[2:] == ["Critical", "High", "Medium", "Low", "Unknown", "Not judged"]
    assert engines == [
        ["postgresql", "2 of 2", "1", "1", "0", "1", "1", "0"],
        ["kafka", "1 of 1", "1", "0", "0", "0", "0", "0"],
    ]


def test_an_engine_of_which_nothing_was_read_is_not_said_to_be_fine() -> None:
    rows = [
        not_read(a_database(1, engine=Engine.MYSQL)),
        *clean().databases(),
    ]

    _, *engines = Page(a_report(rows)).tables["Findings by engine and severity"]

    by_name = {name: figures for name, *figures in engines}
    assert by_name["mysql"] == ["0 of 1", "?", "?", "?", "?", "0", "0"]
    assert by_name["postgresql"][:2] == ["2 of 2", "0"]
    assert by_name["valkey"][:2] == ["0 of 1, 1 skipped", "0"]


def test_accounts_with_most_findings_come_first_and_gaps_are_named() -> None:
    databases = [a_database(1, account="big"), a_database(2, account="prod")]
    findings = [a_finding(databases[0]), a_finding(databases[0], ADMIN), a_finding(databases[1])]
    accounts = [AccountCoverage("prod", "DigitalOcean", databases=3, read=1, failed=1, skipped=1)]
    accounts += [
        AccountCoverage("old", "Scalingo", error="401"),
        AccountCoverage("big", "Scalingo"),
    ]
    report = a_report([read(each) for each in databases], findings, accounts=tuple(accounts))

    _, *rows = Page(report).tables["Findings by account"]

    assert rows == [
        ["big", "1 critical, 1 high", "", "2"],
        ["prod", "1 high", "1 not read", "1"],
        ["old", "", "not listed", "?"],
    ]


def test_one_critical_finding_outweighs_any_number_of_others() -> None:
    one, two = a_database(1), a_database(2)
    findings = [a_finding(one, user="many") for _ in range(5)]
    findings += [a_finding(one, user="worst", severity=Severity.CRITICAL)]
    findings += [a_finding(one, user="accepted", severity=Severity.CRITICAL, suppressed="why not")]
    findings += [a_finding(one, user="unknown", verdict=Verdict.UNKNOWN)]
    findings += [a_finding(two, ADMIN, user="worst"), a_finding(two, MD5, user="worst")]

    _, *users = Page(a_report([read(one), read(two)], findings)).tables[
        "Users with the worst findings"
    ]

    assert [(user, database, found) for user, database, _, found, _ in users] == [
        ("worst", "orders-2", "1 critical, 1 high"),
        ("worst", "orders-1", "1 critical"),
        ("many", "orders-1", "5 high"),
    ]


def test_runs_the_latest_first() -> None:
    _, *runs = Page(mixed()).tables["Runs, the latest first"]

    assert runs == [
        ["2026-11-20 08:30run-0001", "2 critical, 1 high", "1", "3", "0"],
        ["2026-11-19 08:30run-0000", "1 high", "0", "3", "0"],
    ]


def test_a_long_history_is_cut() -> None:
    history = tuple(
        PastRun(f"run-{day}", STARTED + timedelta(days=day), 3, 0, {Severity.LOW: 1}, 0)
        for day in range(100)
    )

    page = Page(a_report(history=history))

    assert len(page.tables["Runs, the latest first"]) == 1 + 10
    assert "run-99" in page.words
    places = {known["x"] for name, known in page.elements if name == "rect"} - {"0.00%"}
    assert len(places) == 30


def test_the_first_run_has_no_drift_to_show() -> None:
    assert "There is no earlier run to compare with" in Page(clean()).words


def test_checks_count_what_passed_too() -> None:
    report = attrs.evolve(mixed(), counts={("PG001", Verdict.PASS): 7})

    _, *rows = Page(report).tables["Checks, the worst first"]

    assert len(rows) == len(CHECKS)
    (md5,) = (row for row in rows if row[0] == "PG001")
    assert md5[2:] == ["critical", "2", "0", "1", "0", "7"]


class Sink:
    """Takes what is written, and keeps the length alone."""

    length = 0

    def writelines(self, parts: Iterable[str]) -> None:
        for part in parts:
            self.length += len(part)


def test_memory_does_not_grow_with_the_findings() -> None:
    written(mixed(), "html")  # what is loaded on first use
    peaks = []
    for findings in (250, 1_500):  # which take a megabyte
        report = large(findings)
        tracemalloc.start()
        write(report, "html", Sink())  # type: ignore[arg-type]  # a text file as far as it goes
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    small, big = peaks
    assert big < 1.5 * small + 100_000, f"{small:,} and {big:,} bytes"


def test_long_text_is_cut_with_a_note() -> None:
    page = Page(hostile())

    assert "x" * 1000 not in page.words
    assert any("5,000 characters" in str(row) for row in page.data("findings"))


def test_every_hostile_name_is_in_a_row() -> None:
    rows = findings_of(Page(hostile()))

    users = list(itertools.islice((row[3] for row in rows), 0, None, 2))
    assert len(users) == len(HOSTILE)
