"""The options that several commands of the audit have."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from dbusers.audit.accounts.sources import Source
from dbusers.audit.findings import Severity
from dbusers.audit.report import FORMATS
from dbusers.audit.runner import CONCURRENCY
from dbusers.cli.audit.completion import account_names, report_formats, run_names
from dbusers.cli.audit.inputs import CONFIG, POLICY


class Level(StrEnum):
    """A severity, as it is written on the command line."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def severity(self) -> Severity:
        """Return the severity itself."""
        return Severity[self.name]


def percent(text: str | float) -> float:
    """Return "2.5%" or "2.5" as a number. Raises `typer.BadParameter` if it is no percentage."""
    try:
        number = float(str(text).strip().removesuffix("%"))
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:
        raise typer.BadParameter(f"{text!r} is no percentage: write 0% to 100%")
    return number


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help=f"The accounts. Default: {CONFIG} where there is one, else the environment.",
        show_default=False,
    ),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        metavar="FILE",
        help=f"The policy. Default: {POLICY} where there is one, else none.",
        show_default=False,
    ),
]
StoreOption = Annotated[
    Path, typer.Option("--store", metavar="FILE", help="What was read is kept here.")
]
AccountOption = Annotated[
    list[str] | None,
    typer.Option(
        "--account",
        metavar="NAME",
        help="Only this account. Repeatable.",
        autocompletion=account_names,
    ),
]
IncludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--include",
        metavar="FIELD=PATTERN",
        help="Only databases whose name, tag, engine or region fits; * and ? match. Repeatable; "
        "in place of what the configuration includes by this field.",
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="FIELD=PATTERN", help="No databases that fit. Repeatable."),
]
ReportOption = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FORMAT[=FILE]",
        autocompletion=report_formats,
        help=f"A report: {', '.join(FORMATS)}. Repeatable; without a file to standard output. "
        "Default: table.",
    ),
]
FailOnOption = Annotated[
    Level, typer.Option("--fail-on", help="The least severity that makes the exit code 1.")
]
AllowIncompleteOption = Annotated[
    float,
    typer.Option(
        "--allow-incomplete",
        metavar="N%",
        parser=percent,
        help="Up to so many of the databases may be unread without exit code 3. Default: 0%.",
        show_default=False,
    ),
]
SourceOption = Annotated[
    Source | None,
    typer.Option(
        "--source",
        help="Where users are read from: each database's own list; the list of databases (names "
        "and roles only, one request for all); or that where a sample shows that it is the same. "
        "Default: users.",
        show_default=False,
    ),
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="K/N",
        help="Only this part of the tokens, such as 2/4; `dbusers audit merge` joins the parts.",
    ),
]
ConcurrencyOption = Annotated[
    int,
    typer.Option(
        "--concurrency",
        metavar="N",
        min=1,
        max=1000,
        help="Databases of one account that are read at a time.",
    ),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="RUN",
        help="A run of the store: its id, how that begins, last or previous.",
        autocompletion=run_names,
    ),
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Nothing on standard error but errors.")
]
DEFAULT_CONCURRENCY: Final = CONCURRENCY
