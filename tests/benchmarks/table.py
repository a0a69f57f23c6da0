"""Rows as a table in Markdown, aligned so that it reads well in a terminal too."""

from tests.benchmarks.rounds import Quartiles
from tests.benchmarks.rows import OURS, Row


def table(rows: list[Row]) -> str:
    """Return the table; columns in which nothing stands are left out."""
    peers = list(dict.fromkeys(name for row in rows for name in row.costs if name != OURS))
    head = ["what", "floor", OURS, "ratio (quartiles)", "goal", *peers]
    body = [
        [row.what, row.floor, row.ours, _own(row), _goal(row), *(_peer(row, p) for p in peers)]
        for row in rows
    ]
    columns = [column for column in zip(head, *body, strict=True) if any(column[1:])]
    widths = [max(map(len, column)) for column in columns]
    lines = [" | ".join(map(str.ljust, line, widths)) for line in zip(*columns, strict=True)]
    rule = " | ".join("-" * width for width in widths)
    return "\n".join(f"| {line} |" for line in (lines[0], rule, *lines[1:]))


def _own(row: Row) -> str:
    cost = row.costs[OURS]
    spread = f" ({cost.lower:.2f} to {cost.upper:.2f})" if cost.lower < cost.upper else ""
    return f"**{cost.median:.2f}{row.unit}**{spread}"


def _goal(row: Row) -> str:
    if row.goal is None:
        return ""
    return f"{row.goal:.2f}{row.unit}: {'reached' if row.reached else 'missed'}"


def _peer(row: Row, name: str) -> str:
    cost: Quartiles | None = row.costs.get(name)
    return (
        "" if cost is None else f"{cost.median:.2f}" if cost.median < 10 else f"{cost.median:.0f}"
    )
