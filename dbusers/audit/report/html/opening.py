"""The top of the page: whether all was read, what was not, and what was found in all."""

from collections.abc import Iterator
from typing import Final

from dbusers.audit.report.coverage import Missing, headline, missing
from dbusers.audit.report.html.bars import bar, legend
from dbusers.audit.report.html.markup import Html, filtered, joined, tag
from dbusers.audit.report.html.tables import heading_row, table
from dbusers.audit.report.model import AccountCoverage, ExitCode, Report
from dbusers.audit.report.pace import ABOUT as PACE_ABOUT
from dbusers.audit.report.pace import HEADINGS as PACE
from dbusers.audit.report.pace import cells, paced
from dbusers.audit.report.values import severity_name

ENDINGS: Final = {
    ExitCode.CLEAN: "nothing to report",
    ExitCode.FINDINGS: "findings",
    ExitCode.INCOMPLETE: "incomplete",
    ExitCode.INTERRUPTED: "interrupted, can be resumed",
}
WORDS: Final = (
    "Unknown: the provider's answer did not have what the check asks for. "
    "Accepted: the policy suppresses it, for a reason and until a date."
)
SECTIONS: Final = {
    "coverage": "Coverage",
    "engines": "Engines",
    "accounts": "Accounts",
    "users": "Users",
    "drift": "Runs",
    "checks": "Checks",
    "findings": "Findings",
}

NOT_READ: Final = (
    "Nothing is known of the users of these databases. That they have no findings says nothing: "
    "read them again with --retry-failed, or find out why they cannot be read."
)


def opening(report: Report) -> Html:
    """Return the title, whether the report is about everything, and what was found."""
    complete = report.complete
    links = (tag("a", words, href=f"#{name}") for name, words in SECTIONS.items())
    return tag(
        "header",
        tag("h1", "Audit of database users"),
        _run(report),
        tag(
            "p",
            tag("span", "\u2713" if complete else "\u26a0", class_="sign", aria_hidden="true"),
            tag("strong", headline(report)),
            class_="state complete" if complete else "state incomplete",
        ),
        tag("h2", "Coverage"),
        _read(report.total),
        tag("h2", "What was found"),
        _found(report),
        tag("nav", *links, aria_label="Sections"),
    )


def coverage(report: Report) -> Html:
    """Return how much was read of each account."""
    rows = [*map(_account, report.accounts)]
    if len(rows) > 1:
        rows.append(_account(report.total, total=True))
    headings = ("Account", "Provider", "Databases", "Read", "Failed", "Skipped", "Not reached")
    return tag(
        "section",
        tag("h2", "Coverage by account"),
        table(
            (*headings, "Users", "Requests"),
            rows,
            caption="Coverage by account",
            texts=2,
            class_="cards compact",
        ),
        *_pace(report),
        id="coverage",
    )


def _pace(report: Report) -> Iterator[Html]:
    """Yield the requests and the time of each account, as planned and as they were."""
    rows = [(each.account, *cells(each)) for each in paced(report)]
    if rows:
        yield tag("p", PACE_ABOUT, class_="note")
        yield table(PACE, rows, caption="Requests and time by account", class_="cards compact")


def not_read(report: Report) -> Iterator[Html]:
    """Yield the table of what is not known, every database by name; nothing if all was read."""
    rows = iter(missing(report))
    first = next(rows, None)
    if first is None:
        return
    headings = ("Account", "Database", "Id", "Why", "Later")
    yield Html('<section id="not-read">')
    yield tag("h2", "Not read")
    yield tag("p", NOT_READ)
    yield Html('<div class="scroll tall" tabindex="0" role="region" aria-label="Not read">')
    yield Html('<table class="cards">')
    yield heading_row(headings, texts=len(headings))
    yield _missing(first, headings)
    for one in rows:
        yield _missing(one, headings)
    yield Html("</table></div></section>\n")


def _run(report: Report) -> Html:
    finished = report.finished
    facts = {
        "Run": report.run_id,
        "Started": f"{report.started:%Y-%m-%d %H:%M:%S %Z}",
        "Finished": f"{finished:%Y-%m-%d %H:%M:%S %Z}" if finished else "not finished",
        "Source of users": report.source,
        "Fails from": severity_name(report.fail_on),
        "Exit code": f"{int(report.exit_code)} ({ENDINGS[report.exit_code]})",
        "dbusers": report.version,
    }
    if report.shard is not None:
        facts["Shard"] = report.shard
    return tag(
        "dl",
        *(tag("div", tag("dt", name), tag("dd", fact)) for name, fact in facts.items()),
        class_="run",
    )


def _found(report: Report) -> Html:
    tally = report.tally
    tiles = [
        _tile(count, name, name, filtered(severity=name, kind="failed"))
        for name, count in ((severity_name(s), count) for s, count in tally.failed.items())
    ]
    tiles.append(_tile(tally.unknown, "unknown", "unknown", filtered(kind="unknown")))
    if tally.errors:
        tiles.append(_tile(tally.errors, "not judged", "error", filtered(kind="not judged")))
    tiles.append(_tile(tally.suppressed, "accepted", "accepted", filtered(kind="accepted")))
    return joined(
        [
            tag("ul", *tiles, class_="tiles", aria_label="Findings"),
            tag("p", WORDS, class_="note"),
        ]
    )


def _read(total: AccountCoverage) -> Html:
    """Return how much was read in all."""
    parts = [(name, count) for name, count in _shares(total) if count]
    words = ((name, name.replace("-", " ")) for name, _ in parts)
    return joined([_tiles(total), bar(parts, total.databases), legend(words)])


def _tiles(total: AccountCoverage) -> Html:
    requests = "not counted" if total.requests is None else total.requests
    parts = {
        "databases": total.databases,
        "read": total.read,
        "failed": total.failed,
        "skipped": total.skipped,
        "users": total.users,
        "requests used": requests,
    }
    if total.not_reached:
        parts["not reached"] = total.not_reached
    tiles = (
        _tile(count, name, "failed" if name in {"failed", "not reached"} and count else "")
        for name, count in parts.items()
    )
    return tag("ul", *tiles, class_="tiles", aria_label="Coverage")


def _tile(count: int | str, words: str, class_: str, href: str | None = None) -> Html:
    number = f"{count:,}" if isinstance(count, int) else count
    inside = joined([tag("b", number), tag("span", words)])
    return tag("li", tag("a", inside, href=href) if href else inside, class_=class_ or None)


def _shares(each: AccountCoverage) -> list[tuple[str, int]]:
    return [
        ("read", each.read),
        ("failed", each.failed),
        ("skipped", each.skipped),
        ("not-reached", each.not_reached),
    ]


def _account(each: AccountCoverage, *, total: bool = False) -> tuple[str, ...]:
    figures_ = (
        each.databases,
        each.read,
        each.failed,
        each.skipped,
        each.not_reached,
        each.users,
    )
    name = tag("strong", "All accounts") if total else joined([each.account])
    requests = "" if each.requests is None else f"{each.requests:,}"
    if each.error is not None:
        return (name, each.provider, tag("strong", "not listed"), *["?"] * 5, requests)
    return (name, each.provider, *(f"{figure:,}" for figure in figures_), requests)


def _missing(one: Missing, headings: tuple[str, ...]) -> Html:
    database = one.database
    cells = (
        one.account,
        database.name if database else "(all or part of the account)",
        database.id if database else "",
        one.error,
        "may succeed" if one.retryable else "",
    )
    labelled = zip(headings, cells, strict=True)
    return tag(
        "tr", *(tag("td", cell, class_="text", data_label=label) for label, cell in labelled)
    )
