"""`dbusers audit checks` and `explain`: what is judged, and why."""

from difflib import get_close_matches
from typing import Annotated, Final

import typer

from dbusers.audit.checks import checks as all_checks
from dbusers.audit.findings import Check
from dbusers.audit.policy import POLICY_CHECKS
from dbusers.cli.audit.completion import check_ids
from dbusers.cli.audit.words import errors_in_lines
from dbusers.cli.options import OutputOption
from dbusers.cli.output import Columns, Output, print_json, print_list, print_one
from dbusers.errors import InvalidRequest


def _engines(check: Check) -> str:
    return ", ".join(sorted(str(engine) for engine in check.engines)) or "all"


SHORT: Final[Columns] = {
    "Id": lambda check: check.id,
    "Severity": lambda check: check.severity.name.lower(),
    "Engines": _engines,
    "What is wrong": lambda check: check.title,
}
FULL: Final[Columns] = {
    "Check": lambda check: f"{check.id}  {check.title}",
    "Severity": lambda check: check.severity.name.lower(),
    "Engines": _engines,
    "Why": lambda check: check.rationale,
    "Remedy": lambda check: check.remedy,
    "Command": lambda check: check.command,
    "Call": lambda check: check.call,
    "Source": lambda check: check.source,
}


def checks(*, output: OutputOption = Output.TABLE) -> None:
    """List what is judged, checks of installed plug-ins included."""
    with errors_in_lines():
        found = _every_check()
    if output is Output.JSON:
        print_json([_value(check) for check in found])
    else:
        print_list(found, SHORT, output)


def explain(
    check: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="As findings name it: PG001, say.", autocompletion=check_ids
        ),
    ],
    *,
    output: OutputOption = Output.TABLE,
) -> None:
    """Say why a check matters, what to do about its findings, and where that is from."""
    with errors_in_lines():
        found = _find(check)
    if output is Output.JSON:
        print_json(_value(found))
    else:
        print_one(found, FULL, output)


def _every_check() -> tuple[Check, ...]:
    return (*all_checks(), *POLICY_CHECKS)


def _find(name: str) -> Check:
    by_id = {check.id: check for check in _every_check()}
    found = by_id.get(name) or by_id.get(name.upper())
    if found is None:
        similar = get_close_matches(name.upper(), by_id, n=3)
        advice = f"did you mean {', '.join(similar)}?" if similar else "see `dbusers audit checks`"
        raise InvalidRequest(f"there is no check {name!r}; {advice}")
    return found


def _value(check: Check) -> dict[str, object]:
    return {
        "id": check.id,
        "title": check.title,
        "severity": check.severity.name.lower(),
        "engines": sorted(str(engine) for engine in check.engines),
        "rationale": check.rationale,
        "remedy": check.remedy,
        "command": check.command,
        "call": check.call,
        "source": check.source,
    }
