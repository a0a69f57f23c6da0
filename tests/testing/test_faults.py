"""Scripted faults: which requests they hit, and what then happens on the wire."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from dbusers.testing import Fault, Sandbox
from dbusers.testing.digitalocean.fleet import Cluster

if TYPE_CHECKING:  # conftest cannot be imported while the tests run
    from tests.testing.conftest import Caller, Until

    ClusterOf = Callable[[str], Cluster]

CLUSTERS = "/v2/databases"


async def statuses(call: "Caller", path: str, count: int) -> list[int]:
    return [(await call("GET", path)).status for _ in range(count)]


# Which requests


async def test_a_fault_hits_once_unless_told_otherwise(
    digitalocean: "Caller", sandbox: Sandbox
) -> None:
    sandbox.inject(Fault(CLUSTERS, status=503))

    assert await statuses(digitalocean, CLUSTERS, 3) == [503, 200, 200]


async def test_a_fault_lets_some_pass_and_hits_some(
    digitalocean: "Caller", sandbox: Sandbox
) -> None:
    sandbox.inject(Fault(CLUSTERS, status=503, after=1, times=2))

    assert await statuses(digitalocean, CLUSTERS, 4) == [200, 503, 503, 200]


async def test_a_fault_without_times_hits_always(digitalocean: "Caller", sandbox: Sandbox) -> None:
    sandbox.inject(Fault(CLUSTERS, status=503, times=None))

    assert await statuses(digitalocean, CLUSTERS, 5) == [503] * 5


async def test_faults_act_in_the_order_of_injection(
    digitalocean: "Caller", sandbox: Sandbox
) -> None:
    for status in (500, 429, 502):
        sandbox.inject(Fault(CLUSTERS, status=status))

    assert await statuses(digitalocean, CLUSTERS, 4) == [500, 429, 502, 200]


async def test_a_fault_matches_method_and_raw_path(
    digitalocean: "Caller", sandbox: Sandbox, cluster: "ClusterOf"
) -> None:
    users = f"/v2/databases/{cluster('pg')['id']}/users"
    sandbox.inject(Fault("/v2/databases/*/users", "post", status=500))

    read = await digitalocean("GET", f"{users}?page=1")
    created = await digitalocean("POST", f"{users}?page=1", {"name": "app-01"})

    assert (read.status, created.status) == (200, 500)


async def test_a_star_crosses_slashes(digitalocean: "Caller", sandbox: Sandbox) -> None:
    sandbox.inject(Fault("/v2/*", status=500))

    assert (await digitalocean("GET", "/v2/databases/some-id/users/name")).status == 500


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "does nothing"),
        ({"status": 500, "times": 0}, "times"),
        ({"status": 500, "after": -1}, "not negative"),
        ({"delay": -1.0}, "not negative"),
        ({"cut": "somewhere"}, "before, after, headers, body"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Fault("*", **fields)


# Answers


async def test_a_status_is_answered_in_place_of_processing(
    digitalocean: "Caller", sandbox: Sandbox, cluster: "ClusterOf"
) -> None:
    pg = cluster("pg")
    sandbox.inject(Fault("*", "POST", status=503, headers={"Retry-After": "7"}))

    reply = await digitalocean("POST", f"/v2/databases/{pg['id']}/users", {"name": "app-01"})

    assert reply.status == 503
    assert reply.headers["retry-after"] == "7"
    assert reply.json["id"] == "service_unavailable"
    assert reply.json["request_id"] == reply.headers["x-request-id"]
    assert "app-01" not in pg.users


async def test_a_scripted_answer_does_not_count_towards_the_limit(
    digitalocean: "Caller", sandbox: Sandbox
) -> None:
    before = await digitalocean("GET", CLUSTERS)
    sandbox.inject(Fault(CLUSTERS, status=503))
    scripted = await digitalocean("GET", CLUSTERS)
    after = await digitalocean("GET", CLUSTERS)

    replies = (before, scripted, after)
    remaining = [int(reply.headers["ratelimit-remaining"]) for reply in replies]
    assert remaining == [4_999, 4_999, 4_998]


async def test_a_scripted_429_has_nothing_remaining(
    digitalocean: "Caller", sandbox: Sandbox
) -> None:
    sandbox.inject(Fault(CLUSTERS, status=429))

    reply = await digitalocean("GET", CLUSTERS)

    assert reply.headers["ratelimit-remaining"] == "0"
    assert "retry-after" not in reply.headers


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (400, b'{"error":"bad request"}'),
        (401, b'{"error":"unauthorized"}'),
        (402, b'{"error":"payment required","url":"https://example.com/billing"}'),
        (404, b'{"resource":"resource","error":"not found"}'),
        (422, b'{"errors":{"base":["is invalid"]}}'),
        (429, b"Retry later\n"),
        (503, b'{"error":"service unavailable"}'),
        (599, b'{"error":"error"}'),
        (204, b""),
    ],
)
async def test_scalingo_s_scripted_answers_have_its_bodies(
    anonymous: "Caller", sandbox: Sandbox, status: int, content: bytes
) -> None:
    sandbox.inject(Fault("/v1/regions", status=status))

    reply = await anonymous("GET", "/v1/regions")

    assert (reply.status, reply.content) == (status, content)


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (b"<html>", b"<html>"),
        ("<html>", b"<html>"),
        (b"", b""),
        ({"users": None}, b'{"users":null}'),
        ([], b"[]"),
    ],
)
@pytest.mark.parametrize("status", [None, 502])
async def test_a_body_is_sent_as_given(
    digitalocean: "Caller", sandbox: Sandbox, body: Any, content: bytes, status: int | None
) -> None:
    fault = Fault(CLUSTERS, status=status, body=body, headers={"content-type": "text/html"})
    sandbox.inject(fault)

    reply = await digitalocean("GET", CLUSTERS)

    assert (reply.status, reply.content) == (status or 200, content)
    assert reply.headers["content-type"] == "text/html"


@pytest.mark.parametrize("path", ["/v1/regions", CLUSTERS])
async def test_a_success_can_be_scripted(anonymous: "Caller", sandbox: Sandbox, path: str) -> None:
    sandbox.inject(Fault("*", status=200, body={"surprise": True}))

    reply = await anonymous("GET", path)

    assert (reply.status, reply.json) == (200, {"surprise": True})


async def test_headers_go_into_the_real_answer(digitalocean: "Caller", sandbox: Sandbox) -> None:
    sandbox.inject(Fault(CLUSTERS, headers={"RateLimit-Remaining": "3"}))

    reply = await digitalocean("GET", CLUSTERS)

    assert reply.json["databases"]
    assert reply.headers["ratelimit-remaining"] == "3"


@pytest.mark.parametrize(
    ("place", "read"),
    [
        ("users", lambda body: body["users"]),
        ("users.name", lambda body: body["users"][0]["name"]),
        ("users.1.name", lambda body: body["users"][1]["name"]),
        ("users.1.settings.pg_allow_replication", lambda body: body["users"][1]["settings"]),
        ("users.1", lambda body: body["users"][1]),
    ],
)
async def test_a_value_of_another_type(
    digitalocean: "Caller",
    sandbox: Sandbox,
    cluster: "ClusterOf",
    place: str,
    read: Callable[[Any], Any],
) -> None:
    path = f"/v2/databases/{cluster('pg')['id']}/users"
    sandbox.inject(Fault(path, wrong_type=place))

    spoilt = read((await digitalocean("GET", path)).json)
    right = read((await digitalocean("GET", path)).json)

    if place.endswith("pg_allow_replication"):
        spoilt, right = spoilt["pg_allow_replication"], right["pg_allow_replication"]
    assert type(spoilt) is not type(right)


@pytest.mark.parametrize("place", ["user", "databases.nothing", "databases.99", "databases.id.x"])
async def test_a_place_that_is_not_there_is_told(
    digitalocean: "Caller", sandbox: Sandbox, place: str
) -> None:
    sandbox.inject(Fault(CLUSTERS, wrong_type=place))

    reply = await digitalocean("GET", CLUSTERS)

    assert reply.status == 500
    assert place.encode() in reply.content


async def test_an_answer_that_is_not_json_has_no_places(
    digitalocean: "Caller", sandbox: Sandbox, cluster: "ClusterOf"
) -> None:
    path = f"/v2/databases/{cluster('pg')['id']}/users"
    await digitalocean("POST", path, {"name": "app-01"})
    sandbox.inject(Fault("*", "DELETE", wrong_type="user"))

    reply = await digitalocean("DELETE", f"{path}/app-01")

    assert (reply.status, b"not JSON" in reply.content) == (500, True)


# Connections


@pytest.mark.parametrize(("cut", "processed"), [("before", False), ("after", True)])
async def test_a_reset_before_or_after_processing(
    digitalocean: "Caller", sandbox: Sandbox, cluster: "ClusterOf", cut: Any, processed: bool
) -> None:
    pg = cluster("pg")
    sandbox.inject(Fault("*/users", cut=cut))

    with pytest.raises(aiohttp.ClientOSError):
        await digitalocean("POST", f"/v2/databases/{pg['id']}/users", {"name": "app-01"})

    assert ("app-01" in pg.users) is processed
    assert sandbox.requests[-1].status == (201 if processed else None)


@pytest.mark.parametrize("cut", ["headers", "body"])
async def test_an_answer_that_ends_early(
    session: aiohttp.ClientSession, sandbox: Sandbox, cut: Any
) -> None:
    sandbox.inject(Fault(CLUSTERS, cut=cut, after=1))
    url = sandbox.url + CLUSTERS
    headers = {"authorization": f"Bearer {sandbox.digitalocean_token}"}
    async with session.get(url, headers=headers) as response:
        whole = await response.read()

    async with session.get(url, headers=headers) as response:
        promised = int(response.headers["content-length"])
        sent = promised // 2 if cut == "body" else 0
        received = await response.content.readexactly(sent)
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.content.readexactly(1)

    assert response.status == 200
    assert promised == len(whole)
    assert received == whole[:sent]


async def test_a_cut_can_follow_a_scripted_status(
    session: aiohttp.ClientSession, sandbox: Sandbox
) -> None:
    sandbox.inject(Fault("/v1/regions", status=502, body="x" * 100, cut="body"))

    async with session.get(f"{sandbox.url}/v1/regions") as response:
        assert response.status == 502
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_a_delay_ends_before_the_answer(digitalocean: "Caller", sandbox: Sandbox) -> None:
    loop = asyncio.get_running_loop()
    sandbox.inject(Fault(CLUSTERS, delay=0.05))

    started = loop.time()
    reply = await digitalocean("GET", CLUSTERS)

    assert reply.status == 200
    assert loop.time() - started >= 0.05


async def test_a_request_is_processed_though_its_sender_gave_up(
    digitalocean: "Caller", sandbox: Sandbox, cluster: "ClusterOf", until: "Until"
) -> None:
    pg = cluster("pg")
    sandbox.inject(Fault("*/users", delay=0.03))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await digitalocean("POST", f"/v2/databases/{pg['id']}/users", {"name": "app-01"})
    assert "app-01" not in pg.users
    await until(lambda: "app-01" in pg.users)

    assert sandbox.requests[-1].status == 201
