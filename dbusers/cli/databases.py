"""`dbusers databases`: what there is."""

from collections.abc import Sequence
from typing import Any

import typer

from dbusers.cli import options
from dbusers.cli.accounts import Target, account
from dbusers.cli.examples import examples
from dbusers.cli.exits import run
from dbusers.cli.output import Columns, Output, print_list

databases: typer.Typer = typer.Typer(help="The databases of an account.", no_args_is_help=True)


@databases.callback()
def _group() -> None:
    """Keep `list` a command of its own: a group of one command would become that command."""


@databases.command("list", epilog=examples("databases list"))
def list_databases(
    *,
    provider: options.ProviderOption = None,
    url: options.UrlOption = None,
    app: options.AppOption = None,
    region: options.RegionOption = None,
    output: options.OutputOption = Output.TABLE,
    show_secrets: options.ShowSecretsOption = False,
) -> None:
    """List all databases."""

    async def read() -> tuple[Sequence[Any], Columns]:
        async with account(Target(provider, url, app, region)) as opened:
            return await opened.databases(), opened.database_columns

    found, columns = run(read())
    print_list(found, columns, output, show_secrets=show_secrets, stacked=True)
