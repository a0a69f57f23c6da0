"""The sandbox on its socket: raw paths, recorded requests, its life, and what its reprs show."""

import asyncio
import gc
import socket
from collections.abc import Callable
from contextlib import ExitStack
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
import pytest

from dbusers.testing import Fault, ManualClock, Sandbox
from dbusers.testing.digitalocean.fleet import Cluster

if TYPE_CHECKING:  # conftest cannot be imported while the tests run
    from tests.testing.conftest import Caller, Until

    ClusterOf = Callable[[str], Cluster]


# Paths


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("a/b", "a%2Fb"),
        ("..", "%2e%2e"),
        (".", "%2E"),
        ("50%", "50%25"),
        ("%2e%2e", "%252e%252e"),
        ("what?", "what%3F"),
        ("one#two", "one%23two"),
        ("a b", "a%20b"),
        ("a+b", "a+b"),
        ("zoë", "zo%C3%AB"),
        ("users", "users"),
        ("reset_auth", "reset_auth"),
    ],
)
async def test_a_quoted_name_is_one_segment(
    digitalocean: "Caller", cluster: "ClusterOf", name: str, segment: str
) -> None:
    pg = cluster("pg")
    path = f"/v2/databases/{pg['id']}/users"
    await digitalocean("POST", path, {"name": name})

    read = await digitalocean("GET", f"{path}/{segment}")
    reset = await digitalocean("POST", f"{path}/{segment}/reset_auth", {})
    deleted = await digitalocean("DELETE", f"{path}/{segment}")

    assert read.json["user"]["name"] == name
    assert (reset.status, deleted.status) == (200, 204)
    assert name not in pg.users


async def test_dots_are_not_resolved(digitalocean: "Caller", cluster: "ClusterOf") -> None:
    pg = cluster("pg")

    reply = await digitalocean("DELETE", f"/v2/databases/{pg['id']}/users/..")

    assert (reply.status, reply.json["message"]) == (404, "user not found")


# Recorded requests


async def test_requests_are_recorded(
    digitalocean: "Caller", sandbox: Sandbox, clock: ManualClock
) -> None:
    clock.advance(5)
    await digitalocean("POST", "/v2/databases/a%2Fb/users?x=1&y=z", {"name": "app-01"})

    recorded = sandbox.requests[-1]
    assert recorded.method == "POST"
    assert recorded.path == "/v2/databases/a%2Fb/users"
    assert recorded.segments == ("v2", "databases", "a/b", "users")
    assert recorded.query == {"x": "1", "y": "z"}
    assert recorded.headers["CONTENT-type"] == "application/json"
    assert recorded.body == b'{"name":"app-01"}'
    assert recorded.time == clock()
    assert recorded.status == 404


async def test_a_recorded_request_hides_token_and_body(
    digitalocean: "Caller", sandbox: Sandbox
) -> None:
    await digitalocean("POST", "/v2/databases/none/users", {"name": "somebody-secret"})

    shown = repr(sandbox.requests)

    assert "/v2/databases/none/users" in shown
    assert str(sandbox.digitalocean_token) not in shown
    assert "somebody-secret" not in shown


async def test_recording_can_be_switched_off(session: aiohttp.ClientSession) -> None:
    async with Sandbox(record=False) as sandbox:
        async with session.get(f"{sandbox.url}/v1/regions") as response:
            assert response.status == 401

        assert sandbox.requests == []


async def test_a_body_that_is_too_large_is_refused(
    session: aiohttp.ClientSession, sandbox: Sandbox
) -> None:
    body = BytesIO(b"x" * 2**21)

    async with session.post(f"{sandbox.url}/v2/databases/none/users", data=body) as response:
        assert response.status == 413
        assert "too large" in await response.text()
    assert [(request.status, request.body) for request in sandbox.requests] == [(413, b"")]


# Life


async def test_an_address_needs_a_running_sandbox() -> None:
    sandbox = Sandbox()

    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url
    async with sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url


async def test_it_can_be_started_and_closed_by_hand(session: aiohttp.ClientSession) -> None:
    sandbox = Sandbox()
    await sandbox.aclose()
    await sandbox.start()
    url = sandbox.url
    with pytest.raises(RuntimeError, match="already running"):
        await sandbox.start()
    async with session.get(f"{url}/v1/regions") as response:
        assert response.status == 401
    await sandbox.aclose()
    await sandbox.aclose()

    with pytest.raises(aiohttp.ClientConnectorError):
        await session.get(f"{url}/v1/regions")


async def test_a_port_in_use_is_an_error() -> None:
    async with Sandbox() as first:
        port = int(first.url.rpartition(":")[2])
        second = Sandbox(port=port)

        with pytest.raises(OSError, match=str(port)):
            await second.start()

        await second.aclose()


async def test_two_sandboxes_share_nothing(session: aiohttp.ClientSession) -> None:
    async with Sandbox() as first, Sandbox() as second:
        headers = {"authorization": f"Bearer {first.digitalocean_token}"}
        async with session.get(f"{second.url}/v2/databases", headers=headers) as response:
            assert response.status == 401

        assert first.scalingo_token != second.scalingo_token
        assert first.requests == []


async def test_closing_does_not_wait_for_a_delay(
    session: aiohttp.ClientSession, until: "Until"
) -> None:
    sandbox = Sandbox()
    await sandbox.start()
    sandbox.inject(Fault("*", delay=3_600))
    call = asyncio.ensure_future(session.get(f"{sandbox.url}/v1/regions"))
    await until(lambda: bool(sandbox.requests))

    async with asyncio.timeout(5):
        await sandbox.aclose()

    with pytest.raises(aiohttp.ClientError):
        await call


@pytest.mark.parametrize("steps", range(5))
async def test_closing_while_connections_arrive_is_silent(steps: int) -> None:
    loop = asyncio.get_running_loop()
    with ExitStack() as connections:
        async with Sandbox(databases=0, users=0) as sandbox:
            address = urlsplit(sandbox.url)
            for _ in range(5):
                connection = connections.enter_context(socket.socket())
                connection.setblocking(False)
                connection.connect_ex((address.hostname, address.port))
            for _ in range(steps):
                await asyncio.sleep(0)

    gc.collect()  # a transport that never reached its protocol complains here
    assert asyncio.all_tasks(loop) == {asyncio.current_task()}


async def test_a_repr_shows_no_token(sandbox: Sandbox) -> None:
    assert repr(sandbox.digitalocean_token) == "<hidden>"
    assert repr(sandbox.scalingo_token) == "<hidden>"
    assert str(sandbox.digitalocean_token).startswith("dop_v1_")
    assert str(sandbox.scalingo_token).startswith("tk-us-")
    assert sandbox.url in repr(sandbox)
    assert "dop_v1_" not in repr(sandbox)


def test_a_page_size_is_a_size() -> None:
    with pytest.raises(ValueError, match="page_size"):
        Sandbox(page_size=0)


def test_a_manual_clock_goes_forward_only() -> None:
    clock = ManualClock(start=100.0)
    clock.advance(1.5)

    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1)
    assert clock() == clock.time() == clock.monotonic() == 101.5
    assert repr(clock) == "ManualClock(101.5)"


async def test_sleepers_on_a_manual_clock_overlap() -> None:
    clock = ManualClock(start=100.0)

    await asyncio.gather(clock.sleep(30), clock.sleep(5), clock.sleep(30))

    assert clock() == 130.0
