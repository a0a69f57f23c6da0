"""Bulk work against the sandbox and a scripted server: what it says is what the provider has."""

import asyncio
from collections.abc import Iterator, Mapping

import pytest

from dbusers import ConnectionFailed, DigitalOceanClient, RateLimit, ScalingoClient, Window
from dbusers.bulk import Bulk, Done, Failed, Interrupted, NotStarted, Summary
from dbusers.deadline import time_limit
from dbusers.digitalocean import DatabaseUser, UserRequestBuilder
from dbusers.scalingo import UserRequestBuilder as ScalingoUser
from dbusers.testing import Fault, ManualClock, Sandbox
from tests.bulk.work import other_tasks, settled
from tests.calls import opened
from tests.raw_server import Exchange, RawServer, answer, silence

RESETS = "/v2/databases/*/reset_auth"


def postgresql(sandbox: Sandbox) -> Mapping[str, Mapping[str, str]]:
    """Return the users of the sandbox's PostgreSQL cluster, as the provider has them."""
    return next(c for c in sandbox.fleet.digitalocean if c["engine"] == "pg").users


def passwords(sandbox: Sandbox) -> dict[str, str]:
    return {name: user["password"] for name, user in postgresql(sandbox).items()}


def users_of(client: DigitalOceanClient, sandbox: Sandbox) -> Iterator[UserRequestBuilder]:
    cluster = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "pg")
    users = client.databases.by_id(cluster["id"]).users
    return (users.by_username(name) for name in cluster.users)


def name_of(user: UserRequestBuilder) -> str:
    return user.path_parameters["username"]


async def reset(user: UserRequestBuilder) -> DatabaseUser:
    return await user.reset_auth.post()


async def test_every_password_is_in_the_callers_hands_and_no_request_is_refused() -> None:
    clock = ManualClock()
    kept: dict[str, str] = {}

    def keep(result: Done[UserRequestBuilder, DatabaseUser] | Failed[UserRequestBuilder]) -> None:
        user = result.unwrap()
        assert user.password
        kept[user.name] = user.password.reveal()

    async with Sandbox(databases=1, users=300, clock=clock) as sandbox:
        before, began = passwords(sandbox), clock.time()
        async with sandbox.digitalocean(clock=clock) as client:
            bulk = Bulk(users_of(client, sandbox), reset, sink=keep)
            async with bulk as results:
                async for _ in results:
                    pass

    assert bulk.summary == Summary(done=300)
    assert kept == passwords(sandbox)
    assert not kept.items() & before.items()
    assert {request.status for request in sandbox.requests} == {200}
    assert len(sandbox.requests) == 300
    assert clock.time() - began >= 60  # 250 in any minute


async def test_what_is_said_of_each_password_is_true_whatever_goes_wrong() -> None:
    faults = [
        Fault(RESETS, after=3, status=503, times=2),
        Fault(RESETS, after=5, cut="after", times=3),
        Fault(RESETS, after=5, cut="before", times=3),
        Fault(RESETS, after=6, cut="body", times=2),
        Fault(RESETS, after=8, status=429, headers={"retry-after": "1"}, times=2),
        Fault(RESETS, after=9, status=403),
        Fault(RESETS, after=9, wrong_type="user.name", times=2),
    ]
    async with Sandbox(databases=1, users=60) as sandbox:
        before = passwords(sandbox)
        for fault in faults:
            sandbox.inject(fault)
        async with sandbox.digitalocean(clock=ManualClock()) as client:
            results = await Bulk(users_of(client, sandbox), reset, concurrency=5).collect()

    after = passwords(sandbox)
    undone = set()
    for result in results:
        name = name_of(result.item)
        if isinstance(result, Done):
            assert result.value.password
            assert result.value.password.reveal() == after[name]
        elif isinstance(result, Failed) and not result.maybe_done:
            assert after[name] == before[name]
            undone.add(name)
    doubtful = [r.item for r in results if isinstance(r, Failed) and r.maybe_done]
    assert (len(results), len(undone), len(doubtful)) == (60, 3, 12)
    lost = {name for name in map(name_of, doubtful) if after[name] != before[name]}
    assert (
        len(lost) == 7
    )  # cut off after it was done, in the answer, or in an answer of another type
    assert len(sandbox.requests) == 60, "a reset was sent again"


async def test_a_token_that_is_revoked_in_the_middle_leaves_the_rest_undone() -> None:
    async with Sandbox(databases=1, users=60) as sandbox:
        before = passwords(sandbox)
        sandbox.inject(Fault(RESETS, after=20, status=401, times=None))
        async with sandbox.digitalocean() as client:
            bulk = Bulk(list(users_of(client, sandbox)), reset, concurrency=4)
            results = await bulk.collect()

    assert bulk.summary.done == 20
    assert bulk.summary.failed <= 4
    assert bulk.summary.maybe_done == 0
    assert len(results) == 60
    after = passwords(sandbox)
    for result in results:
        name = name_of(result.item)
        assert (after[name] == before[name]) is not isinstance(result, Done)
    not_started = [result for result in results if isinstance(result, NotStarted)]
    assert len(sandbox.requests) == 60 - len(not_started)


