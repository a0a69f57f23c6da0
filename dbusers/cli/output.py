"""What a command prints: tables for people, JSON for programs, and nothing that acts on a terminal.

Names come from a provider and are anyone's text: they are never read as markup, and characters that
a terminal would obey are shown as escapes.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import compress
from typing import Any

import attrs
import typer
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from dbusers.absent import ABSENT
from dbusers.model import Model
from dbusers.secret import Secret

UNBOUNDED = 1_000_000  # columns, for measuring what a table would like to have


class Output(StrEnum):
    """For whom a command prints."""

    TABLE = "table"
    JSON = "json"


Columns = Mapping[str, Callable[[Any], str]]
"""The columns of a table: heading, and how to get the cell from a model."""


def printable(text: str) -> str:
    """Return `text` with every character that does not print as an escape, in ASCII."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def console() -> Console:
    """Return a console on stdout that takes every text literally."""
    return Console(markup=False, highlight=False, emoji=False)


def print_list(
    models: Sequence[Any],
    columns: Columns,
    output: Output,
    *,
    show_secrets: bool = False,
    stacked: bool = False,
) -> None:
    """Print models, one in each row or as a JSON array.

    `stacked` puts the second column over the first one where a screen is too narrow for both.
    """
    if output is Output.JSON:
        print_json([plain(model, show_secrets=show_secrets) for model in models])
    elif models:
        _print_table(models, columns, stacked=stacked)
    else:
        typer.echo("(none)", err=True)


def _print_table(models: Sequence[Any], columns: Columns, *, stacked: bool) -> None:
    rows = [[cell(column(model)) for column in columns.values()] for model in models]
    filled = [any(column) for column in zip(*rows, strict=True)]
    headings = list(compress(columns, filled))
    rows = [list(compress(row, filled)) for row in rows]
    on = console()
    if not on.is_terminal:
        _print_aligned([[Text(heading) for heading in headings], *rows])
        return
    table = _table(headings, rows)
    unbounded = on.options.update(max_width=UNBOUNDED)
    if stacked and Measurement.get(on, unbounded, table).maximum > on.width:
        headings[:2] = [f"{headings[1]}, {headings[0]}"]
        for row in rows:
            row[:2] = [Text.assemble(row[1], "\n", (row[0].plain, "dim"))]
        table = _table(headings, rows)
    on.print(table)


def _table(headings: Sequence[str], rows: Sequence[Sequence[Text]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for number, heading in enumerate(headings):
        # The first column is what the next command is given: it stays in one piece.
        table.add_column(heading, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def print_one(model: Any, columns: Columns, output: Output, *, show_secrets: bool = False) -> None:
    """Print one model, a field in each line or as a JSON object."""
    if output is Output.JSON:
        print_json(plain(model, show_secrets=show_secrets))
        return
    rows = [
        (Text(heading, style="dim"), cell(text))
        for heading, column in columns.items()
        if (text := column(model))
    ]
    on = console()
    if not on.is_terminal:
        _print_aligned(rows)
        return
    grid = Table.grid(padding=(0, 2))
    for row in rows:
        grid.add_row(*row)
    on.print(grid)


def _print_aligned(rows: Sequence[Sequence[Text]]) -> None:
    """Print rows for a pipe: each in one line, however long, and nothing at its end."""
    widths = [max(text.cell_len for text in column) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (
            text.plain + " " * (width - text.cell_len)
            for text, width in zip(row, widths, strict=True)
        )
        typer.echo("  ".join(padded).rstrip(" "))


def cell(text: str) -> Text:
    """Return a provider's text for a table."""
    return Text(printable(text), overflow="fold")


def print_json(value: Any) -> None:
    """Print JSON in which only what prints stands unescaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    typer.echo("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text))


def plain(value: Any, *, show_secrets: bool) -> Any:
    """Return a model as JSON values, under the provider's names.

    Without `show_secrets` every secret is left out, and so is every field that the SDK does not
    know: it may hold one.
    """
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [plain(item, show_secrets=show_secrets) for item in value]
    if not attrs.has(type(value)):
        return value
    unknown = dict(value.additional_data) if isinstance(value, Model) and show_secrets else {}
    return {
        field.name: plain(content, show_secrets=show_secrets)
        for field in attrs.fields(type(value))
        if field.name != "additional_data"
        and (content := getattr(value, field.name)) is not ABSENT
        and (show_secrets or not isinstance(content, Secret))
    } | unknown
