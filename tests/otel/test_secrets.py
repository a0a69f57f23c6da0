"""What spans and metrics never hold: secrets, names, ids, query values, bodies."""

import asyncio
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest

from dbusers import DbusersError, DigitalOceanClient, RequestConfiguration, RetryOption
from dbusers import digitalocean as do
from dbusers import scalingo as sc
from dbusers.testing import Fault, ManualClock, Sandbox
from tests.calls import get, opened
from tests.canary import TOKEN
from tests.canary_search import ANYTHING, SENT, found_in, secrets_of
from tests.otel.conftest import Recorded
from tests.raw_server import RawServer, answer

USER = "canary-user-4b1f"
TAG = "canary-tag-88aa"
FAULTS: dict[str, Fault | None] = {
    "none": None,
    "failures": Fault(ANYTHING, status=503, times=None, after=4),
    "refusals": Fault(f"*{USER}*", status=422, body={"message": f"{USER}: {SENT}"}, times=None),
    "limits": Fault(ANYTHING, status=429, headers={"Retry-After": "7"}, times=None, after=4),
    "lost answers": Fault(ANYTHING, cut="after", times=None, after=4),
    "half a body": Fault(ANYTHING, cut="body", times=None, after=3),
}


async def live(sandbox: Sandbox, recorded: Recorded) -> tuple[str, str]:
    """Lead a user's life at both providers, and return the ids of the two databases."""
    keywords: dict[str, Any] = {"rate_limit": None, "clock": ManualClock(), **recorded.hooks}
    cluster = next(c["id"] for c in sandbox.fleet.digitalocean if c["engine"] == "mysql")
    database = next(d for d in sandbox.fleet.scalingo.databases if d["type_name"] == "mysql")
    async with (
        sandbox.digitalocean(**keywords) as digitalocean,
        sandbox.scalingo(**keywords) as scalingo,
    ):
        users = digitalocean.databases.by_id(cluster).users
        mine = users.by_username(USER)
        others = scalingo.databases.by_id(database["id"], app=database["app_name"]).users
        its = others.by_username(USER)
        query = RequestConfiguration(query_parameters=do.DatabasesQuery(tag_name=TAG))
        for call in (
            digitalocean.databases.get(query),
            users.post(do.UserCreate(USER)),
            mine.get(),
            mine.put(do.UserUpdate(settings=do.UserSettings(acl=[]))),
            mine.reset_auth.post(),
            mine.delete(),
            others.post(sc.UserCreate(USER, password=SENT)),
            its.patch(sc.UserUpdate(password=SENT)),
            its.reset_password.post(),
            its.delete(),
        ):
            with suppress(DbusersError):
                await call
    return cluster, database["id"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_users_life_shows_neither_secrets_nor_whose_it_is(
    recorded: Recorded, fault: str
) -> None:
    async with Sandbox(limits=False, databases=20, users=40) as sandbox:
        if (injected := FAULTS[fault]) is not None:
            sandbox.inject(injected)
        ids = await live(sandbox, recorded)

        everything = recorded.everything()
        assert len(recorded.operations) >= 10
        assert found_in(everything, {*secrets_of(sandbox), USER, TAG, *ids}) == set()
        assert not [text for text in everything if "?" in text or "canary" in text]


@pytest.mark.parametrize("status", [200, 302, 401, 422])
async def test_a_server_that_repeats_the_token_does_not_have_it_recorded(
    server: RawServer, recorded: Recorded, status: int
) -> None:
    headers = {"x-request-id": f"r {quote(TOKEN)}", "x-echo": TOKEN, "Location": f"/{TOKEN}"}
    body = {"id": TOKEN, "message": TOKEN, "request_id": TOKEN, "user": {"name": "app"}}
    server.plays(answer(status, body, headers))

    async with DigitalOceanClient(TOKEN, base_url=server.url, **recorded.hooks) as client:
        with suppress(DbusersError):
            await get(client)

    assert len(recorded.spans) == 2
    assert "r " in str(dict(recorded.spans[1].attributes or {}))
    assert found_in(recorded.everything(), [TOKEN]) == set()


async def test_a_call_that_is_cancelled_shows_nothing_either(
    server: RawServer, recorded: Recorded
) -> None:
    async def hang(_: object) -> None:
        await asyncio.get_running_loop().create_future()

    server.plays(hang)
    async with opened(server, **recorded.hooks) as client:
        user = client.databases.by_id("c-1").users.by_username(USER)
        call = asyncio.create_task(user.get())
        await server.arrived.wait()
        call.cancel(f"{USER} is not wanted")
        await asyncio.wait([call])

    assert len(recorded.spans) == 2
    assert found_in(recorded.everything(), [USER]) == set()


async def test_a_headers_value_of_the_caller_is_not_recorded(
    server: RawServer, recorded: Recorded
) -> None:
    server.plays(answer(503))
    with_ = RequestConfiguration(
        headers={"x-gateway-key": SENT[:16]}, options=[RetryOption(max_retries=0)]
    )

    async with opened(server, **recorded.hooks) as client:
        with suppress(DbusersError):
            await client.databases.get(with_)

    assert server.requests[0].headers["x-gateway-key"] == SENT[:16]
    assert found_in(recorded.everything(), [SENT[:16], "x-gateway-key"]) == set()
