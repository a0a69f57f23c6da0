"""`dbusers config`: what is configured, and where."""

from typing import Final

import attrs
import typer

from dbusers.cli import options
from dbusers.cli.exits import ExitCode
from dbusers.cli.output import Columns, Output, print_json, print_list
from dbusers.cli.settings import Setting, in_force


def _value(setting: Setting) -> str:
    if setting.problem is not None:
        return f"WRONG: {setting.problem}"
    value = "none" if setting.value is None else setting.value
    return f"{value}, through {setting.through}" if setting.through else value


COLUMNS: Final[Columns] = {
    "Setting": lambda setting: setting.name,
    "Value": _value,
    "From": lambda setting: setting.source,
}


def config(*, output: options.OutputOption = Output.TABLE) -> None:
    """Show the configuration in force, and where it comes from.

    Of tokens it says whether they are set, never what they are. It asks no provider. The exit code
    is 2 where something cannot be used as it is.
    """
    settings = in_force()
    if output is Output.JSON:
        print_json([attrs.asdict(setting) for setting in settings])
    else:
        print_list(settings, COLUMNS, output)
    wrong = any(setting.problem for setting in settings)
    raise typer.Exit(ExitCode.USAGE if wrong else ExitCode.OK)
