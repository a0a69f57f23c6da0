"""One JSON document with all that JSON Lines has, the summary and what is missing first."""

from collections.abc import Iterator
from typing import TextIO

from dbusers.audit.report.coverage import missing
from dbusers.audit.report.model import Report
from dbusers.audit.report.values import (
    Value,
    encoded,
    missing_value,
    run_value,
    sections,
    summary_value,
)


def write(report: Report, out: TextIO) -> None:
    """Write the report as one JSON document, an item of each list on a line of its own."""
    out.write(f'{{"run":{encoded(run_value(report))},\n"summary":{encoded(summary_value(report))}')
    for name, values in _lists(report):
        out.write(f',\n"{name}":[')
        for number, value in enumerate(values):
            out.write(f"{',' if number else ''}\n{encoded(value)}")
        out.write("]")
    out.write("}\n")


def _lists(report: Report) -> Iterator[tuple[str, Iterator[Value]]]:
    yield "missing", (missing_value(one) for one in missing(report))
    for kind, values in sections(report):
        yield f"{kind}s", values
