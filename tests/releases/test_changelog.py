"""One version, and a changelog that knows it."""

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Final

import dbusers

ROOT: Final = Path(__file__).parents[2]
HEADING: Final = re.compile(r"^## (\d+)\.(\d+)\.(\d+) \((unreleased|\d{4}-\d{2}-\d{2})\)$")


def headings() -> list[tuple[tuple[int, ...], str]]:
    """Return version and date of each entry, from the top."""
    found = []
    for line in (ROOT / "CHANGELOG.md").read_text().splitlines():
        if line.startswith("## "):
            match = HEADING.match(line)
            assert match, f"not `## 1.2.3 (2026-01-31)`: {line}"
            found.append((tuple(map(int, match.groups()[:3])), match[4]))
    return found


def test_the_newest_entry_is_of_this_version() -> None:
    (newest, _), *_ = headings()

    assert dbusers.__version__ == ".".join(map(str, newest))


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert "version" not in project["project"]
    assert project["tool"]["hatch"]["version"]["path"] == "dbusers/version.py"


def test_entries_go_back_in_time_and_only_the_newest_may_be_unreleased() -> None:
    versions = [version for version, _ in headings()]
    released = [date.fromisoformat(day) for _, day in headings() if day != "unreleased"]

    assert versions == sorted(set(versions), reverse=True)
    assert released == sorted(released, reverse=True)
    assert len(headings()) - len(released) <= 1
    assert all(day != "unreleased" for _, day in headings()[1:])


def test_the_pythons_that_are_declared_are_those_that_are_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [
        classifier.rpartition(" ")[2]
        for classifier in project["classifiers"]
        if re.search(r"Python :: \d\.\d+$", classifier)
    ]
    (tested,) = re.findall(r"^PYTHONS := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert tested.split() == declared
    assert project["requires-python"] == f">={declared[0]}"
