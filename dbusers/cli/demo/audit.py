"""Reads both accounts with a bar for each, and keeps what a report needs."""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Final

import attrs
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from dbusers.audit import (
    Facts,
    Finding,
    Listed,
    NotListed,
    NotRead,
    Outcome,
    Read,
    Skipped,
    judge,
    read_all,
)
from dbusers.audit.inventory import Inventory
from dbusers.cli.demo.code import print_code
from dbusers.digitalocean.client import DigitalOceanClient
from dbusers.digitalocean.inventory import DigitalOceanInventory
from dbusers.scalingo.client import ScalingoClient
from dbusers.scalingo.inventory import ScalingoInventory
from dbusers.testing import RecordedRequest

AT_ONCE: Final = 8  # databases of an account; few enough that the bars can be seen to move

CODE: Final = """\
async for outcome in read_all(
    [DigitalOceanInventory(digitalocean), ScalingoInventory(scalingo)]
):
    ...  # Read, NotRead or Skipped, for each database"""


@attrs.define
class Audit:
    """What came of reading all accounts."""

    started: datetime = attrs.field(factory=lambda: datetime.now(UTC))
    databases: int = 0
    users: int = 0
    read: int = 0
    findings: list[Finding] = attrs.field(factory=list)
    skipped: list[Skipped] = attrs.field(factory=list)
    not_read: list[NotRead] = attrs.field(factory=list)
    not_listed: list[NotListed] = attrs.field(factory=list)
    requests: Counter[str] = attrs.field(factory=Counter)
    seconds: float = 0.0

    def add(self, outcome: Outcome) -> None:
        """Take in one outcome."""
        match outcome:
            case Listed(databases=databases):
                self.databases += len(databases)
            case Read(users=users):
                self.read += 1
                self.users += len(users)
                self.findings += judge(Facts.of(outcome, now=self.started))
            case Skipped():
                self.skipped.append(outcome)
            case NotRead():
                self.not_read.append(outcome)
            case NotListed():
                self.not_listed.append(outcome)


async def audit_accounts(
    console: Console,
    digitalocean: DigitalOceanClient,
    scalingo: ScalingoClient,
    requests: Sequence[RecordedRequest],
) -> Audit:
    """Read every user of both accounts; a bar for each where there is a terminal."""
    console.print()
    print_code(console, CODE)
    console.print()
    accounts: list[Inventory] = [
        DigitalOceanInventory(digitalocean),
        ScalingoInventory(scalingo),
    ]
    found, sent, started = Audit(), len(requests), time.perf_counter()
    with Bars(console, accounts) as bars:
        async with aclosing(read_all(accounts, concurrency=AT_ONCE)) as outcomes:
            async for outcome in outcomes:
                found.add(outcome)
                bars.move(outcome)
    found.seconds = time.perf_counter() - started
    found.requests = Counter(_account_of(request) for request in requests[sent:])
    if not bars.disable:
        console.print()
    return found


class Bars(Progress):
    """A bar for each account; draws nothing where there is no terminal to draw on."""

    def __init__(self, console: Console, accounts: Sequence[Inventory]) -> None:
        drawn = console.is_terminal and not console.is_dumb_terminal
        super().__init__(
            TextColumn("  {task.description:<12}"),
            BarColumn(bar_width=None, complete_style="cyan", finished_style="green"),
            MofNCompleteColumn(),
            TextColumn("databases "),
            console=console,
            expand=True,
            disable=not drawn,
        )
        self._bar_of: dict[str, TaskID] = {
            account.provider: self.add_task(account.provider, total=None) for account in accounts
        }

    def move(self, outcome: Outcome) -> None:
        """Show one outcome more."""
        match outcome:
            case Listed(provider=provider, databases=databases):
                self.update(self._bar_of[provider], total=len(databases))
            case NotListed(provider=provider):
                self.stop_task(self._bar_of[provider])
            case Read(database=database) | NotRead(database=database) | Skipped(database=database):
                self.advance(self._bar_of[database.provider])


def _account_of(request: RecordedRequest) -> str:
    return "DigitalOcean" if request.path.startswith("/v2/") else "Scalingo"
