"""The wired clients: the SDK against the sandbox, with nothing to configure."""

from typing import TYPE_CHECKING

import pytest

from dbusers import Secret
from dbusers.testing import ManualClock, Sandbox

if TYPE_CHECKING:  # conftest cannot be imported while the tests run
    from tests.testing.conftest import Caller


async def test_the_digitalocean_client_is_wired(sandbox: Sandbox) -> None:
    async with sandbox.digitalocean() as client:
        clusters = await client.databases.get()
        users = await client.databases.by_id(clusters[0].id).users.get()

    assert [c.id for c in clusters] == [c["id"] for c in sandbox.fleet.digitalocean]
    assert [user.name for user in users] == list(sandbox.fleet.digitalocean[0].users)


async def test_the_scalingo_client_is_wired(sandbox: Sandbox) -> None:
    async with sandbox.scalingo() as client:
        databases = await client.databases.get()
        users = await client.databases.by_id(databases[0].id).users.get()

    wired = next(d for d in sandbox.fleet.scalingo.databases if d["id"] == databases[0].id)
    assert len(databases) == len(sandbox.fleet.scalingo.databases)
    assert [user.name for user in users] == list(wired.users)


async def test_a_scalingo_client_can_hold_a_database_s_bearer_only(sandbox: Sandbox) -> None:
    database_id = sandbox.fleet.scalingo.databases[0]["id"]
    bearer = sandbox.database_token(database_id)

    async with sandbox.scalingo(database_token=bearer) as client:
        database = await client.databases.by_id(database_id).get()

    assert database.id == database_id
    assert [request.path for request in sandbox.requests] == [f"/api/databases/{database_id}"]


async def test_a_client_s_own_keywords_win(sandbox: Sandbox) -> None:
    token = sandbox.add_digitalocean_token(["database:read"])

    async with sandbox.digitalocean(token=token) as client:
        clusters = await client.databases.get()

    assert sandbox.requests[0].credentials("bearer") == Secret(token)
    assert len(clusters) == len(sandbox.fleet.digitalocean)


def test_a_client_needs_a_running_sandbox() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        Sandbox().digitalocean()


async def test_one_clock_drives_the_client_and_the_sandbox() -> None:
    clock = ManualClock()
    started = clock()
    async with Sandbox(clock=clock) as sandbox, sandbox.digitalocean(clock=clock) as client:
        cluster = client.databases.by_id(sandbox.fleet.digitalocean[0]["id"])
        for _ in range(260):
            await cluster.get()

        assert {request.status for request in sandbox.requests} == {200}
        assert 60 <= clock() - started < 120


async def test_a_waiting_client_obeys_the_sandbox_s_retry_after(
    sandbox: Sandbox, clock: ManualClock, digitalocean: "Caller"
) -> None:
    for _ in range(250):
        await digitalocean("GET", "/v2/databases/none")
    started = clock()

    async with sandbox.digitalocean(clock=clock) as client:
        clusters = await client.databases.get()

    assert clusters
    assert [request.status for request in sandbox.requests[-2:]] == [429, 200]
    assert 60 <= clock() - started < 120
