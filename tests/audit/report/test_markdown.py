"""Markdown, as a renderer that is not ours understands it."""

import re
from html.parser import HTMLParser

from markdown_it import MarkdownIt

from dbusers.audit.report import Report
from dbusers.audit.report.text import shown
from tests.audit.report.fleet import HOSTILE, clean, hostile, incomplete, mixed, written


class Page(HTMLParser):
    """The tags of a page, and the text of its `<code>` elements."""

    def __init__(self) -> None:
        super().__init__()
        self.tags = set[str]()
        self.codes = list[str]()
        self.rows = list[int]()
        self._in_code = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append(0)
        if tag in {"td", "th"}:
            self.rows[-1] += 1
        if tag == "code":
            self._in_code = True
            self.codes.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "code":
            self._in_code = False

    def handle_data(self, data: str) -> None:
        if self._in_code:
            self.codes[-1] += data


def page(report: Report) -> Page:
    made = Page()
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")
    made.feed(markdown.render(written(report, "markdown")))
    made.close()
    return made


OURS = {"h1", "h2", "p", "strong", "code"} | {"table", "thead", "tbody", "tr", "th", "td"}


def test_names_make_no_element_link_or_image() -> None:
    assert page(hostile()).tags == OURS


def test_no_angle_bracket_of_a_name_is_left_to_a_renderer() -> None:
    text = written(hostile(), "markdown")

    assert not re.search("<(?!/?code>)", text)


def test_names_are_shown_as_they_are() -> None:
    codes = set(page(hostile()).codes)

    assert {shown(name) for name in HOSTILE if name} <= codes


def test_names_keep_to_their_cells() -> None:
    assert set(page(hostile()).rows) == {8, 4, 5}


def test_no_link_is_made_of_a_name_where_links_are_made_of_text() -> None:
    # GitHub also makes links of bare addresses, mentions and numbers; a backslash parts them.
    text = written(hostile(), "markdown")

    assert not re.search(r"https?://evil|www\.evil|(?<!\\)@(?=SUM|everyone)|(?<!\\)#1", text)


def test_the_coverage_comes_first() -> None:
    text = written(incomplete(), "markdown").splitlines()

    assert text[0] == "# Audit of database users"
    assert text[2].startswith("**INCOMPLETE: 1 account not listed, 1 database not read;")
    assert text.index("## Not read") < text.index("## High: PG001 Password kept as an MD5 hash (1)")


def test_groups_are_headed_by_severity_and_check() -> None:
    text = written(mixed(), "markdown")

    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "Critical: KA001 Admin on all topics (1)",
        "Critical: PG001 Password kept as an MD5 hash (1)",
        "High: PG001 Password kept as an MD5 hash (1)",
        "Low: US003 No read-only user (1)",
        "Unknown: PG001 Password kept as an MD5 hash (1)",
        "Accepted by the policy: KA001 Admin on all topics (1)",
    ]


def test_a_clean_report_is_short() -> None:
    text = written(clean(), "markdown")

    assert "**Complete: 3 databases of 1 account; 2 read, 1 without users to read**" in text
    assert "##" not in text
