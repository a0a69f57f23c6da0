"""Inventories in memory for whole audits, and what of a report can be compared."""

import asyncio
from collections.abc import Sequence

from dbusers import RateLimit, ServerError, Window
from dbusers.audit import (
    DatabaseRecord,
    Engine,
    UserRecord,
)
from dbusers.audit.accounts.metering import Meter
from dbusers.audit.report.model import Report
from tests.clocks import JumpingClock

ADMIN = UserRecord("doadmin", built_in=True)


class Provider:
    """An inventory in memory, of which some databases fail, and one may wait for ever."""

    provider = "A"

    def __init__(self, names: str, *, fails: str = "", waits: str = "") -> None:
        self.names, self.fails, self.waits = names, fails, waits
        self.waiting = asyncio.Event()
        self.asked: list[str] = []
        self.lists = 0

    async def databases(self) -> Sequence[DatabaseRecord]:
        self.lists += 1
        if self.fails == "all":
            raise ServerError("out of order", status=503, retryable=True)
        return [
            DatabaseRecord("A", name, name, engine=Engine.POSTGRESQL, has_users=name != "-")
            for name in self.names
        ]

    async def databases_with_embedded_users(
        self,
    ) -> Sequence[tuple[DatabaseRecord, tuple[UserRecord, ...] | None]]:
        return [(each, (ADMIN,)) for each in await self.databases()]

    async def users(self, database: DatabaseRecord) -> Sequence[UserRecord]:
        self.asked.append(database.id)
        if database.id == self.waits:
            self.waiting.set()
            await asyncio.get_running_loop().create_future()
        if database.id in self.fails:
            raise ServerError("out of order", status=503, retryable=True)
        return [ADMIN, UserRecord(f"user-of-{database.id}", built_in=False, replication=True)]

    def requests_to_list(self) -> int:
        return 1

    def requests_for(self, databases: Sequence[DatabaseRecord]) -> int:
        return sum(database.has_users for database in databases)


class Slow(Provider):
    """Lists at once, and takes three seconds for the users of each database."""

    def __init__(self, names: str, clock: JumpingClock, meter: Meter, *, fails: str = "") -> None:
        super().__init__(names, fails=fails)
        self.clock, self.meter = clock, meter

    async def databases(self) -> Sequence[DatabaseRecord]:
        await self.meter.acquire()
        return await super().databases()

    async def users(self, database: DatabaseRecord) -> Sequence[UserRecord]:
        await self.meter.acquire()
        self.clock.now += 3.0
        return await super().users(database)


def metered(clock: JumpingClock) -> Meter:
    return Meter(RateLimit([Window(100, 60)], clock=clock))


def contents(report: Report) -> list[object]:
    """Return what a report says of the fleet, without ids and times."""
    rows = list(report.databases())
    found = [(each.fingerprint, each.verdict, each.severity) for each in report.findings()]
    return [rows, found, report.counts, report.accounts, report.not_read, report.exit_code]


def names(report: Report) -> list[tuple[str, str]]:
    return [(each.database.account, each.database.name) for each in report.not_read]