async def test_a_client_that_is_closed_in_the_middle_stops_the_run() -> None:
    async with Sandbox(databases=1, users=30) as sandbox:
        client = sandbox.digitalocean()
        async with Bulk(users_of(client, sandbox), reset, concurrency=2) as results:
            await anext(results)
            await client.aclose()
            rest = [result async for result in results]

    assert len(rest) == 29
    assert any(isinstance(result, NotStarted) for result in rest)
    assert len(sandbox.requests) <= 5


async def test_both_providers_at_once_and_each_at_its_own_pace() -> None:
    clock = ManualClock()
    async with (
        Sandbox(databases=20, users=200, clock=clock) as sandbox,
        sandbox.digitalocean(clock=clock) as digitalocean,
        sandbox.scalingo(clock=clock) as scalingo,
    ):
        users: list[UserRequestBuilder | ScalingoUser] = [*users_of(digitalocean, sandbox)]
        users += scalingo_users(scalingo, sandbox)
        results = await Bulk(users, read_name, ordered=True).collect()

    names = [result.unwrap() for result in results]
    assert names == [user.path_parameters["username"] for user in users]
    assert 429 not in {request.status for request in sandbox.requests}


async def read_name(user: UserRequestBuilder | ScalingoUser) -> str:
    return (await user.get()).name


def scalingo_users(client: ScalingoClient, sandbox: Sandbox) -> Iterator[ScalingoUser]:
    for database in sandbox.fleet.scalingo.databases:
        users = client.databases.by_id(database["id"]).users
        yield from (users.by_username(name) for name in database.users)


async def test_the_server_never_has_more_requests_than_the_concurrency(server: RawServer) -> None:
    running = most = 0

    async def counted(exchange: Exchange) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await settled()
        running -= 1
        await answer(200, {"user": {"name": "app"}})(exchange)

    server.plays(counted)
    async with opened(server) as client:
        users = client.databases.by_id("c-1").users
        there = [users.by_username(f"app-{number}") for number in range(50)]
        bulk = Bulk(there, lambda user: user.get(), concurrency=7)
        results = await bulk.collect()

    assert len(results) == len(server.requests) == 50
    assert most == 7


async def test_an_answer_that_is_cut_off_is_in_doubt_and_a_wait_for_the_budget_is_not(
    server: RawServer,
) -> None:
    server.plays(silence())
    once_in_a_while = RateLimit([Window(1, 300)])
    async with DigitalOceanClient(
        "a-token", base_url=server.url, rate_limit=once_in_a_while
    ) as client:
        users = client.databases.by_id("c-1").users
        there = [users.by_username(name) for name in ("sent", "waiting", "also-waiting")]
        bulk = Bulk(there, reset, ordered=True, concurrency=2, grace=0)
        reader = asyncio.create_task(bulk.collect())
        await server.arrived.wait()

        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        sent, waiting, last = [result async for result in bulk]

    assert isinstance(sent, Failed)
    assert isinstance(waiting, Failed)
    assert isinstance(sent.error, Interrupted)
    assert isinstance(waiting.error, Interrupted)
    assert (sent.maybe_done, waiting.maybe_done) == (True, False)
    assert last == NotStarted(there[2], "stopped")
    assert len(server.requests) == 1
    assert not other_tasks() - server.tasks


async def test_a_time_limit_inside_an_operation_is_that_operations_alone(server: RawServer) -> None:
    server.plays(answer(200, {"user": {"name": "app"}}))

    async def read(user: UserRequestBuilder) -> DatabaseUser:
        with time_limit(0 if name_of(user) == "hurried" else 60):
            return await user.get()

    async with opened(server) as client:
        users = client.databases.by_id("c-1").users
        there = [users.by_username(name) for name in ("patient", "hurried", "also-patient")]
        bulk = Bulk(there, read, ordered=True)
        results = await bulk.collect()

    assert [type(result) for result in results] == [Done, Failed, Done]
    assert bulk.summary == Summary(done=2, failed=1)


async def test_a_time_limit_around_a_run_is_that_of_all_its_calls(server: RawServer) -> None:
    async with opened(server) as client:
        users = client.databases.by_id("c-1").users
        bulk = Bulk([users.by_username(name) for name in "abc"], reset)
        with time_limit(0):
            await bulk.collect()

    assert bulk.summary == Summary(failed=3)
    assert not server.requests


async def test_where_nobody_listens_nothing_is_in_doubt(refused_url: str) -> None:
    async with DigitalOceanClient("a-token", base_url=refused_url, clock=ManualClock()) as client:
        users = client.databases.by_id("c-1").users
        there = [users.by_username(f"app-{number}") for number in range(5)]
        bulk = Bulk(there, reset)
        results = await bulk.collect()

    assert {type(result.error) for result in results if isinstance(result, Failed)} == {
        ConnectionFailed
    }
    assert bulk.summary == Summary(failed=5)
