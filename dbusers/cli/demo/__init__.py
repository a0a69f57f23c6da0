"""`dbusers demo`: the whole thing at work on the sandbox, for someone who sees it the first time.

`walk` leads one user from create to delete; `audit` reads every user of both accounts; `report`
says what is wrong with them.
"""

from typing import Final

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from dbusers.cli.demo.audit import audit_accounts
from dbusers.cli.demo.report import print_coverage, print_findings
from dbusers.cli.demo.walk import walk_one_user
from dbusers.cli.exits import ExitCode, end, run
from dbusers.options import RetryOption
from dbusers.testing import Fault, Sandbox
from dbusers.version import __version__

DATABASES: Final = 60
USERS: Final = 1_200
ANSWER_TIME: Final = 0.12  # seconds; a provider's answer over a network takes about as long
MAX_WIDTH: Final = 100  # columns; longer lines of text are hard to read
# One that is quickly through with the database that fails on purpose.
RETRY: Final = RetryOption(max_retries=2, base_delay=0.3)


def demo() -> None:
    """See everything work on a sandbox.

    It needs no account and no network, and nothing in it is real. One user is created, read,
    changed, rotated and deleted; then 1,200 users of 60 databases are read side by side and judged.
    One database fails on purpose, and is reported as not read: the exit code is 0 all the same. It
    is 3 if anything else could not be read.
    """
    console = Console(markup=False, highlight=False, emoji=False)
    console.width = min(console.width, MAX_WIDTH)
    if not run(_demo(console)):
        end("more was not read than what fails on purpose", ExitCode.INCOMPLETE)


async def _demo(console: Console) -> bool:
    """Return whether all was read but for what fails on purpose."""
    async with Sandbox(databases=DATABASES, users=USERS) as sandbox:
        outage = _break_one_database(sandbox)
        sandbox.inject(Fault("*", times=None, delay=ANSWER_TIME))
        _introduce(console, sandbox)

        _heading(console, "One user, from create to delete")
        async with sandbox.digitalocean() as client:
            await walk_one_user(console, client, sandbox.requests)

        _heading(console, "Every user of every database")
        async with (
            sandbox.digitalocean(options=[RETRY]) as digitalocean,
            sandbox.scalingo(options=[RETRY]) as scalingo,
        ):
            found = await audit_accounts(console, digitalocean, scalingo, sandbox.requests)

        print_coverage(console, found, broken_on_purpose=outage)

        _heading(console, "What is wrong with them")
        print_findings(console, found)
        not_read = {one.database.id for one in found.not_read}
        return not found.not_listed and not_read <= {outage}


def _break_one_database(sandbox: Sandbox) -> str:
    """Have the users of one database answer 503, and return the database's id."""
    cluster = [c for c in sandbox.fleet.digitalocean if c["engine"] == "pg"][-1]
    database_id: str = cluster["id"]
    sandbox.inject(Fault(f"/v2/databases/{database_id}/users", times=None, status=503))
    return database_id


def _introduce(console: Console, sandbox: Sandbox) -> None:
    console.print(Text.assemble("\n", ("dbusers", "bold cyan"), f" {__version__}", "\n"))
    console.print(
        f"A sandbox of DigitalOcean's and Scalingo's APIs runs at {sandbox.url}, with "
        f"{DATABASES} databases and {USERS:,} users. They are made up; the rules and rate limits "
        "are the providers' own, and each answer takes as long as over a network."
    )


def _heading(console: Console, title: str) -> None:
    console.print()
    console.print(Rule(Text(title, style="bold"), align="left", style="cyan"))
