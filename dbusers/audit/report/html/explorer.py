"""The frame of the table of findings: its filters and its empty table, which `page.js` fills."""

from typing import Final

from dbusers.audit.report.html.markup import Html, tag

SELECTS: Final = {
    "kind": "Kind",
    "severity": "Severity",
    "engine": "Engine",
    "account": "Account",
    "check": "Check",
}
COLUMNS: Final = {
    "severity": "Severity",
    "check": "Check",
    "database": "Database",
    "user": "User",
    "account": "Account",
}
WITHOUT_SCRIPT: Final = (
    "The table of single findings needs JavaScript, which did not run. All figures "
    "above are there without it; the formats csv and jsonl have every finding."
)


def explorer() -> Html:
    """Return the section in which findings are filtered, sorted and read one by one."""
    return tag(
        "section",
        tag("h2", "Findings", tabindex="-1", id="findings-title"),
        tag("p", WITHOUT_SCRIPT, id="without-script"),
        tag("div", _filters(), _status(), _table(), _pages(), id="explorer", hidden=True),
        id="findings",
    )


def _filters() -> Html:
    search = tag(
        "label",
        tag("span", "Search"),
        tag(
            "input",
            type="search",
            name="search",
            placeholder="user, database, check, words \u2026",
            autocomplete="off",
            spellcheck="false",
        ),
        class_="search",
    )
    selects = (
        tag("label", tag("span", words), tag("select", name=name))
        for name, words in SELECTS.items()
    )
    clear = tag("button", "Clear", type="reset")
    return tag("form", search, *selects, clear, role="search", aria_label="Filter findings")


def _status() -> Html:
    return tag("p", id="status", role="status", aria_live="polite")


def _table() -> Html:
    sortable = (
        tag("th", tag("button", words, type="button", data_sort=name), scope="col")
        for name, words in COLUMNS.items()
    )
    heading = tag("thead", tag("tr", *sortable, tag("th", "What was found", scope="col")))
    caption = tag("caption", "Findings", class_="unseen")
    # The style sheet lays it out as cards on a phone; with roles it stays a table for a reader.
    body = tag("tbody", id="rows", role="rowgroup")
    return tag("table", caption, heading, body, class_="cards findings", role="table")


def _pages() -> Html:
    turns = {"first": "First", "previous": "Previous", "next": "Next", "last": "Last"}
    buttons = [tag("button", words, type="button", data_turn=name) for name, words in turns.items()]
    buttons.insert(2, tag("span", id="page"))
    return tag("nav", *buttons, class_="pages", aria_label="Pages of findings")
