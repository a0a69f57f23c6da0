"""Bearers that expire, are refused or cannot be renewed while a thousand callers need them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from dbusers import RetryOption, ScalingoClient, ServerError, TimeoutOption
from dbusers.scalingo import UserCreate
from dbusers.testing import Fault, Sandbox
from tests.clocks import JumpingClock

HOUR: Final = 3600.0
CALLERS: Final = 1000
ONCE: Final = RetryOption(max_retries=0)
EXCHANGE: Final = "/v1/tokens/exchange"
SOON: Final = 20  # seconds; who is held up here is held up for a minute


@pytest.fixture
async def sandbox(clock: JumpingClock) -> AsyncIterator[Sandbox]:
    async with Sandbox(databases=20, users=60, clock=clock.time, limits=False) as running:
        yield running


@pytest.fixture
async def client(sandbox: Sandbox, clock: JumpingClock) -> AsyncIterator[ScalingoClient]:
    # Without a deadline: for the calls under way, an hour passes in between.
    options = [ONCE, TimeoutOption(total=None)]
    async with sandbox.scalingo(clock=clock, rate_limit=None, options=options) as opened:
        yield opened


@pytest.fixture
def ids(sandbox: Sandbox) -> list[str]:
    """The databases that have users, by id."""
    return [d["id"] for d in sandbox.fleet.scalingo.databases if d.users]


def users_of(client: ScalingoClient, database: str) -> Any:
    return client.databases.by_id(database).users


def token_path(sandbox: Sandbox, database: str) -> str:
    addon = next(a for a in sandbox.fleet.scalingo.addons if a["id"] == database)
    app = next(a for a in sandbox.fleet.scalingo.apps if a["id"] == addon["app_id"])
    return f"/v1/apps/{app['name']}/addons/{database}/token"


def bearer_calls(sandbox: Sandbox) -> Counter[str]:
    """How often each bearer was asked for since the requests were last cleared."""
    paths = [request.path for request in sandbox.requests]
    return Counter(path for path in paths if path == EXCHANGE or path.endswith("/token"))


# One call for all


async def test_a_thousand_callers_with_expired_bearers_cause_one_exchange(
    sandbox: Sandbox, client: ScalingoClient, clock: JumpingClock, ids: list[str]
) -> None:
    await users_of(client, ids[0]).get()
    sandbox.requests.clear()
    clock.now += HOUR + 1

    await asyncio.gather(*(users_of(client, ids[0]).get() for _ in range(CALLERS)))
    assert bearer_calls(sandbox) == {EXCHANGE: 1, token_path(sandbox, ids[0]): 1}
    assert len(sandbox.requests) == CALLERS + 2
    assert {request.status for request in sandbox.requests} == {200}


async def test_a_thousand_callers_with_refused_bearers_cause_one_exchange(
    sandbox: Sandbox, client: ScalingoClient, ids: list[str]
) -> None:
    await users_of(client, ids[0]).get()
    sandbox.requests.clear()
    sandbox.revoke_bearers()

    await asyncio.gather(*(users_of(client, ids[0]).get() for _ in range(CALLERS)))
    answered = Counter(
        (r.path == EXCHANGE, r.path.endswith("/token"), r.status) for r in sandbox.requests
    )
    assert answered[True, False, 200] == 1
    assert answered[False, True, 200] == answered[False, True, 401] == 1
    assert answered[False, False, 200] == CALLERS


async def test_a_thousand_callers_of_many_databases_cause_one_exchange_and_one_bearer_each(
    sandbox: Sandbox, client: ScalingoClient, clock: JumpingClock, ids: list[str]
) -> None:
    for database in ids:
        await users_of(client, database).get()
    sandbox.requests.clear()
    clock.now += HOUR + 1

    calls = (users_of(client, ids[number % len(ids)]).get() for number in range(CALLERS))
    await asyncio.gather(*calls)
    paths = [EXCHANGE, *(token_path(sandbox, database) for database in ids)]
    assert bearer_calls(sandbox) == dict.fromkeys(paths, 1)


# When renewing fails


@pytest.mark.parametrize("which", ["platform", "database"])
async def test_a_failed_renewal_fails_all_who_wait_with_its_cause_and_the_next_tries_again(
    sandbox: Sandbox, client: ScalingoClient, clock: JumpingClock, ids: list[str], which: str
) -> None:
    path = EXCHANGE if which == "platform" else token_path(sandbox, ids[0])
    await users_of(client, ids[0]).get()
    sandbox.requests.clear()
    clock.now += HOUR + 1
    sandbox.inject(Fault(path, status=503, body={"error": "back at noon"}))

    ends = await asyncio.gather(
        *(users_of(client, ids[0]).get() for _ in range(CALLERS)), return_exceptions=True
    )
    assert bearer_calls(sandbox)[path] == 1
    assert {(type(end), str(end)) for end in ends} == {(ServerError, str(ends[0]))}
    assert "back at noon" in str(ends[0])

    assert await users_of(client, ids[0]).get()
    assert bearer_calls(sandbox)[path] == 2


async def test_a_failed_renewal_of_one_database_fails_no_call_of_another(
    sandbox: Sandbox, client: ScalingoClient, clock: JumpingClock, ids: list[str]
) -> None:
    for database in ids[:2]:
        await users_of(client, database).get()
    clock.now += HOUR + 1
    sandbox.inject(Fault(token_path(sandbox, ids[0]), status=503, times=None))

    failing, *others = await asyncio.gather(
        users_of(client, ids[0]).get(),
        *(users_of(client, ids[1]).get() for _ in range(10)),
        return_exceptions=True,
    )
    assert isinstance(failing, ServerError)
    assert all(isinstance(users, list) for users in others)


# In the middle of a run


@pytest.mark.parametrize("end", ["expires", "is revoked"])
async def test_a_bearer_that_ends_in_mid_run_is_replaced_without_a_failed_call(
    sandbox: Sandbox, client: ScalingoClient, clock: JumpingClock, ids: list[str], end: str
) -> None:
    created = [f"worker-{number:03}" for number in range(200)]
    users = users_of(client, ids[0])
    before = {user.name for user in await users.get()}

    async def create(number: int) -> None:
        if number % 50 == 25:  # while those before it are under way
            if end == "expires":
                clock.now += HOUR + 1
            else:
                sandbox.revoke_bearers()
        await users.post(UserCreate(created[number]))

    numbers = iter(range(len(created)))

    async def worker() -> None:
        for number in numbers:
            await create(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(worker())

    assert {user.name for user in await users.get()} - before == set(created)
    posts = [r for r in sandbox.requests if r.method == "POST" and r.path.endswith("/users")]
    done = [r for r in posts if r.status in (200, 201)]
    assert len(done) == len(created)
    assert {r.status for r in posts} <= {200, 201, 401}
    bearers = {r.authorization for r in done}
    assert len(bearers) == 5


async def test_a_bearer_that_the_server_ends_early_is_replaced(
    sandbox: Sandbox, client: ScalingoClient, ids: list[str]
) -> None:
    for _ in range(5):
        await asyncio.gather(*(users_of(client, database).get() for database in ids * 5))
        sandbox.revoke_bearers()

    assert Counter(r.status for r in sandbox.requests if r.path == EXCHANGE) == {200: 5}


# One database's bearer is no other's business


@pytest.mark.parametrize("known", [True, False], ids=["renewed", "fetched for the first time"])
async def test_fetching_one_databases_bearer_holds_up_no_other_call(
    sandbox: Sandbox, client: ScalingoClient, clock: JumpingClock, ids: list[str], known: bool
) -> None:
    await client.databases.get()
    if known:
        for database in ids:
            await users_of(client, database).get()
        clock.now += HOUR + 1
    sandbox.inject(Fault(token_path(sandbox, ids[0]), delay=60, times=None))
    waiting = [asyncio.create_task(users_of(client, ids[0]).get()) for _ in range(50)]
    await asyncio.sleep(0)

    async with asyncio.timeout(SOON):
        await asyncio.gather(*(users_of(client, database).get() for database in ids[1:]))
        await client.apps.get()
        await client.databases.get()
    assert not any(call.done() for call in waiting)
    for call in waiting:
        call.cancel()
    await asyncio.wait(waiting)


async def test_renewing_the_platforms_bearer_holds_up_no_call_whose_own_bearer_is_good(
    sandbox: Sandbox, client: ScalingoClient, ids: list[str]
) -> None:
    for database in ids:
        await users_of(client, database).get()
    sandbox.inject(Fault("/v1/apps", status=401))
    sandbox.inject(Fault(EXCHANGE, delay=60, times=None))
    waiting = [asyncio.create_task(client.apps.get()) for _ in range(20)]
    await asyncio.sleep(0)

    async with asyncio.timeout(SOON):
        await asyncio.gather(*(users_of(client, database).get() for database in ids * 5))
    assert not all(call.done() for call in waiting)
    for call in waiting:
        call.cancel()
    await asyncio.wait(waiting)


async def test_looking_for_one_databases_app_holds_up_no_other_call(
    sandbox: Sandbox, client: ScalingoClient, ids: list[str]
) -> None:
    await users_of(client, ids[0]).get()
    sandbox.inject(Fault("/v1/apps", delay=60, times=None))
    waiting = asyncio.create_task(users_of(client, "ad-unknown").get())
    await asyncio.sleep(0)

    async with asyncio.timeout(SOON):
        await asyncio.gather(*(users_of(client, database).get() for database in ids * 5))
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])
