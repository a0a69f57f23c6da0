"""The page in a real browser: it filters, shows remedies, and takes no name for markup."""

import time
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from dbusers.audit.report.remedy import call_for, command_for
from tests.audit.report.chromium import ON_A_PAGE, Open, choose, column, status
from tests.audit.report.fleet import (
    HOSTILE,
    a_database,
    a_finding,
    a_report,
    hostile,
    large,
    mixed,
    read,
    written,
)

FLEET: Final = 50_000  # findings

MARKUP: Final = """
() => {
  try {
    document.body.innerHTML = "x";
    return "set";
  } catch (error) {
    return error.name;
  }
}
"""


def test_what_failed_is_shown_first_the_worst_on_top(open_page: Open) -> None:
    page = open_page(mixed())

    assert column(page, "Severity") == ["critical", "critical", "high", "low"]
    assert status(page) == "1 to 4 of 4 findings that fit (6 in all)"
    assert not page.get_by_text("needs JavaScript").is_visible()


def test_a_search_finds_what_has_all_of_its_words(open_page: Open) -> None:
    page = open_page(mixed())

    page.get_by_label("Search").fill("ORDERS-1 md5")
    assert column(page, "User") == ["cdc", "app-01"]

    page.get_by_label("Search").fill("orders-1 md5 cdc")
    assert column(page, "User") == ["cdc"]

    page.get_by_label("Search").fill("nobody")
    assert column(page, "User") == []
    assert status(page) == "0 findings that fit (6 in all)"


@pytest.mark.parametrize(
    ("name", "value", "users"),
    [
        ("kind", "accepted", ["mirror"]),
        ("kind", "unknown", ["old"]),
        ("kind", "", ["cdc", "etl", "app-01", "the database", "old", "mirror"]),
        ("severity", "high", ["app-01"]),
        ("engine", "kafka", ["etl"]),
        ("check", "US003", ["the database"]),
        ("account", "prod", ["cdc", "etl", "app-01", "the database"]),
    ],
)
def test_a_filter_leaves_what_fits(
    open_page: Open, name: str, value: str, users: list[str]
) -> None:
    page = open_page(mixed())

    choose(page, name, value)

    assert column(page, "User") == users


def test_clearing_shows_everything(open_page: Open) -> None:
    page = open_page(mixed(), "#severity=high&search=app")
    assert column(page, "User") == ["app-01"]

    page.get_by_role("button", name="Clear").click()

    expect(page.locator("#status")).to_contain_text("6 findings that fit")


def test_a_cell_of_the_heat_map_leads_to_its_findings(open_page: Open) -> None:
    page = open_page(mixed())

    page.get_by_role("link", name="1 critical in kafka").click()

    expect(page.locator("#status")).to_contain_text("1 findings that fit")
    assert column(page, "User") == ["etl"]
    expect(page.locator("#findings-title")).to_be_focused()


def test_a_risky_user_leads_to_the_findings_of_that_user_alone(open_page: Open) -> None:
    one, two = a_database(1), a_database(2)
    findings = [a_finding(one, user="app"), a_finding(two, user="app")]
    page = open_page(a_report([read(one, "app"), read(two, "app")], findings))

    page.locator("#users").get_by_role("link", name="app").first.click()

    expect(page.locator("#status")).to_contain_text("only database id-000001, only user app")
    assert column(page, "Database") == ["orders-1\npostgresql"]

    page.get_by_role("link", name="2 high in postgresql").click()

    expect(page.locator("#status")).to_have_text("1 to 2 of 2 findings that fit (2 in all)")


def test_the_address_keeps_the_filters(open_page: Open) -> None:
    page = open_page(mixed())
    choose(page, "kind", "")
    choose(page, "engine", "kafka")
    page.get_by_label("Search").fill("mirror & co = x")
    page.wait_for_url("**#*search=mirror*")
    page.reload()

    assert page.get_by_label("Search").input_value() == "mirror & co = x"
    assert page.locator("select[name=engine]").input_value() == "kafka"


def test_a_filter_that_fits_nothing_is_not_dropped(open_page: Open) -> None:
    page = open_page(mixed(), "#engine=mysql")

    assert column(page, "User") == []
    assert page.locator("select[name=engine]").input_value() == "mysql"


def test_findings_are_sorted_by_the_heading_that_is_pressed(open_page: Open) -> None:
    page = open_page(mixed())
    heading = page.locator(".findings").get_by_role("columnheader", name="User")

    heading.get_by_role("button").click()
    assert column(page, "User") == ["the database", "app-01", "cdc", "etl"]
    assert heading.get_attribute("aria-sort") == "ascending"

    heading.get_by_role("button").click()
    assert column(page, "User") == ["etl", "cdc", "app-01", "the database"]
    assert heading.get_attribute("aria-sort") == "descending"


