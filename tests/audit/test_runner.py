import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from dbusers import RetryOption, ServerError
from dbusers.audit import (
    DatabaseRecord,
    Inventory,
    Listed,
    NotListed,
    NotRead,
    Outcome,
    Read,
    Skipped,
    UserRecord,
    read_all,
)
from dbusers.audit.accounts.account import Account
from dbusers.audit.accounts.selection import Selection
from dbusers.digitalocean.inventory import DigitalOceanInventory
from dbusers.scalingo.inventory import ScalingoInventory
from dbusers.testing import Fault, Sandbox
from dbusers.testing.digitalocean.fleet import Cluster
from dbusers.testing.scalingo.fleet import Database

NO_RETRY = RetryOption(max_retries=0)
SOON = 5.0  # seconds until a test fails that would wait for ever


class Provider:
    """An inventory in memory, of which some databases fail, and some wait for `gate`."""

    def __init__(
        self, provider: str, names: Sequence[str], *, fails: str = "", waits: str = ""
    ) -> None:
        self.provider = provider
        self.names = names
        self.fails, self.waits = fails, waits
        self.gate = asyncio.Event()
        self.all_running = asyncio.Event()
        self.running = self.most_running = self.cancelled = 0

    async def databases(self) -> list[DatabaseRecord]:
        if self.fails == "all":
            raise ServerError("out of order", status=503)
        return [DatabaseRecord(self.provider, name, name) for name in self.names]

    async def users(self, database: DatabaseRecord) -> list[UserRecord]:
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        if self.running == len(self.names):
            self.all_running.set()
        try:
            if database.id in self.waits:
                await self.gate.wait()
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if database.id == "defect":
            raise KeyError(database.id)
        if database.id in self.fails:
            raise ServerError("out of order", status=503)
        return [UserRecord(f"user of {database.id}")]

    def requests_to_list(self) -> int:
        return 1

    def requests_for(self, databases: Sequence[DatabaseRecord]) -> int:
        return len(databases)


async def outcomes_of(*accounts: Inventory, concurrency: int = 50) -> list[Outcome]:
    return [outcome async for outcome in read_all(accounts, concurrency=concurrency)]


def other_tasks() -> set["asyncio.Task[object]"]:
    current = asyncio.current_task()
    return {task for task in asyncio.all_tasks() if task is not current}


async def test_each_database_has_one_outcome_and_one_failure_stops_no_other() -> None:
    outcomes = await outcomes_of(Provider("A", "abcdef", fails="c"), concurrency=2)

    (listed,) = (o for o in outcomes if isinstance(o, Listed))
    read = {o.database.id: o.users for o in outcomes if isinstance(o, Read)}
    (not_read,) = (o for o in outcomes if isinstance(o, NotRead))
    assert [database.id for database in listed.databases] == list("abcdef")
    assert read == {name: (UserRecord(f"user of {name}"),) for name in "abdef"}
    assert not_read.database.id == "c"
    assert not_read.error.status == 503
    assert len(outcomes) == 7


async def test_an_account_that_cannot_be_listed_is_reported_and_the_others_are_read() -> None:
    outcomes = await outcomes_of(Provider("A", "ab", fails="all"), Provider("B", "c"))

    assert [(o.provider, str(o.error)) for o in outcomes if isinstance(o, NotListed)] == [
        ("A", "503: out of order")
    ]
    assert [o.database.id for o in outcomes if isinstance(o, Read)] == ["c"]


async def test_a_database_without_users_is_skipped_and_not_asked() -> None:
    class Cache(Provider):
        async def databases(self) -> list[DatabaseRecord]:
            return [DatabaseRecord("A", "r", "cache", engine="redis", has_users=False)]

        async def users(self, database: DatabaseRecord) -> list[UserRecord]:
            raise AssertionError("asked for the users of a database that has none")

    (_, skipped) = await outcomes_of(Cache("A", ""))

    assert isinstance(skipped, Skipped)
    assert skipped.reason == "redis has no user management"


async def test_no_more_than_concurrency_databases_of_an_account_are_read_at_a_time() -> None:
    account = Provider("A", [str(number) for number in range(30)])

    await outcomes_of(account, concurrency=4)

    assert account.most_running == 4


async def test_an_account_that_waits_holds_up_no_other() -> None:
    slow, quick = Provider("slow", "ab", waits="ab"), Provider("quick", "cdef")
    read: list[str] = []

    async with aclosing(read_all([slow, quick], concurrency=1)) as outcomes:
        async for outcome in outcomes:
            if isinstance(outcome, Read):
                read.append(outcome.database.id)
            if read == list("cdef"):
                slow.gate.set()

    assert read == list("cdefab")


async def test_leaving_early_cancels_what_is_under_way() -> None:
    account = Provider("A", "abcd", waits="bcd")

    async with asyncio.timeout(SOON), aclosing(read_all([account])) as outcomes:
        async for outcome in outcomes:
            if isinstance(outcome, Read):
                break

    assert account.cancelled == 3
    assert not other_tasks()


async def test_leaving_before_anything_was_read_leaves_nothing_behind() -> None:
    account = Provider("A", "abcd")

    async with asyncio.timeout(SOON), aclosing(read_all([account])) as outcomes:
        assert isinstance(await anext(outcomes), Listed)

    assert account.running == 0
    assert not other_tasks()


