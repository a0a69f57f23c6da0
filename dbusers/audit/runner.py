"""Reads whole accounts: every database side by side, each outcome as soon as it is there."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from itertools import islice
from typing import Final

import attrs

from dbusers.audit.accounts.account import Account
from dbusers.audit.inventory import Inventory
from dbusers.audit.records import (
    DatabaseRecord,
    Listed,
    NotListed,
    NotRead,
    Outcome,
    Read,
    Skipped,
)
from dbusers.errors import DbusersError

CONCURRENCY: Final = 50  # databases of one account at a time; its rate limit sets the pace


@attrs.define(eq=False)
class _Reading:
    account: Account
    waiting: Iterator[DatabaseRecord] = attrs.field(factory=lambda: iter(()))


async def read_all(
    inventories: Iterable[Inventory], *, concurrency: int = CONCURRENCY
) -> AsyncGenerator[Outcome, None]:
    """Yield how reading each database of each account came out.

    An `Account` is read as it says: its pending databases, or those that its selection takes; any
    other inventory is read whole. For each account there is one `Listed` or `NotListed`; for each
    database that was listed, in no order, one `Read`, `NotRead` or `Skipped`. Only a `DbusersError`
    becomes an outcome, and it stops nothing else; any other exception is a defect, and is raised.

    At most `concurrency` databases of one account are read at a time, so one with a slow budget
    does not hold up the others; a caller who is slow holds back the reading. Leaving the loop early
    cancels what is under way: at once with `contextlib.aclosing(read_all(…))`. Raises `ValueError`
    for a concurrency below 1.
    """
    if concurrency < 1:
        raise ValueError("concurrency is at least 1")
    running: dict[asyncio.Task[Outcome], _Reading] = {}
    try:
        for account in map(Account.of, inventories):
            running[asyncio.create_task(_list(account))] = _Reading(account)
        while running:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                reading, outcome = running.pop(task), task.result()
                free = 1
                if isinstance(outcome, Listed):
                    reading.waiting, free = iter(outcome.databases), concurrency
                for database in islice(reading.waiting, free):
                    running[asyncio.create_task(_read(reading.account, database))] = reading
                yield outcome
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _list(account: Account) -> Outcome:
    try:
        databases = tuple(await account.databases())
    except DbusersError as error:
        return NotListed(account.provider, _without_frames(error), account=account.name)
    return Listed(account.provider, databases, account=account.name)


async def _read(account: Account, database: DatabaseRecord) -> Outcome:
    if not database.has_users:
        return Skipped(database, f"{database.engine} has no user management")
    try:
        return Read(database, tuple(await account.users(database)))
    except DbusersError as error:
        return NotRead(database, _without_frames(error))


def _without_frames(error: DbusersError) -> DbusersError:
    # Outcomes are kept; the frames of a traceback would keep requests and answers along with them.
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
