"""Scalingo's three tokens: each fetched once, kept, renewed in time, and sent nowhere else."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from dbusers import (
    ConfigurationError,
    InvalidRequest,
    RequestConfiguration,
    RetryOption,
    ScalingoClient,
    Unauthorized,
)
from dbusers.scalingo import UserCreate
from dbusers.testing import Sandbox
from tests.clocks import START, JumpingClock
from tests.raw_server import Exchange, RawServer, answer
from tests.scalingo.hosts import API_TOKEN, BASIC, HOUR, Provider, jwt, opened, users_of


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with RawServer() as auth, RawServer() as api, RawServer() as databases:
        yield Provider(auth, api, databases)


@pytest.fixture
async def client(provider: Provider, clock: JumpingClock) -> AsyncIterator[ScalingoClient]:
    async with opened(provider, clock) as client:
        yield client


# Which token goes where


async def test_each_token_goes_to_its_own_host(provider: Provider, client: ScalingoClient) -> None:
    await users_of(client).get()

    (exchange,), (token,), (users,) = (
        host.requests for host in (provider.auth, provider.api, provider.databases)
    )
    assert exchange.line == b"POST /v1/tokens/exchange HTTP/1.1"
    assert exchange.headers["authorization"] == BASIC
    assert token.line == b"POST /v1/apps/shop/addons/ad-1/token HTTP/1.1"
    assert token.headers["authorization"] == "Bearer platform-1"
    assert users.line == b"GET /api/databases/ad-1/users HTTP/1.1"
    assert users.headers["authorization"] == "Bearer database-2"


async def test_the_api_token_goes_to_the_authentication_host_only(
    provider: Provider, client: ScalingoClient
) -> None:
    await client.apps.get()
    await users_of(client, "ad-3", app=None).get()
    await client.databases.get()

    for request in (*provider.api.requests, *provider.databases.requests):
        assert API_TOKEN not in str(request)
        assert "Basic" not in request.headers["authorization"]


async def test_a_ready_made_bearer_is_used_as_it_is(
    provider: Provider, clock: JumpingClock
) -> None:
    async with opened(provider, clock, api_token=None, database_token="ready-made") as client:
        await users_of(client, app=None).get()

    assert provider.databases.requests[0].headers["authorization"] == "Bearer ready-made"
    assert provider.auth.connections == provider.api.connections == 0


async def test_a_ready_made_bearer_does_not_reach_the_platform(
    provider: Provider, clock: JumpingClock
) -> None:
    async with opened(provider, clock, api_token=None, database_token="ready-made") as client:
        with pytest.raises(ConfigurationError, match="SCALINGO_API_TOKEN"):
            await client.apps.get()

    assert provider.api.connections == provider.auth.connections == 0


async def test_a_refused_ready_made_bearer_is_not_sent_again(
    provider: Provider, clock: JumpingClock
) -> None:
    provider.databases.plays(answer(401, {"error": "expired"}))

    async with opened(provider, clock, api_token=None, database_token="ready-made") as client:
        with pytest.raises(Unauthorized):
            await users_of(client).get()
    assert len(provider.databases.requests) == 1


# Cached


async def test_200_callers_share_one_exchange_and_one_bearer(
    provider: Provider, client: ScalingoClient
) -> None:
    await asyncio.gather(*(users_of(client).get() for _ in range(200)))

    assert provider.exchanges == 1
    assert provider.token_calls == ["/v1/apps/shop/addons/ad-1/token"]
    assert len(provider.databases.requests) == 200


async def test_each_database_has_a_bearer_of_its_own(
    provider: Provider, client: ScalingoClient
) -> None:
    calls = [users_of(client, f"ad-{number % 3 + 1}", app=None).get() for number in range(30)]
    await asyncio.gather(*calls)

    assert provider.exchanges == 1
    assert sorted(provider.token_calls) == [
        "/v1/apps/blog/addons/ad-3/token",
        "/v1/apps/shop/addons/ad-1/token",
        "/v1/apps/shop/addons/ad-2/token",
    ]
    by_path: dict[bytes, set[str]] = {}
    for request in provider.databases.requests:
        by_path.setdefault(request.target, set()).add(request.headers["authorization"])
    assert [len(bearers) for bearers in by_path.values()] == [1, 1, 1]
    assert len(set.union(*by_path.values())) == 3


async def test_the_app_of_a_database_is_looked_up_once(
    provider: Provider, client: ScalingoClient
) -> None:
    await asyncio.gather(*(users_of(client, "ad-3", app=None).get() for _ in range(20)))

    assert [r.target for r in provider.api.requests].count(b"/v1/apps") == 1


async def test_a_database_that_is_nowhere_is_looked_for_once_by_all_who_wait(
    provider: Provider, client: ScalingoClient
) -> None:
    found = await asyncio.gather(
        *(users_of(client, "ad-9", app=None).get() for _ in range(20)), return_exceptions=True
    )

    assert all(isinstance(error, InvalidRequest) for error in found)
    assert [r.target for r in provider.api.requests].count(b"/v1/apps") == 1
    assert provider.databases.connections == 0


# Renewed before it expires


async def test_a_bearer_is_used_for_most_of_its_hour(
    provider: Provider, client: ScalingoClient, clock: JumpingClock
) -> None:
    await users_of(client).get()
    clock.now += HOUR - 600

    await users_of(client).get()
    assert provider.exchanges == 1
    assert len(provider.token_calls) == 1


async def test_a_bearer_is_renewed_before_its_hour_is_over(
    provider: Provider, client: ScalingoClient, clock: JumpingClock
) -> None:
    await users_of(client).get()
    clock.now += HOUR - 60

    await asyncio.gather(*(users_of(client).get() for _ in range(50)))
    assert provider.exchanges == 2
    assert len(provider.token_calls) == 2
    sent = {request.headers["authorization"] for request in provider.databases.requests[1:]}
    assert len(sent) == 1
    assert provider.databases.requests[0].headers["authorization"] not in sent


@pytest.mark.parametrize(
    ("claims", "moments"),
    [
        ({"iat": START, "exp": START + 7200}, (6000, 7200)),
        ({"iat": START, "exp": START + 1800}, (1200, 1800)),
        ({"exp": START + 1800}, (1200, 1800)),
        ({"iat": START - 3000, "exp": START + 600}, (200, 600)),
        ({"iat": START, "exp": START + 60}, (20, 60)),
        # A clock is a day off: what counts is how long the bearer says it is good for.
        ({"iat": START - 86400, "exp": START - 86400 + 3600}, (3000, 3600)),
        ({"iat": START + 86400, "exp": START + 86400 + 3600}, (3000, 3600)),
        ({"sub": 1.0}, (3000, 3600)),
    ],
)
async def test_a_jwt_says_itself_when_it_expires(
    provider: Provider,
    client: ScalingoClient,
    clock: JumpingClock,
    claims: dict[str, float],
    moments: tuple[float, float],
) -> None:
    kept_for, renewed_by = moments
    provider.lifetime = claims
    await client.apps.get()

    clock.now = START + kept_for
    await client.apps.get()
    assert provider.exchanges == 1
    clock.now = START + renewed_by - 1
    await client.apps.get()
    assert provider.exchanges == 2


@pytest.mark.parametrize(
    "bearer",
    ["a.b.c", "..", "a..c", jwt(exp=True), "x." + "A" * 10 + ".y", jwt().replace(".", "=")],
)
async def test_a_bearer_that_only_looks_like_a_jwt_is_good_for_an_hour(
    provider: Provider, client: ScalingoClient, clock: JumpingClock, bearer: str
) -> None:
    provider.auth.plays(answer(200, {"token": bearer}))
    await client.apps.get()
    clock.now += 3000

    await client.apps.get()
    assert provider.exchanges == 1


# Renewed after a 401


async def test_a_401_renews_the_bearer_once_however_many_were_refused(
    provider: Provider, client: ScalingoClient
) -> None:
    refused = "Bearer database-2"

    async def users(exchange: Exchange) -> None:
        assert exchange.received is not None
        good = exchange.received.headers["authorization"] != refused
        body: dict[str, Any] = {"database-users": []} if good else {"error": "expired"}
        await answer(200 if good else 401, body)(exchange)

    provider.databases.plays(users)
    await asyncio.gather(*(users_of(client).get() for _ in range(50)))

    assert len(provider.token_calls) == 2
    assert provider.exchanges == 1


async def test_a_401_is_tried_once_more_and_not_again(
    provider: Provider, client: ScalingoClient
) -> None:
    provider.databases.plays(answer(401, {"error": "no"}))

    with pytest.raises(Unauthorized) as caught:
        await users_of(client).get()
    assert len(provider.databases.requests) == 2
    assert len(provider.token_calls) == 2
    assert caught.value.attempts == 2


async def test_a_401_of_the_platform_renews_the_platforms_bearer(
    provider: Provider, client: ScalingoClient
) -> None:
    provider.api.plays(answer(401), answer(200, {"apps": []}))

    assert await client.apps.get() == []
    assert provider.exchanges == 2


@pytest.mark.parametrize("verb", ["post", "reset"])
async def test_a_401_was_not_processed_so_that_any_verb_is_tried_once_more(
    provider: Provider, client: ScalingoClient, verb: str
) -> None:
    provider.databases.plays(answer(401), answer(200, {"database_user": {"name": "app"}}))
    users = users_of(client)

    user = await (
        users.post(UserCreate("app"))
        if verb == "post"
        else users.by_username("app").reset_password.post()
    )
    assert user.name == "app"
    assert len(provider.databases.requests) == 2


async def test_the_try_of_a_new_bearer_is_not_one_of_the_retries(
    provider: Provider, clock: JumpingClock
) -> None:
    users = answer(200, {"database-users": []})
    provider.databases.plays(answer(401), answer(503), answer(503), users)
    option = RetryOption(max_retries=2, base_delay=1, jitter=0)

    async with opened(provider, clock, options=[option]) as client:
        assert await users_of(client).get() == []
    assert clock.sleeps == [1, 2]


# Against the sandbox, which knows the rules by itself


async def test_bearers_that_the_sandbox_revokes_are_renewed(sandbox: Sandbox) -> None:
    async with sandbox.scalingo() as client:
        before = await client.databases.get()
        sandbox.revoke_bearers()
        assert await client.databases.get() == before


async def test_an_hour_of_the_sandboxes_clock_is_survived() -> None:
    clock = JumpingClock()
    async with Sandbox(clock=clock.time, limits=False) as sandbox:
        quick = RequestConfiguration(options=[RetryOption(max_retries=0)])
        async with sandbox.scalingo(clock=clock) as client:
            found = (await client.databases.get(quick))[0]
            database = client.databases.by_id(found.id, app=found.app)
            for _ in range(5):
                await database.get(quick)
                clock.now += HOUR
        answered = {request.status for request in sandbox.requests}
    assert answered == {200}
