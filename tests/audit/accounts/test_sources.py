import asyncio
from collections.abc import Sequence

import pytest

from dbusers import ServerError
from dbusers.audit import DatabaseRecord, Engine, NotRead, Outcome, Read, UserRecord, read_all
from dbusers.audit.accounts.account import Account
from dbusers.audit.accounts.selection import Selection
from dbusers.audit.accounts.sources import SAMPLE, Source, sample_of
from dbusers.audit.plan import plan_of
from dbusers.digitalocean.inventory import DigitalOceanInventory
from dbusers.scalingo.inventory import ScalingoInventory
from dbusers.testing import Sandbox

ADMIN = UserRecord("doadmin", built_in=True)
APP = UserRecord("app", built_in=False)
FULL = (ADMIN, UserRecord("app", built_in=False, replication=True))


class Provider:
    """An inventory in memory that says what it was asked.

    `embedded` is what the list of databases tells of those that it does not tell truly.
    """

    provider = "A"

    def __init__(
        self,
        databases: Sequence[DatabaseRecord],
        embedded: dict[str, tuple[UserRecord, ...] | None] | None = None,
        *,
        fails: str = "",
    ) -> None:
        self.all = databases
        self.embedded = embedded or {}
        self.fails = fails
        self.lists = 0
        self.asked: list[str] = []

    async def databases(self) -> Sequence[DatabaseRecord]:
        raise AssertionError("the list with users in it is the one to ask for")

    async def databases_with_embedded_users(
        self,
    ) -> Sequence[tuple[DatabaseRecord, tuple[UserRecord, ...] | None]]:
        self.lists += 1
        return [(each, self.embedded.get(each.id, (ADMIN, APP))) for each in self.all]

    async def users(self, database: DatabaseRecord) -> Sequence[UserRecord]:
        self.asked.append(database.id)
        await asyncio.sleep(0)
        if database.id == self.fails:
            raise ServerError("out of order", status=503)
        return FULL

    def requests_to_list(self) -> int:
        return 1

    def requests_for(self, databases: Sequence[DatabaseRecord]) -> int:
        return len(databases)


def databases(number: int, engine: Engine = Engine.POSTGRESQL) -> list[DatabaseRecord]:
    return [
        DatabaseRecord("A", f"{engine.value}-{n}", f"name-{n}", engine=engine)
        for n in range(number)
    ]


async def read(account: Account) -> dict[str, tuple[UserRecord, ...]]:
    outcomes = [outcome async for outcome in read_all([account])]
    return {o.database.id: o.users for o in outcomes if isinstance(o, Read)}


async def outcomes_of(account: Account) -> list[Outcome]:
    return [outcome async for outcome in read_all([account])]


async def test_embedded_users_are_taken_as_they_come_and_marked_as_partial() -> None:
    provider = Provider(databases(3))
    account = Account.of(provider).reading_from(Source.EMBEDDED)

    users = await read(account)

    assert users == {each.id: (ADMIN, APP) for each in provider.all}
    assert all(account.is_partial(each) for each in provider.all)
    assert (provider.lists, provider.asked) == (1, [])
    assert plan_of([account], {"A": provider.all}).requests == 1


async def test_a_database_whose_users_did_not_come_along_is_asked_for_them() -> None:
    provider = Provider(databases(3), {"postgresql-1": None, "postgresql-2": ()})
    account = Account.of(provider).reading_from(Source.EMBEDDED)

    users = await read(account)

    assert users == {"postgresql-0": (ADMIN, APP), "postgresql-1": FULL, "postgresql-2": ()}
    assert [account.is_partial(each) for each in provider.all] == [True, False, True]
    assert account.requests_for(provider.all) == 1


async def test_a_resumed_account_lists_anew_to_know_the_embedded_users() -> None:
    provider = Provider(databases(3))
    account = Account("A", provider, pending=(provider.all[1],)).reading_from(Source.EMBEDDED)
    assert plan_of([account], {}).requests == 1

    users = await read(account)

    assert users == {"postgresql-1": (ADMIN, APP)}
    assert provider.lists == 1


