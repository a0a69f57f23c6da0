"""The providers' rate limits, on a clock that the tests move."""

from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbusers.testing import ManualClock, RecordedRequest, Sandbox
from dbusers.testing.digitalocean.api import ALL_SCOPES, DigitalOceanAPI
from dbusers.testing.limits import Budget, Window
from dbusers.testing.wire import Answer

if TYPE_CHECKING:  # conftest cannot be imported while the tests run
    from tests.testing.conftest import Caller


def test_a_window_slides() -> None:
    window = Window(limit=3, seconds=60)
    for made in (0, 10, 20):
        window.add(made)

    assert window.remaining(59.9) == 0
    assert window.remaining(60) == 1
    assert window.remaining(70) == 2
    assert window.frees_at(70) == 80
    assert window.remaining(80) == 3
    assert window.frees_at(80) == 80


def test_a_budget_needs_room_in_every_window() -> None:
    budget = Budget(Window(limit=3, seconds=3_600), Window(limit=2, seconds=60))

    waits = [budget.spend(now) for now in (0, 30, 30.5, 59.5, 60, 61, 3_599, 3_600)]

    # The third and fourth wait for the minute, the sixth and seventh for the hour.
    assert waits == [0, 0, 30, 1, 0, 3_539, 1, 0]


@given(
    # Quarters of seconds: sums and differences of them are exact.
    gaps=st.lists(st.integers(0, 160).map(lambda quarters: quarters / 4), min_size=1, max_size=60),
    limit=st.integers(min_value=1, max_value=5),
)
def test_a_budget_refuses_exactly_what_is_too_much(gaps: list[float], limit: int) -> None:
    budget = Budget(Window(limit, seconds=60))
    accepted: list[float] = []
    for now in accumulate(gaps):
        within = [made for made in accepted if made + 60 > now]
        wait = budget.spend(now)

        assert (wait == 0) is (len(within) < limit)
        if wait == 0:
            accepted.append(now)
        else:
            assert wait - 1 < within[0] + 60 - now <= wait


async def test_digitalocean_s_minute(digitalocean: "Caller", clock: ManualClock) -> None:
    made_at = clock()
    replies = [await digitalocean("GET", "/v2/databases/none") for _ in range(250)]
    clock.advance(20)

    refused = await digitalocean("GET", "/v2/databases/none")
    clock.advance(40)
    accepted = await digitalocean("GET", "/v2/databases/none")

    remaining = [int(reply.headers["ratelimit-remaining"]) for reply in replies]
    assert remaining == list(range(4_999, 4_749, -1))
    assert {int(reply.headers["ratelimit-reset"]) for reply in replies} == {made_at + 3_600}
    assert (refused.status, refused.json["id"]) == (429, "too_many_requests")
    assert refused.headers["retry-after"] == "40"
    assert refused.headers["ratelimit-remaining"] == "0"
    assert accepted.status == 404
    assert accepted.headers["ratelimit-remaining"] == "4749"


def test_digitalocean_s_hour(clock: ManualClock) -> None:
    # 5,000 requests, paced under the minute's limit; without a socket, as they are many.
    api = DigitalOceanAPI(
        [], rng=Random(1), limits=True, page_size=None, omit_settings_on_get=False
    )
    headers = {"authorization": f"Bearer {api.add_token(ALL_SCOPES)}"}

    def send() -> Answer:
        return api.answer(RecordedRequest("GET", "/v2/databases", {}, headers, b"", clock()))

    for _ in range(20):
        accepted = {send().status for _ in range(250)}
        assert accepted == {200}
        clock.advance(60)

    refused = send()
    clock.advance(3_600 - 20 * 60)
    freed = send()

    assert refused.status == 429
    assert refused.headers["ratelimit-remaining"] == "0"
    assert refused.headers["retry-after"] == str(3_600 - 20 * 60)
    assert (freed.status, freed.headers["ratelimit-remaining"]) == (200, "249")


async def test_each_digitalocean_token_has_its_own_budget(
    digitalocean: "Caller", sandbox: Sandbox
) -> None:
    for _ in range(250):
        await digitalocean("GET", "/v2/databases/none")
    other = digitalocean.with_token(sandbox.add_digitalocean_token())

    assert (await digitalocean("GET", "/v2/databases/none")).status == 429
    assert (await other("GET", "/v2/databases/none")).status == 404


async def test_scalingo_s_minute_is_shared_by_its_hosts(
    anonymous: "Caller", platform: "Caller", sandbox: Sandbox, clock: ManualClock
) -> None:
    database_id = sandbox.fleet.scalingo.databases[0]["id"]
    owner = anonymous.with_token(sandbox.database_token(database_id))
    for _ in range(29):  # the exchange of the platform's bearer was the first request
        assert (await platform("GET", "/v1/apps")).status == 200
    for _ in range(30):
        assert (await owner("GET", f"/api/databases/{database_id}")).status == 200
    clock.advance(59)

    refused = [
        await platform("GET", "/v1/apps"),
        await owner("GET", f"/api/databases/{database_id}"),
        await anonymous("POST", "/v1/tokens/exchange"),
    ]
    clock.advance(1)
    accepted = await platform("GET", "/v1/regions")

    assert [reply.status for reply in refused] == [429] * 3
    assert {reply.content.strip() for reply in refused} == {b"Retry later"}
    assert all(reply.headers["content-type"].startswith("text/plain") for reply in refused)
    assert accepted.status == 200


async def test_the_providers_do_not_share_a_budget(
    digitalocean: "Caller", platform: "Caller"
) -> None:
    for _ in range(59):
        await platform("GET", "/v1/apps")

    assert (await platform("GET", "/v1/apps")).status == 429
    assert (await digitalocean("GET", "/v2/databases")).status == 200


@pytest.mark.parametrize(
    ("path", "expected"), [("/v2/databases/none", (404, "5000")), ("/v1/regions", (401, None))]
)
async def test_limits_can_be_switched_off(
    session: aiohttp.ClientSession, path: str, expected: tuple[int, str | None]
) -> None:
    async with Sandbox(limits=False, clock=ManualClock()) as sandbox:
        headers = {"authorization": f"Bearer {sandbox.digitalocean_token}"}
        seen = set()
        for _ in range(260):
            async with session.get(sandbox.url + path, headers=headers) as response:
                seen.add((response.status, response.headers.get("ratelimit-remaining")))

    assert seen == {expected}
