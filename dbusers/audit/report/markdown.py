"""Markdown, for an issue, a pull request or a job's summary.

Names stand in `<code>`, where a `@name` notifies nobody and `#1` links nowhere, with everything
escaped that Markdown or HTML would act on; so is all that may hold a name.
"""

from collections.abc import Iterator
from string import punctuation
from typing import Final, TextIO

from dbusers.audit.findings import Finding
from dbusers.audit.report.coverage import findings_in_words, headline, missing
from dbusers.audit.report.groups import Group, Kind, grouped
from dbusers.audit.report.model import AccountCoverage, Report
from dbusers.audit.report.pace import ABOUT as PACE_ABOUT
from dbusers.audit.report.pace import HEADINGS as PACE
from dbusers.audit.report.pace import cells, paced
from dbusers.audit.report.remedy import command_for
from dbusers.audit.report.text import shown

EXAMPLES: Final = 50  # of one check: what takes Markdown limits its length
ENTITIES: Final = {"<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;", "`": "&#96;"}
# With "." and ":", so that a URL is not made a link.
ESCAPED: Final = str.maketrans(
    {mark: ENTITIES.get(mark, f"\\{mark}") for mark in punctuation if mark not in "-,"}
)
# What a check says of itself: a title, a remedy; links in it are meant.
ESCAPED_PROSE: Final = str.maketrans(
    {mark: ENTITIES.get(mark, f"\\{mark}") for mark in "<>&`*_[]|#~$\\"}
)
TITLES: Final = {
    Kind.NOT_JUDGED: "Not judged",
    Kind.UNKNOWN: "Unknown",
    Kind.ACCEPTED: "Accepted by the policy",
}


def write(report: Report, out: TextIO) -> None:
    """Write the report as Markdown with tables (GitHub's flavour)."""
    for line in _lines(report):
        out.write(line + "\n")


def anyones(text: str, longest: int = 300) -> str:
    """Return text that may hold a name such that Markdown shows it as it is."""
    return shown(text, longest).translate(ESCAPED)


def code(text: str) -> str:
    """Return a name, as code."""
    return f"<code>{anyones(text, 120)}</code>" if text else ""


def prose(text: str) -> str:
    """Return our own words such that Markdown makes nothing else of them."""
    return text.translate(ESCAPED_PROSE)


def _lines(report: Report) -> Iterator[str]:
    yield "# Audit of database users"
    yield ""
    yield f"**{prose(headline(report))}**"
    yield ""
    yield f"Findings: {findings_in_words(report)}"
    yield ""
    yield from _accounts(report)
    yield from _pace(report)
    yield from _missing(report)
    for group in grouped(report, EXAMPLES):
        yield from _group(group)


def _accounts(report: Report) -> Iterator[str]:
    yield "| Account | Provider | Databases | Read | Failed | Skipped | Users | Requests |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    rows = [*report.accounts, report.total] if len(report.accounts) > 1 else report.accounts
    for each in rows:
        yield _row(code(each.account), anyones(each.provider), *_figures(each))
    yield ""


def _figures(each: AccountCoverage) -> Iterator[str]:
    if each.error is not None:
        yield from ("not listed", "?", "?", "?", "?")
    else:
        for figure in (each.databases, each.read, each.failed, each.skipped, each.users):
            yield f"{figure:,}"
    yield "" if each.requests is None else f"{each.requests:,}"


def _pace(report: Report) -> Iterator[str]:
    rows = [_row(code(each.account), *cells(each)) for each in paced(report)]
    if rows:
        yield PACE_ABOUT
        yield ""
        yield _row(*PACE)
        yield "| --- | ---: | ---: | ---: | ---: |"
        yield from rows
        yield ""


def _missing(report: Report) -> Iterator[str]:
    rows = [
        _row(
            code(one.account),
            code(one.database.name) if one.database else "all of it",
            code(one.database.id) if one.database else "",
            anyones(one.error),
        )
        for one in missing(report)
    ]
    if rows:
        yield "## Not read"
        yield ""
        yield "| Account | Database | Id | Why |"
        yield "| --- | --- | --- | --- |"
        yield from rows
        yield ""


def _group(group: Group) -> Iterator[str]:
    check = group.check
    title = TITLES.get(group.kind, group.severity.name.capitalize())
    yield f"## {title}: {prose(check.id)} {prose(check.title)} ({group.total:,})"
    yield ""
    if group.kind is Kind.UNKNOWN:
        yield "The answers did not have what the check asks for."
        yield ""
        return
    yield prose(check.rationale)
    yield ""
    if group.kind is Kind.FAILED:
        yield f"Remedy: {prose(check.remedy)}"
        yield ""
    yield "| Account | Database | User | What | Command |"
    yield "| --- | --- | --- | --- | --- |"
    for finding in group.examples:
        yield _finding(finding)
    yield ""
    if group.more:
        yield f"… and {group.more:,} more"
        yield ""


def _finding(finding: Finding) -> str:
    said = finding.suppressed if finding.suppressed is not None else finding.detail
    return _row(
        code(finding.database.account),
        code(finding.database.name),
        code(finding.user or ""),
        anyones(said),
        code(command_for(finding)),
    )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