async def test_where_the_sample_agrees_the_others_are_not_asked() -> None:
    provider = Provider(databases(SAMPLE + 40))
    account = Account.of(provider).reading_from(Source.AUTO)

    users = await read(account)

    sampled = set(sample_of(provider.all))
    assert sorted(provider.asked) == sorted(sampled)
    assert len(sampled) == SAMPLE
    assert users == {each.id: FULL if each.id in sampled else (ADMIN, APP) for each in provider.all}
    assert {each.id for each in provider.all if not account.is_partial(each)} == sampled


@pytest.mark.parametrize(
    "told",
    [(ADMIN,), (), (ADMIN, APP, UserRecord("gone", built_in=False)), (ADMIN, UserRecord("app"))],
    ids=["one is missing", "none", "one too many", "another role"],
)
async def test_where_one_of_the_sample_differs_all_are_asked(
    told: tuple[UserRecord, ...],
) -> None:
    everything = databases(SAMPLE + 40)
    provider = Provider(everything, {next(iter(sample_of(everything))): told})
    account = Account.of(provider).reading_from(Source.AUTO)

    users = await read(account)

    assert users == {each.id: FULL for each in everything}
    assert sorted(provider.asked) == sorted(each.id for each in everything)
    assert not any(account.is_partial(each) for each in everything)


async def test_each_engine_has_its_own_sample() -> None:
    kafka = databases(SAMPLE + 5, Engine.KAFKA)
    everything = [*databases(SAMPLE + 5), *kafka]
    provider = Provider(everything, {each.id: (ADMIN,) for each in kafka})

    users = await read(Account.of(provider).reading_from(Source.AUTO))

    assert all(users[each.id] == FULL for each in kafka)
    assert len([each for each in users.values() if each == (ADMIN, APP)]) == 5


async def test_a_sample_that_cannot_be_read_proves_nothing() -> None:
    everything = databases(SAMPLE + 10)
    provider = Provider(everything, fails=next(iter(sample_of(everything))))

    outcomes = await outcomes_of(Account.of(provider).reading_from(Source.AUTO))

    assert [o.database.id for o in outcomes if isinstance(o, NotRead)] == [provider.fails]
    assert len([o for o in outcomes if isinstance(o, Read) and o.users == FULL]) == SAMPLE + 9
    assert provider.asked.count(provider.fails) == 1


async def test_the_sample_is_drawn_from_what_is_audited() -> None:
    provider = Provider(databases(200))
    account = Account("A", provider, Selection(include={"name": ("name-1",)}))

    await read(account.reading_from(Source.AUTO))

    assert provider.asked == ["postgresql-1"]


def test_the_sample_is_the_same_every_time_and_not_the_first_ones() -> None:
    everything = databases(500)

    assert sample_of(everything).keys() == sample_of(reversed(everything)).keys()
    assert sample_of(everything).keys() != {each.id for each in everything[:SAMPLE]}


async def test_the_plan_of_a_sample_is_the_least_that_it_takes() -> None:
    provider = Provider(databases(SAMPLE + 40))
    account = Account.of(provider).reading_from(Source.AUTO)
    listed = {"A": await account.databases()}

    plan = plan_of([account], listed)

    assert (plan.requests, plan.exact) == (1 + SAMPLE, False)


async def test_a_provider_that_embeds_no_users_is_read_by_its_lists() -> None:
    async with Sandbox(limits=False) as sandbox, sandbox.scalingo() as client:
        inventory = ScalingoInventory(client)
        account = Account.of(inventory).reading_from(Source.EMBEDDED)
        users = await read(account)

    there = {d["id"]: set(d.users) for d in sandbox.fleet.scalingo.databases if d.users}
    assert {key: {user.name for user in found} for key, found in users.items()} == there


async def test_what_digitalocean_s_clusters_bring_along_is_marked_as_partial() -> None:
    async with Sandbox(limits=False) as sandbox, sandbox.digitalocean() as client:
        account = Account.of(DigitalOceanInventory(client)).reading_from(Source.EMBEDDED)
        outcomes = [o for o in await outcomes_of(account) if isinstance(o, Read)]

    clusters = {c["id"]: c for c in sandbox.fleet.digitalocean if c.users}
    assert {o.database.id for o in outcomes} == set(clusters)
    for outcome in outcomes:
        cluster = clusters[outcome.database.id]
        told = cluster["users"] is not None
        names = ["doadmin"] if told else sorted(cluster.users)
        assert sorted(user.name for user in outcome.users) == names
        assert account.is_partial(outcome.database) is told
