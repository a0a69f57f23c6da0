"""HTML: one page to read and filter offline, on a phone and in print.

Everything is in the file, and its Content-Security-Policy lets it load nothing and run only what
was written here: the style sheet and the script are allowed by their hashes. The figures are made
here, as elements (`markup` escapes all text); `page.js` makes the table of findings out of the
JSON that `rows` writes, a page at a time.
"""

import base64
import hashlib
from collections.abc import Iterator
from importlib.resources import files
from typing import Final, TextIO

from dbusers.audit.report.html.explorer import explorer
from dbusers.audit.report.html.figures import accounts, checks, drift, heat_map, riskiest
from dbusers.audit.report.html.markup import Html, tag
from dbusers.audit.report.html.opening import coverage, not_read, opening
from dbusers.audit.report.html.rows import check_rows, finding_rows
from dbusers.audit.report.html.summary import summary_of
from dbusers.audit.report.model import Report

STYLE: Final = Html(files(__package__).joinpath("page.css").read_text("utf-8"))
SCRIPT: Final = Html(files(__package__).joinpath("page.js").read_text("utf-8"))


def write(report: Report, out: TextIO) -> None:
    """Write the report as one HTML page, in ASCII."""
    out.writelines(_parts(report))


def _parts(report: Report) -> Iterator[str]:
    yield "<!doctype html>\n"
    yield '<html lang="en">\n'
    yield _head(report)
    yield "<body>\n"
    yield opening(report)
    yield "<main>\n"
    yield coverage(report)
    yield from not_read(report)
    summary = summary_of(report)
    yield heat_map(summary.engines)
    yield accounts(report, summary.accounts)
    yield riskiest(summary.riskiest)
    yield drift(report.history)
    yield checks(report)
    yield explorer()
    yield "</main>\n"
    yield from _data("checks", check_rows(report))
    yield from _data("findings", finding_rows(report))
    yield tag("script", SCRIPT)
    yield "\n</body>\n</html>\n"


def _head(report: Report) -> Html:
    policy = (
        "default-src 'none'",
        f"style-src '{_hash(STYLE)}'",
        f"script-src '{_hash(SCRIPT)}'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    csp = "Content-Security-Policy"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv=csp, content="; ".join(policy)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"Audit of database users, {report.started:%Y-%m-%d %H:%M}"),
        tag("style", STYLE),
    )


def _hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def _data(name: str, rows: Iterator[str]) -> Iterator[str]:
    """Yield a list as JSON that the browser does not run, a line for each row."""
    yield f'<script type="application/json" id="{name}-data">['
    separator = "\n"
    for row in rows:
        yield separator + row
        separator = ",\n"
    yield "\n]</script>\n"
