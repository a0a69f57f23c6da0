"""Reads whole accounts: every database side by side, each outcome as soon as it is there."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from typing import Final, ParamSpec

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

P = ParamSpec("P")

_HandedOver = tuple[Outcome | BaseException, asyncio.Future[None]]

CONCURRENCY: Final = 50  # databases of one account at a time; its rate limit sets the pace


async def read_all(
    inventories: Iterable[Inventory], *, concurrency: int = CONCURRENCY
) -> AsyncGenerator[Outcome, None]:
    """Yield how reading each database of each account came out.

    An `Account` is read as it says: its pending databases, or those that its selection takes; any
    other inventory is read whole. For each account there is one `Listed` or `NotListed`; for each
    database that was listed, in no order and once, one `Read`, `NotRead` or `Skipped`. Only a
    `DbusersError` becomes an outcome, and it stops nothing else; any other exception is a defect,
    and is raised.

    At most `concurrency` databases of one account are read at a time, so one with a slow budget
    does not hold up the others; a caller who is slow holds back the reading. Leaving the loop early
    cancels what is under way: at once with `contextlib.aclosing(read_all(…))`. Raises `ValueError`
    for a concurrency below 1.
    """
    if concurrency < 1:
        raise ValueError("concurrency is at least 1")
    reading = _Reading(concurrency)
    try:
        for account in map(Account.of, inventories):
            reading.start(account)
        while reading.due:
            yield await reading.next_outcome()
    finally:
        await reading.stop()


class _Reading:
    """Reads the databases of each account by a few workers, which go from one to the next."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._outcomes: asyncio.Queue[_HandedOver] = asyncio.Queue()
        self._workers: list[asyncio.Task[None]] = []
        self._stopped = False
        self.due = 0
        """Outcomes that are still to come, as far as that is known."""

    def start(self, account: Account) -> None:
        """Have an account listed, and then read."""
        self.due += 1
        self._work(self._list, account)

    async def next_outcome(self) -> Outcome:
        """Return the next outcome; raises the defect that a worker met."""
        outcome, taken = await self._outcomes.get()
        if not taken.done():
            taken.set_result(None)
        if isinstance(outcome, BaseException):
            raise outcome
        self.due += len(outcome.databases) - 1 if isinstance(outcome, Listed) else -1
        return outcome

    async def stop(self) -> None:
        """Cancel what is under way, and wait until it has ended."""
        self._stopped = True
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    def _work(self, work: Callable[P, Awaitable[None]], *args: P.args, **kwargs: P.kwargs) -> None:
        async def worker() -> None:
            await work(*args, **kwargs)

        started = asyncio.create_task(worker())
        started.add_done_callback(self._ended)
        self._workers.append(started)

    def _ended(self, worker: asyncio.Task[None]) -> None:
        """Hand over what a worker ended by, or the caller would wait for its outcomes for ever."""
        if self._stopped:
            return
        if worker.cancelled():  # as by an inventory that raises what it was cancelled by itself
            defect: BaseException | None = RuntimeError("the reading was cancelled, by nobody here")
        else:
            defect = worker.exception()
        if defect is not None:
            self._outcomes.put_nowait((defect, asyncio.get_running_loop().create_future()))

    async def _list(self, account: Account) -> None:
        outcome = await _list(account)
        await self._hand_over(outcome)
        if isinstance(outcome, Listed):
            waiting = iter(outcome.databases)
            for _ in range(min(self._concurrency, len(outcome.databases))):
                self._work(self._read, account, waiting)

    async def _read(self, account: Account, waiting: Iterator[DatabaseRecord]) -> None:
        for database in waiting:
            await self._hand_over(await _read(account, database))

    async def _hand_over(self, outcome: Outcome) -> None:
        """Wait until the caller has taken it, so that what is read and not kept stays little."""
        taken = asyncio.get_running_loop().create_future()
        self._outcomes.put_nowait((outcome, taken))
        await taken


async def _list(account: Account) -> Outcome:
    try:
        databases = await account.databases()
    except DbusersError as error:
        return NotListed(account.provider, _without_frames(error), account=account.name)
    # A list whose pages shift while they are read may name a database twice.
    once = {database.id: database for database in databases}
    return Listed(account.provider, tuple(once.values()), account=account.name)


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
