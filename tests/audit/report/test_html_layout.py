"""The page as it is laid out: on a phone, in print, in the dark, and without scripts."""

from typing import Any, Final

import attrs
import pytest

from dbusers.audit.findings import Severity
from tests.audit.report.chromium import ON_A_PAGE, WINDOW, Open, column
from tests.audit.report.fleet import a_database, a_finding, clean, hostile, incomplete, large, mixed

PHONE: Final = {"width": 390, "height": 844}


def test_print_has_more_than_a_page_of_findings(open_page: Open) -> None:
    page = open_page(large(300), viewport=WINDOW)

    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    assert len(column(page, "User")) == 300
    assert not page.locator("form").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert len(column(page, "User")) == ON_A_PAGE


@pytest.mark.parametrize("make", [clean, mixed, incomplete, hostile])
def test_a_phone_scrolls_in_one_direction_only(open_page: Open, make: Any) -> None:
    page = open_page(make(), viewport=PHONE, is_mobile=True, has_touch=True)

    for toggle in page.locator(".toggle").all()[:3]:
        toggle.tap()

    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_on_a_phone_a_finding_is_a_card(open_page: Open) -> None:
    page = open_page(mixed(), viewport=PHONE, is_mobile=True)

    cells = [cell.bounding_box() for cell in page.locator("#rows tr").first.locator("td").all()]

    assert len({box["x"] for box in cells if box}) == 1
    assert len({box["y"] for box in cells if box}) == len(cells) == 6


def test_without_scripts_everything_but_the_table_is_there(open_page: Open) -> None:
    page = open_page(incomplete(), java_script_enabled=False)

    assert page.get_by_text("INCOMPLETE:").is_visible()
    assert page.get_by_text("503 unavailable: try later").is_visible()
    assert page.get_by_role("table", name="Findings by engine and severity").is_visible()
    assert page.get_by_text("needs JavaScript").is_visible()
    assert not page.locator("#explorer").is_visible()


CONTRAST: Final = """
() => {
  const numbers = (color) => {
    const found = color.match(/[\\d.]+/g).map(Number);
    if (color.startsWith("color(")) return found;
    return [...found.slice(0, 3).map((n) => n / 255), found[3] ?? 1];
  };
  const light = (color) => {
    const linear = (n) => (n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = numbers(color).map(linear);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (numbers(color)[3] !== 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const low = [];
  for (const element of document.querySelectorAll("body *:not(script):not(svg *)")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || element.disabled || !element.checkVisibility()) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort();
    if ((b + 0.05) / (a + 0.05) < 4.5) low.push(`${element.tagName}.${element.className}`);
  }
  return low;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(open_page: Open, scheme: str) -> None:
    report = incomplete()
    database = a_database(1)
    findings = [
        *mixed().findings(),
        *(a_finding(database, user=f"u{n}", severity=s) for n in range(9) for s in Severity),
    ]
    report = attrs.evolve(report, findings=lambda: iter(findings), history=mixed().history)
    page = open_page(report, "#kind=", color_scheme=scheme)
    page.locator(".toggle").first.click()

    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 28)"}[scheme]
    assert page.evaluate(CONTRAST) == []