async def test_a_caller_who_is_slow_holds_back_the_reading() -> None:
    account = Provider("A", [str(number) for number in range(100)])
    users, asked = account.users, []

    async def counted(database: DatabaseRecord) -> list[UserRecord]:
        asked.append(database)
        return await users(database)

    account.users = counted  # type: ignore[method-assign]  # counts the calls, of this object alone
    async with aclosing(read_all([account], concurrency=4)) as outcomes:
        await anext(outcomes)
        for _ in range(500):
            await asyncio.sleep(0)
        held_back = len(asked)
        rest = [outcome async for outcome in outcomes]

    assert held_back == 4
    assert len(asked) == len(rest) == 100


async def test_cancelling_the_reader_cancels_what_is_under_way() -> None:
    account = Provider("A", "abcd", waits="abcd")
    reader = asyncio.create_task(outcomes_of(account))
    await account.all_running.wait()

    reader.cancel()
    async with asyncio.timeout(SOON):
        with pytest.raises(asyncio.CancelledError):
            await reader

    assert account.cancelled == 4
    assert not other_tasks()


@pytest.mark.parametrize("others", [["b"], []], ids=["beside another", "alone"])
async def test_a_defect_is_raised_and_leaves_nothing_behind(others: list[str]) -> None:
    account = Provider("A", ["defect", *others], waits="b")

    async with asyncio.timeout(SOON):
        with pytest.raises(KeyError):
            await outcomes_of(account)

    assert account.cancelled == len(others)
    assert not other_tasks()


async def test_a_defect_in_listing_is_raised() -> None:
    class Defect(Provider):
        async def databases(self) -> list[DatabaseRecord]:
            raise KeyError("databases")

    async with asyncio.timeout(SOON):
        with pytest.raises(KeyError):
            await outcomes_of(Defect("A", "a"), Provider("B", "b"))


async def test_an_inventory_that_was_cancelled_by_itself_is_a_defect_and_not_waited_for() -> None:
    class Cancelled(Provider):
        async def users(self, database: DatabaseRecord) -> list[UserRecord]:
            raise asyncio.CancelledError

    async with asyncio.timeout(SOON):
        with pytest.raises(RuntimeError, match="cancelled, by nobody here"):
            await outcomes_of(Cancelled("A", "abc"), concurrency=2)

    assert not other_tasks()


async def test_a_kept_error_keeps_no_frames() -> None:
    outcomes = await outcomes_of(Provider("A", "a", fails="a"))

    (failed,) = (o for o in outcomes if isinstance(o, NotRead))
    assert failed.error.__traceback__ is None


async def test_a_concurrency_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        await outcomes_of(Provider("A", "a"), concurrency=0)


async def test_accounts_of_one_provider_are_told_apart_by_name() -> None:
    accounts = [
        Account("staging", Provider("A", "a")),
        Account("production", Provider("A", "ab")),
        Account("old", Provider("A", "", fails="all")),
    ]

    outcomes = await outcomes_of(*accounts)

    listed = {o.account: len(o.databases) for o in outcomes if isinstance(o, Listed)}
    read = {(o.database.account, o.database.id) for o in outcomes if isinstance(o, Read)}
    assert listed == {"staging": 1, "production": 2}
    assert read == {("staging", "a"), ("production", "a"), ("production", "b")}
    assert [(o.provider, o.account) for o in outcomes if isinstance(o, NotListed)] == [("A", "old")]


async def test_what_the_selection_does_not_take_is_not_asked_for() -> None:
    account = Account(
        "staging",
        Provider("A", ["orders", "orders-old", "carts"]),
        Selection(include={"name": ("orders*",)}, exclude={"name": ("*-old",)}),
    )

    outcomes = await outcomes_of(account)

    assert [o.database.name for o in outcomes if isinstance(o, Read)] == ["orders"]
    assert account.left_out == 2


async def test_only_what_is_pending_is_read_and_nothing_is_listed() -> None:
    provider = Provider("A", "abc", fails="all")
    pending = (DatabaseRecord("A", "b", "b", account="staging"),)

    outcomes = await outcomes_of(Account("staging", provider, pending=pending))

    assert outcomes == [
        Listed("A", pending, account="staging"),
        Read(pending[0], (UserRecord("user of b"),)),
    ]


async def test_every_user_of_both_providers_is_read_but_for_the_database_that_fails() -> None:
    async with Sandbox(databases=30, users=300) as sandbox:
        broken = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "pg")
        path = f"/v2/databases/{broken['id']}/users"
        sandbox.inject(Fault(path, times=None, status=503))
        async with (
            sandbox.digitalocean(options=[NO_RETRY]) as digitalocean,
            sandbox.scalingo() as scalingo,
        ):
            outcomes = await outcomes_of(
                DigitalOceanInventory(digitalocean), ScalingoInventory(scalingo)
            )

    databases: list[Cluster | Database] = [*sandbox.fleet.digitalocean]
    databases += sandbox.fleet.scalingo.databases
    there = {d["id"]: set(d.users) for d in databases if d.users and d["id"] != broken["id"]}
    read = {o.database.id: {user.name for user in o.users} for o in outcomes if isinstance(o, Read)}
    assert read == there
    assert [o.database.id for o in outcomes if isinstance(o, NotRead)] == [broken["id"]]
    skipped = {o.database.id for o in outcomes if isinstance(o, Skipped)}
    assert skipped == {d["id"] for d in databases if not d.users}
