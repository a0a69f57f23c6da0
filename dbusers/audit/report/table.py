"""Tables for a terminal: what was read, what was not, and then the findings, the worst first.

Through a pipe it is the same without colours, rules and line breaks. Needs rich (extra `cli`).
"""

import io
from collections.abc import Iterator, Sequence
from typing import Final, TextIO

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dbusers.audit.findings import Finding, Severity
from dbusers.audit.report.coverage import findings_in_words, headline, missing
from dbusers.audit.report.groups import Group, Kind, grouped
from dbusers.audit.report.model import AccountCoverage, Report
from dbusers.audit.report.pace import HEADINGS as PACE
from dbusers.audit.report.pace import cells, paced
from dbusers.audit.report.remedy import command_for
from dbusers.audit.report.text import shown, visible

EXAMPLES: Final = 10  # of one check; the other formats have them all
UNBOUNDED: Final = 100_000  # columns: through a pipe, nothing is broken or cut
STYLES: Final = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "blue",
}
HEADINGS: Final = {
    Kind.NOT_JUDGED: "NOT JUDGED: the check failed, so nothing is known",
    Kind.UNKNOWN: "UNKNOWN: the answers did not have what the check asks for",
    Kind.ACCEPTED: "ACCEPTED by the policy",
}
Cells = Sequence[str | Text]


def write(report: Report, out: TextIO) -> None:
    """Write the report as tables, as wide as the terminal."""
    on = Console(file=out, markup=False, highlight=False, emoji=False)
    if on.is_terminal:
        _print(on, report)
        return
    lines = io.StringIO()
    _print(Console(file=lines, markup=False, emoji=False, width=UNBOUNDED), report)
    out.writelines(f"{line.rstrip()}\n" for line in lines.getvalue().splitlines())


def _print(on: Console, report: Report) -> None:
    _header(on, report)
    _pace(on, report)
    _missing(on, report)
    _findings(on, report)


def _header(on: Console, report: Report) -> None:
    on.print(Text(headline(report), "green" if report.complete else "bold red"))
    about = f"run {visible(report.run_id)}, {report.started:%Y-%m-%d %H:%M} {report.started:%Z}"
    on.print(Text(f"{about.rstrip()}, source of users: {report.source}", "dim"))
    on.print()
    rows = [_account(each) for each in report.accounts]
    if len(rows) > 1:
        rows.append(_account(report.total))
    headings = ("Account", "Provider", "Databases", "Read", "Failed", "Skipped", "Users")
    asked = any(each.requests is not None for each in report.accounts)
    _table(on, (*headings, "Requests") if asked else headings, rows, text_columns=2)


def _account(each: AccountCoverage) -> Cells:
    figures = (each.databases, each.read, each.failed, each.skipped, each.users)
    cells: list[str | Text] = [shown(each.account, 40), shown(each.provider, 40)]
    if each.error is None:
        cells += [f"{figure:,}" for figure in figures]
    else:
        cells += [Text("not listed", "bold red"), *["?"] * (len(figures) - 1)]
    cells.append("" if each.requests is None else f"{each.requests:,}")
    return cells


def _pace(on: Console, report: Report) -> None:
    rows = [(shown(each.account, 40), *cells(each)) for each in paced(report)]
    if rows:
        on.print()
        _table(on, PACE, rows, text_columns=1)


def _missing(on: Console, report: Report) -> None:
    rows: list[Cells] = [
        (
            shown(one.account, 40),
            shown(one.database.name) if one.database else "(account)",
            shown(one.database.id) if one.database else "",
            shown(one.error, 300),
        )
        for one in missing(report)
    ]
    if rows:
        on.print()
        on.print(Text("NOT READ", "bold red"))
        _table(on, ("Account", "Database", "Id", "Why"), rows)


def _findings(on: Console, report: Report) -> None:
    on.print()
    on.print(Text(f"Findings: {findings_in_words(report)}", "bold"))
    for title, groups in _by_heading(grouped(report, EXAMPLES)):
        on.print()
        on.print(title)
        for group in groups:
            _group(on, group)


def _by_heading(groups: Sequence[Group]) -> Iterator[tuple[Text, list[Group]]]:
    titles = {_heading(group): None for group in groups}
    for title in titles:
        style = next((STYLES[s] for s in Severity if s.name == title), "bold")
        yield Text(title, style), [group for group in groups if _heading(group) == title]


def _heading(group: Group) -> str:
    return HEADINGS.get(group.kind, group.severity.name)


def _group(on: Console, group: Group) -> None:
    check = group.check
    _line(on, 2, f"{check.id}  {check.title}: {group.total:,}")
    if group.kind is Kind.UNKNOWN:
        return
    for finding in group.examples:
        _line(on, 6, _example(finding))
    if group.more:
        _line(on, 6, f"and {group.more:,} more", "dim")
    if group.kind is Kind.FAILED:
        _line(on, 6, f"Remedy: {check.remedy}", "dim")
        command = next(filter(None, map(command_for, group.examples)), "")
        if command:
            # Left to the terminal to break: copied from there, it is still one line.
            said = f"      For example: {shown(command, 400)}"
            on.print(Text(said, "dim"), soft_wrap=True)


def _line(on: Console, indent: int, text: str, style: str = "") -> None:
    on.print(Padding(Text(text, style, overflow="fold"), (0, 0, 0, indent), expand=False))


def _example(finding: Finding) -> str:
    database = finding.database
    parts = [shown(database.account, 40)] if database.account else []
    parts.append(shown(database.name))
    if finding.user is not None:
        parts.append(shown(finding.user))
    said = finding.suppressed if finding.suppressed is not None else finding.detail
    return " / ".join(parts) + (f": {shown(said, 300)}" if said else "")


def _table(
    on: Console, headings: Sequence[str], rows: Sequence[Cells], *, text_columns: int | None = None
) -> None:
    """Print rows; the columns after the first `text_columns` are figures."""
    table = Table(
        box=box.SIMPLE_HEAD if on.is_terminal else None,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for number, heading in enumerate(headings):
        figures = text_columns is not None and number >= text_columns
        table.add_column(
            heading, justify="right" if figures else "left", overflow="fold", no_wrap=figures
        )
    for row in rows:
        cells = [cell if isinstance(cell, Text) else Text(cell) for cell in row]
        table.add_row(*cells[: len(headings)])
    on.print(table)
