"""`dbusers audit plan`: what an audit takes, before it is done."""

import asyncio
from collections.abc import Sequence

import typer

from dbusers.audit.accounts.account import Account
from dbusers.audit.accounts.configuration import AccountSettings
from dbusers.audit.accounts.opening import open_accounts
from dbusers.audit.accounts.sources import Source
from dbusers.audit.plan import Plan, TokenPlan, plan_of
from dbusers.audit.records import DatabaseRecord
from dbusers.audit.report.text import duration
from dbusers.audit.shards import accounts_of, parse_shard
from dbusers.cli.audit import options as shared
from dbusers.cli.audit.inputs import account_settings
from dbusers.cli.audit.words import Voice, errors_in_lines, plan_in_words
from dbusers.cli.exits import ExitCode, in_words
from dbusers.cli.options import OutputOption
from dbusers.cli.output import Columns, Output, print_json, print_list
from dbusers.errors import DbusersError

COLUMNS: Columns = {
    "Token of": lambda token: token.name,
    "Provider": lambda token: token.provider,
    "Databases": lambda token: f"{token.databases:,}",
    "Requests": lambda token: f"{'' if token.exact else 'at least '}{token.requests:,}",
    "At least": lambda token: duration(token.floor),
}


def plan(
    *,
    config: shared.ConfigOption = None,
    account: shared.AccountOption = None,
    include: shared.IncludeOption = None,
    exclude: shared.ExcludeOption = None,
    source: shared.SourceOption = None,
    shard: shared.ShardOption = None,
    output: OutputOption = Output.TABLE,
    quiet: shared.QuietOption = False,
) -> None:
    """Say how many requests each token needs, and how long it takes at least.

    It lists the databases, which takes a few requests, and reads no users. The time is the floor
    under the rate limits: no program can be faster. The slowest token decides.
    """
    with errors_in_lines():
        settings = account_settings(config, account or (), include or (), exclude or ())
        if shard is not None:
            parse_shard(shard)  # before anything is sent
        planned, problems = asyncio.run(_plan(settings, source or Source.USERS, shard))
    if output is Output.JSON:
        print_json([_value(token) for token in planned.tokens])
    else:
        print_list(planned.tokens, COLUMNS, output)
    voice = Voice(quiet=quiet)
    voice.say(f"Plan: {plan_in_words(planned)}.")
    for name, problem in problems.items():
        typer.echo(f"dbusers: {name} cannot be listed: {in_words(problem)}", err=True)
    raise typer.Exit(ExitCode.INCOMPLETE if problems else ExitCode.OK)


async def _plan(
    settings: Sequence[AccountSettings], source: Source, shard: str | None
) -> tuple[Plan, dict[str, DbusersError]]:
    """Return the plan, and why accounts cannot be listed, by their names."""
    listed: dict[str, Sequence[DatabaseRecord]] = {}
    problems: dict[str, DbusersError] = {}

    async def list_databases(account: Account) -> None:
        try:
            listed[account.name] = await account.databases()
        except DbusersError as error:
            problems[account.name] = error

    async with open_accounts(settings) as opened:
        accounts = [account.reading_from(source) for account in accounts_of(shard, opened)]
        async with asyncio.TaskGroup() as group:
            for account in accounts:
                group.create_task(list_databases(account))
        return plan_of(accounts, listed, not_listed=problems), problems


def _value(token: TokenPlan) -> dict[str, object]:
    return {
        "accounts": token.accounts,
        "provider": token.provider,
        "databases": token.databases,
        "requests": token.requests,
        "seconds": round(token.floor, 1),
        "exact": token.exact,
    }
