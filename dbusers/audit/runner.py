"""Reads whole accounts: every database side by side, each outcome as soon as it is there."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from itertools import islice
from typing import Final

import attrs

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
class _Account:
    inventory: Inventory
    waiting: Iterator[DatabaseRecord] = attrs.field(factory=lambda: iter(()))


async def read_all(
    inventories: Iterable[Inventory], *, concurrency: int = CONCURRENCY
) -> AsyncGenerator[Outcome, None]:
    """Yield how reading each database of each account came out.

    For each account there is one `Listed` or `NotListed`; for each database that was listed, in no
    order, one `Read`, `NotRead` or `Skipped`. Only a `DbusersError` becomes an outcome, and it
    stops nothing else; any other exception is a defect, and is raised.

    At most `concurrency` databases of one account are read at a time, so one with a slow budget
    does not hold up the others; a caller who is slow holds back the reading. Leaving the loop early
    cancels what is under way: at once with `contextlib.aclosing(read_all(…))`. Raises `ValueError`
    for a concurrency below 1.
    """
    if concurrency < 1:
        raise ValueError("concurrency is at least 1")
    running: dict[asyncio.Task[Outcome], _Account] = {}
    try:
        for inventory in inventories:
            running[asyncio.create_task(_list(inventory))] = _Account(inventory)
        while running:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                account, outcome = running.pop(task), task.result()
                free = 1
                if isinstance(outcome, Listed):
                    account.waiting, free = iter(outcome.databases), concurrency
                for database in islice(account.waiting, free):
                    running[asyncio.create_task(_read(account.inventory, database))] = account
                yield outcome
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _list(inventory: Inventory) -> Outcome:
    try:
        return Listed(inventory.provider, tuple(await inventory.databases()))
    except DbusersError as error:
        return NotListed(inventory.provider, _without_frames(error))


async def _read(inventory: Inventory, database: DatabaseRecord) -> Outcome:
    if not database.has_users:
        return Skipped(database, f"{database.engine} has no user management")
    try:
        return Read(database, tuple(await inventory.users(database)))
    except DbusersError as error:
        return NotRead(database, _without_frames(error))


def _without_frames(error: DbusersError) -> DbusersError:
    # Outcomes are kept; the frames of a traceback would keep requests and answers along with them.
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