def test_a_finding_opens_by_keyboard_and_shows_its_remedy(open_page: Open) -> None:
    report = mixed()
    etl = next(finding for finding in report.findings() if finding.user == "etl")
    page = open_page(report, "#search=etl")
    toggle = page.locator(".toggle")

    toggle.focus()
    page.keyboard.press("Enter")

    assert toggle.get_attribute("aria-expanded") == "true"
    assert page.locator(".more code").all_inner_texts() == [command_for(etl), call_for(etl)]
    assert "Why KA001 matters." in page.locator(".more").inner_text()

    page.keyboard.press("Enter")
    assert toggle.get_attribute("aria-expanded") == "false"
    assert page.locator(".more").count() == 0


def test_a_remedy_is_copied_exactly(open_page: Open) -> None:
    name = "$(reboot); `reboot` && 'x' \"y\" \\"
    finding = a_finding(a_database(1), user=name)
    page = open_page(
        a_report([read(finding.database, name)], [finding]),
        permissions=["clipboard-read", "clipboard-write"],
    )
    page.locator(".toggle").click()

    page.get_by_role("button", name="Copy the command").click()

    expect(page.get_by_role("button", name="Copy the command")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == command_for(finding)


def test_a_remedy_is_selected_where_the_clipboard_is_refused(open_page: Open) -> None:
    page = open_page(mixed(), "#search=etl")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(Error('no')); }")
    page.locator(".toggle").click()

    page.get_by_role("button", name="Copy the command").click()

    expect(page.get_by_role("button", name="Copy the command")).to_contain_text("Ctrl+C")
    selected = page.evaluate("String(getSelection())")
    assert selected == "dbusers users delete -p digitalocean id-000002 etl"


def test_hostile_names_stay_text(open_page: Open) -> None:
    page = open_page(hostile(), "#kind=failed")
    for toggle in page.locator(".toggle").all():
        toggle.click()

    assert page.locator(".more").count() == len(HOSTILE)
    assert page.evaluate("document.scripts.length") == 3
    assert page.locator("img, iframe, script[src], link").count() == 0
    shown = column(page, "User")
    for name in ("<script>alert(1)</script>", "]]></failure><!--", "{0}{user}{database}"):
        assert name in shown
        assert page.locator("#users").get_by_role("link", name=name, exact=True).count() == 1
    assert r"\u202egnp.exe" in shown
    assert r"\u2028\u2029" in shown


def test_a_hostile_address_stays_text(open_page: Open) -> None:
    page = open_page(mixed(), "#kind=<img src=x onerror=alert(1)>&user=<script>alert(2)</script>")

    assert "only user <script>alert(2)</script>" in status(page)
    assert page.locator("img").count() == 0
    assert page.evaluate("document.scripts.length") == 3


def test_the_policy_of_the_page_stops_what_others_put_in(browser: Browser, tmp_path: Path) -> None:
    smuggled = (
        "<script>window.smuggled = 1</script><img src='https://a.example/' onerror='smuggled = 2'>"
        "<style>body { display: none }</style><p style='color: red' id='p'>x</p>"
    )
    file = tmp_path / "smuggled.html"
    file.write_text(written(mixed(), "html").replace("<main>", f"<main>{smuggled}"))
    page = browser.new_page()
    failed: list[str | None] = []
    page.on("requestfailed", lambda request: failed.append(request.failure))

    page.goto(file.as_uri())
    fetched = page.evaluate("fetch('https://a.example/').then(() => 'answer', () => 'refused')")
    markup = page.evaluate(MARKUP)

    assert page.evaluate("window.smuggled") is None
    assert page.locator("main").is_visible()
    assert page.evaluate("getComputedStyle(document.getElementById('p')).color") != "rgb(255, 0, 0)"
    assert (markup, fetched) == ("TypeError", "refused")
    assert set(failed) == {"csp"}
    assert page.locator("#rows tr").count() == 4  # while the page's own script ran
    page.close()


def test_fifty_thousand_findings_are_filtered_at_once(open_page: Open) -> None:
    page = open_page(large(FLEET))
    assert status(page) == "1 to 50 of 50,000 findings that fit (50,000 in all)"

    started = time.perf_counter()
    page.get_by_label("Search").fill("orders-4999 app-07")
    assert column(page, "User") == ["app-07"]
    choose(page, "check", "KA001")
    page.get_by_label("Search").fill("")
    took = time.perf_counter() - started

    assert status(page) == "1 to 50 of 15,000 findings that fit (50,000 in all)"
    assert took < 5  # seconds, on a slow machine; about a third of one
    assert page.evaluate("document.querySelectorAll('*').length") < 2_500


def test_pages_are_turned(open_page: Open) -> None:
    page = open_page(large(120))
    numbers = []

    for turn in ("Next", "Last", "Previous", "First"):
        page.get_by_role("button", name=turn, exact=True).click()
        numbers.append((page.locator("#page").inner_text(), len(column(page, "User"))))

    assert numbers == [
        ("Page 2 of 3", ON_A_PAGE),
        ("Page 3 of 3", 20),
        ("Page 2 of 3", ON_A_PAGE),
        ("Page 1 of 3", ON_A_PAGE),
    ]
    assert page.get_by_role("button", name="First").is_disabled()
    assert page.get_by_role("button", name="Previous").is_disabled()
