"""A call may be cancelled wherever it waits: nothing of it stays, and the client goes on."""

import asyncio
import gc
import gzip
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from itertools import count
from typing import Any, Final

import orjson
import pytest

from dbusers import (
    ConfigurationError,
    DigitalOceanClient,
    RateLimit,
    RequestInformation,
    Response,
    ScalingoClient,
    Window,
)
from dbusers.audit import read_all
from dbusers.digitalocean.inventory import DigitalOceanInventory
from dbusers.request import Handler
from dbusers.testing import Sandbox
from tests.calls import get, opened
from tests.cancelling import Moment, cancelled
from tests.clocks import JumpingClock
from tests.lives import Calls, DigitalOceanCalls, ScalingoCalls
from tests.raw_server import Exchange, RawServer, Step, answer, end, head, reset, truncated

Client = DigitalOceanClient | ScalingoClient
Call = Callable[[Any], Awaitable[object]]

USER: Final = {"user": {"name": "app"}}
every_moment = pytest.mark.parametrize("moment", Moment)


@pytest.fixture
async def sandbox(clock: JumpingClock) -> AsyncIterator[Sandbox]:
    # Lists in pages, so that a cancellation falls between them too.
    async with Sandbox(
        databases=9, users=40, clock=clock.time, limits=False, page_size=4, record=False
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def _one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    # A connection that a cancelled call keeps would be missed by the very next one.
    monkeypatch.setattr("dbusers.transport.CONNECTIONS", 1)


@pytest.fixture(autouse=True)
async def _nothing_is_reported(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Fail for what asyncio and aiohttp say of tasks, answers and sessions left behind."""
    yield
    gc.collect()
    await asyncio.sleep(0)
    records = [*caplog.get_records("call"), *caplog.get_records("teardown")]
    assert [r.getMessage() for r in records if r.levelno >= logging.WARNING] == []


async def cancelled_everywhere(
    moment: Moment, opened: Callable[[], Client], call: Call, then: Call, before: Call | None = None
) -> int:
    """Cancel `call` at each of its places, each time with a new client; return how many it has.

    `before` prepares a client, and `then` must get its answer from the same one afterwards.
    """
    for place in count(1):
        async with opened() as client:
            if before is not None:
                await before(client)
            ended = await cancelled(partial(call, client), place, moment)
            assert not ended.left
            await asyncio.wait_for(then(client), 5)
        if not ended.came:
            return ended.places
    raise AssertionError


# Every operation of both providers


@pytest.fixture(params=[DigitalOceanCalls, ScalingoCalls], ids=["digitalocean", "scalingo"])
def calls(request: pytest.FixtureRequest, sandbox: Sandbox) -> Calls:
    made: Calls = request.param(sandbox)
    return made


@every_moment
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
async def test_a_users_life_can_be_cancelled_anywhere(
    calls: Calls, clock: JumpingClock, moment: Moment, warm: bool
) -> None:
    places = await cancelled_everywhere(
        moment,
        lambda: calls.opened(clock=clock, rate_limit=None),
        calls.life,
        then=calls.look,
        before=calls.look if warm else None,
    )
    assert places >= 8  # one for each request at least


@every_moment
async def test_a_call_whose_bearers_were_refused_can_be_cancelled_anywhere(
    sandbox: Sandbox, clock: JumpingClock, moment: Moment
) -> None:
    calls = ScalingoCalls(sandbox)

    async def refused(client: ScalingoClient) -> None:
        await calls.look(client)
        sandbox.revoke_bearers()

    places = await cancelled_everywhere(
        moment,
        lambda: calls.opened(clock=clock, rate_limit=None),
        calls.look,
        then=calls.look,
        before=refused,
    )
    assert places >= 5  # 401, 401, exchange, bearer, list


@every_moment
async def test_a_call_can_be_cancelled_anywhere_in_the_queue_for_the_budget(
    calls: Calls, clock: JumpingClock, moment: Moment
) -> None:
    budget = RateLimit([Window(1, 60)], clock=clock)

    await cancelled_everywhere(
        moment,
        lambda: calls.opened(clock=clock, rate_limit=budget),
        calls.life,
        then=calls.look,
    )
    clock.now += 3600
    assert budget.is_unused()


async def slow_hook(request: RequestInformation, handler: Handler) -> Response:
    await asyncio.sleep(0)
    await handler(request)
    try:
        return await handler(request)
    finally:
        await asyncio.sleep(0)


@every_moment
async def test_a_call_can_be_cancelled_anywhere_in_its_hooks(
    calls: Calls, clock: JumpingClock, moment: Moment
) -> None:
    places = await cancelled_everywhere(
        moment,
        lambda: calls.opened(clock=clock, rate_limit=None, middleware=[slow_hook]),
        calls.look,
        then=calls.look,
    )
    assert places >= 6  # two of the hook's, and four in its two attempts


@every_moment
async def test_an_audit_can_be_cancelled_anywhere(
    sandbox: Sandbox, clock: JumpingClock, moment: Moment
) -> None:
    digitalocean = DigitalOceanCalls(sandbox)

    async def audit(client: DigitalOceanClient) -> None:
        async with aclosing(read_all([DigitalOceanInventory(client)])) as outcomes:
            async for _ in outcomes:
                pass

    await cancelled_everywhere(
        moment,
        lambda: digitalocean.opened(clock=clock, rate_limit=None),
        audit,
        then=digitalocean.look,
    )


# What a server can do meanwhile


def in_pieces(status: int, body: bytes, headers: dict[str, str]) -> Step:
    """Answer so slowly that the client waits for the head and for each piece of the body."""

    async def step(exchange: Exchange) -> None:
        whole = head(status, {"Content-Length": str(len(body)), **headers})
        for piece in (whole[:20], whole[20:], body[:5], body[5:10], body[10:]):
            await exchange.write(piece)
            for _ in range(5):
                await asyncio.sleep(0)

    return step


BODY: Final = orjson.dumps(USER)
SCRIPTS: Final[dict[str, tuple[Step, ...]]] = {
    "in pieces": (in_pieces(200, BODY, {}),),
    "compressed": (in_pieces(200, gzip.compress(BODY), {"Content-Encoding": "gzip"}),),
    "503": (answer(503), answer(503), answer(200, USER)),
    "503 in pieces": (in_pieces(503, b"{}" * 10, {}), answer(200, USER)),
    "Retry-After": (answer(429, b"", {"Retry-After": "7"}), answer(200, USER)),
    "broken connections": (reset, end, truncated(BODY), answer(200, USER)),
}


@every_moment
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
async def test_a_call_can_be_cancelled_anywhere_in_its_attempts(
    server: RawServer, moment: Moment, script: tuple[Step, ...]
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)  # aiohttp tells of forgotten answers only then
    loop.slow_callback_duration = 60

    async def scripted(client: DigitalOceanClient) -> None:
        server.plays(*script)

    async def another(client: DigitalOceanClient) -> None:
        # A late answer to the cancelled call would be taken for the one to this.
        server.plays(answer(200, {"user": {"name": "another"}}))
        assert (await get(client)).name == "another"

    places = await cancelled_everywhere(
        moment, lambda: opened(server), get, then=another, before=scripted
    )
    assert places >= 4
    assert await gone(server)


async def gone(server: RawServer) -> bool:
    """Return when the server sees that all connections are over."""
    while server.open_connections:
        server.left.clear()
        await asyncio.wait_for(server.left.wait(), 5)
    return True


@every_moment
async def test_a_call_can_be_cancelled_anywhere_while_it_looks_up_the_host(
    server: RawServer, moment: Moment
) -> None:
    server.plays(answer(200, USER))
    url = server.url.replace("127.0.0.1", "localhost")

    for place in count(1):
        async with opened(server, base_url=url) as client:
            ended = await cancelled(partial(get, client), place, moment)
            # aiohttp's lookup goes on: others may wait for it, and it ends by itself.
            assert all("resolve" in repr(task) for task in ended.left)
            await asyncio.wait_for(get(client), 5)
        assert not ended.left
        if not ended.came:
            break
    assert place > 2


@every_moment
async def test_a_call_can_be_cancelled_anywhere_while_another_has_the_connection(
    server: RawServer, moment: Moment
) -> None:
    holding = []
    may_answer = asyncio.Event()

    async def held(exchange: Exchange) -> None:
        await may_answer.wait()
        await answer(200, USER)(exchange)

    async def holds(client: DigitalOceanClient) -> None:
        server.plays(held, answer(200, USER))
        server.arrived.clear()
        may_answer.clear()
        holding.append(asyncio.create_task(get(client)))
        await server.arrived.wait()

    async def freed(client: DigitalOceanClient) -> None:
        asyncio.get_running_loop().call_soon(may_answer.set)
        await get(client)

    places = await cancelled_everywhere(
        moment, lambda: opened(server), freed, then=freed, before=holds
    )
    assert places >= 2
    assert [(await each).name for each in holding] == ["app"] * len(holding)


# One of many


@every_moment
@pytest.mark.parametrize("turns", [0, 2], ids=["others first", "others later"])
async def test_who_shares_a_bearer_can_be_cancelled_anywhere_without_the_others(
    sandbox: Sandbox, clock: JumpingClock, moment: Moment, turns: int
) -> None:
    calls = ScalingoCalls(sandbox)

    async def other(client: ScalingoClient) -> str:
        for _ in range(turns):
            await asyncio.sleep(0)
        await calls.look(client)
        return "a list"

    for place in count(1):
        async with calls.opened(clock=clock, rate_limit=None) as client:
            others = asyncio.gather(*(asyncio.wait_for(other(client), 5) for _ in range(3)))
            ended = await cancelled(partial(calls.look, client), place, moment)
            assert await others == ["a list"] * 3
        if not ended.came:
            break
    assert place >= 5


@every_moment
async def test_who_waits_for_the_budget_can_be_cancelled_anywhere_without_the_others(
    server: RawServer, moment: Moment
) -> None:
    server.plays(answer(200, USER))
    for place in count(1):
        clock = JumpingClock()
        budget = RateLimit([Window(1, 60)], clock=clock)
        async with opened(server, clock=clock, rate_limit=budget) as client:
            await get(client)
            others = asyncio.gather(*(asyncio.wait_for(get(client), 5) for _ in range(3)))
            ended = await cancelled(partial(get, client), place, moment)
            assert [each.name for each in await others] == ["app"] * 3
        clock.now += 3600
        assert budget.is_unused()
        if not ended.came:
            break


# Closing


@every_moment
async def test_closing_can_be_cancelled_anywhere(
    calls: Calls, clock: JumpingClock, moment: Moment
) -> None:
    for place in count(1):
        client = calls.opened(clock=clock, rate_limit=None)
        await calls.look(client)
        ended = await cancelled(client.aclose, place, moment)
        assert not ended.left
        with pytest.raises(ConfigurationError, match="closed"):
            await calls.look(client)
        await client.aclose()
        if not ended.came:
            break


@every_moment
async def test_a_body_of_async_with_can_be_cancelled_anywhere(
    calls: Calls, clock: JumpingClock, moment: Moment
) -> None:
    async def whole() -> None:
        async with calls.opened(clock=clock, rate_limit=None) as client:
            await calls.look(client)

    for place in count(1):
        ended = await cancelled(whole, place, moment)
        assert not ended.left
        if not ended.came:
            break
    assert place > 2
