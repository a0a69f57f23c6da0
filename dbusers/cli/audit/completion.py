"""What the Tab key offers to the audit's commands: checks, runs, accounts, formats."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import typer

from dbusers.audit.checks import checks
from dbusers.audit.policy import POLICY_CHECKS
from dbusers.audit.report import FORMATS
from dbusers.cli.audit.inputs import PLACES, account_settings
from dbusers.cli.completion import Candidate, or_nothing

NEWEST: Final = 20  # runs that are offered by their ids


@or_nothing
def check_ids() -> Iterator[Candidate]:
    """Yield the ids of the checks, with what is wrong where they fail."""
    return ((check.id, check.title) for check in (*checks(), *POLICY_CHECKS))


@or_nothing
def account_names(ctx: typer.Context) -> Iterator[Candidate]:
    """Yield the names of the accounts that are configured."""
    return ((each.name, each.provider) for each in account_settings(ctx.params.get("config")))


@or_nothing
def report_formats(incomplete: str) -> Iterator[Candidate]:
    """Yield the formats of reports; behind `=`, where a file is named, nothing."""
    return (name for name in FORMATS if "=" not in incomplete)


@or_nothing
def run_names(ctx: typer.Context) -> Iterator[Candidate]:
    """Yield how the runs of the store can be named, the newest first."""
    path = Path(ctx.params.get("store") or "")
    # As it lies on the disk, and without a lock, which would keep an audit from its store.
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as store:
        newest = "SELECT id, started FROM runs ORDER BY number DESC LIMIT ?"
        runs = store.execute(newest, (NEWEST,)).fetchall()
    yield from ((name, runs[place - 1][0]) for name, place in PLACES.items() if place <= len(runs))
    yield from runs
