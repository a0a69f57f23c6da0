"""Measure, print the tables, and write them into docs/performance.md if all of it was measured."""

import argparse
import os
from collections.abc import Callable
from typing import Final

import attrs

from tests.benchmarks import audit, chains, decoding, growth, imports, machine, page, requests
from tests.benchmarks.plot import plot
from tests.benchmarks.rows import Findings
from tests.benchmarks.table import table

QUICK: Final = 0.1  # of the rounds

Measure = Callable[[float], Findings]


@attrs.frozen
class Section:
    """A heading of the page, its picture, and the parts that stand under it in one table."""

    heading: str
    picture: str
    parts: dict[str, Measure]


SECTIONS: Final = (
    Section(
        "Beside the floor",
        "images/performance.svg",
        {
            "requests": requests.measure,
            "decoding": decoding.measure,
            "imports": imports.measure,
            "chains": chains.measure,
        },
    ),
    Section("As work grows", "images/performance-growth.svg", {"growth": growth.measure}),
    Section("A whole audit", "images/performance-audit.svg", {"audit": audit.measure}),
)
PARTS: Final = [name for section in SECTIONS for name in section.parts]


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"only these of {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} of the rounds; not written")
    chosen = parser.parse_args()
    wanted = chosen.part or PARTS
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}")

    load = os.getloadavg()[0]
    texts, pictures = [], {}
    for section in SECTIONS:
        measures = [measure for name, measure in section.parts.items() if name in wanted]
        if measures:
            found = [measure(QUICK if chosen.quick else 1.0) for measure in measures]
            rows = [row for each in found for row in each.rows]
            notes = [note for each in found for note in each.notes]
            pictures[section.picture] = plot(section.heading, rows)
            texts.append(_text(section, table(rows), notes))
            print(table(rows), *notes, sep="\n", end="\n\n", flush=True)
    notes = machine.described(load)
    print(*notes, sep="\n")
    if wanted == PARTS and not chosen.quick:
        page.write("\n\n".join([" ".join(notes), *texts]), pictures)


def _text(section: Section, rows: str, notes: list[str]) -> str:
    picture = (
        f"![{section.heading}: what the table says, as ratios to the floor]({section.picture})"
    )
    lines = "\n".join(f"- {note}" for note in notes)
    return f"## {section.heading}\n\n{picture}\n\n{rows}" + (f"\n\n{lines}" if lines else "")


if __name__ == "__main__":
    main()
