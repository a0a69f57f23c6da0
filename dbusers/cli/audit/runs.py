"""`dbusers audit runs`, `diff` and `merge`: what is done with the runs of a store."""

from pathlib import Path
from typing import Annotated, Final

import typer

from dbusers.audit.checks import checks
from dbusers.audit.differences import Difference, DifferenceKind, differences
from dbusers.audit.findings import Severity
from dbusers.audit.report import PastRun, parse_outputs
from dbusers.audit.reporting import Judging, report_of
from dbusers.audit.shards import merge as merge_shards
from dbusers.audit.store import Run, Store
from dbusers.cli.audit import options as shared
from dbusers.cli.audit.completion import run_names
from dbusers.cli.audit.delivery import deliver
from dbusers.cli.audit.inputs import STORE, existing_store, load_policy, named_run
from dbusers.cli.audit.options import Level
from dbusers.cli.audit.words import Voice, errors_in_lines
from dbusers.cli.exits import ExitCode
from dbusers.cli.options import OutputOption
from dbusers.cli.output import Columns, Output, print_json, print_list, printable

RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="The id of a run, how that begins, last or previous.",
        autocompletion=run_names,
    ),
]

COLUMNS: Final[Columns] = {
    "Run": lambda row: row["id"],
    "State": lambda row: row["state"],
    "Databases": lambda row: f"{row['databases']:,}",
    "Not read": lambda row: f"{row['not_read']:,}",
    "Findings": lambda row: _findings(row["findings"]),
    "Drift": lambda row: f"{row['drift']:,}" if row["findings"] else "",
}


def runs(*, store: shared.StoreOption = STORE, output: OutputOption = Output.TABLE) -> None:
    """List the runs of the store, the oldest first."""
    with errors_in_lines(), existing_store(store) as opened:
        rows = _rows(opened)
    if output is Output.JSON:
        print_json(rows)
    else:
        print_list(rows, COLUMNS, output)


def diff(
    old: RunArgument,
    new: RunArgument,
    *,
    store: shared.StoreOption = STORE,
    output: OutputOption = Output.TABLE,
) -> None:
    """Say what changed between two runs.

    The exit code is 0 if nothing did, 1 if something did, and 3 if a database cannot be compared.
    """
    with errors_in_lines(), existing_store(store) as opened:
        found = list(differences(opened, named_run(opened, old), named_run(opened, new)))
    if output is Output.JSON:
        print_json([_value(difference) for difference in found])
    else:
        for difference in found:
            _print(difference)
    if any(difference.kind is DifferenceKind.UNKNOWN for difference in found):
        raise typer.Exit(ExitCode.INCOMPLETE)
    raise typer.Exit(ExitCode.FAILED if found else ExitCode.OK)


def merge(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Stores, or reports as jsonl.")
    ],
    *,
    output: shared.ReportOption = None,
    policy: shared.PolicyOption = None,
    fail_on: shared.FailOnOption = Level.LOW,
    allow_incomplete: shared.AllowIncompleteOption = 0.0,
    store: shared.StoreOption = STORE,
    quiet: shared.QuietOption = False,
) -> None:
    """Join the parts of --shard into one run, and report on it.

    Of a store its last run is taken. A part that is missing makes the run incomplete.
    """
    with errors_in_lines():
        outputs = parse_outputs(output or ())
        judging = Judging(load_policy(policy), checks(), fail_on.severity, allow_incomplete)
        with Store.open(store) as opened:
            run = merge_shards(opened, files)
            report = report_of(opened, run, judging, remember=True)
            deliver(report, outputs, Voice(quiet=quiet))


def _rows(store: Store) -> list[dict[str, object]]:
    found = store.runs()
    past = {each.id: each for each in store.history(found[-1])} if found else {}
    return [_row(run, past[run.id]) for run in found]


def _row(run: Run, past: PastRun) -> dict[str, object]:
    state = "complete" if run.complete else "incomplete" if run.finished else "not finished"
    return {
        "id": run.id,
        "started": run.started.isoformat(),
        "finished": run.finished.isoformat() if run.finished else None,
        "state": state,
        "source": run.source,
        "shard": run.shard,
        "databases": past.databases,
        "not_read": past.not_read,
        "findings": {
            severity.name.lower(): past.by_severity[severity]
            for severity in reversed(Severity)
            if severity in past.by_severity
        },
        "drift": past.drift,
    }


def _findings(by_severity: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in by_severity.items())


def _print(difference: Difference) -> None:
    database = difference.database
    where = f"{database.account} / {database.name} ({database.id})"
    detail = f": {difference.detail}" if difference.detail else ""
    typer.echo(printable(f"{difference.kind:<8}  {where}{detail}"))
    for change in difference.changes:
        details = f": {'; '.join(change.details)}" if change.details else ""
        typer.echo(printable(f"  {change.kind:<8}  {change.user}{details}"))


def _value(difference: Difference) -> dict[str, object]:
    database = difference.database
    return {
        "kind": str(difference.kind),
        "account": database.account,
        "provider": database.provider,
        "database": database.name,
        "id": database.id,
        "detail": difference.detail,
        "changes": [
            {"user": change.user, "kind": str(change.kind), "details": list(change.details)}
            for change in difference.changes
        ],
    }
