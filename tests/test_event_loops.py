"""The same calls on every event loop that people run: asyncio's, in debug mode too, and uvloop."""

import asyncio
import gc
import logging
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from typing import Any, Final

import pytest

from dbusers import (
    ConfigurationError,
    Conflict,
    ConnectionFailed,
    NotFound,
    RateLimit,
    RequestTimedOut,
    RetryOption,
    ServerError,
    TimeoutOption,
    UnexpectedBody,
    Window,
)
from dbusers.digitalocean import UserCreate, UserSettings, UserUpdate
from dbusers.scalingo import UserCreate as ScalingoUserCreate
from dbusers.scalingo import UserUpdate as ScalingoUserUpdate
from dbusers.testing import Fault, Sandbox
from tests.calls import get, opened
from tests.cancelling import Moment, cancelled
from tests.clocks import JumpingClock
from tests.raw_server import RawServer, answer, head, reset, silence

NewLoop = Callable[[], asyncio.AbstractEventLoop]
Run = Callable[[Coroutine[Any, Any, None]], None]

USER: Final = {"user": {"name": "app"}}
SHORT: Final = 0.08  # seconds; long enough for a request to arrive on a busy machine
ONCE: Final = RetryOption(max_retries=0)


def debugging() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_debug(True)
    return loop


def eager() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined, unused-ignore]  # from 3.12 on
    return loop


LOOPS: Final[dict[str, NewLoop]] = {"asyncio": asyncio.new_event_loop, "debug": debugging}
if sys.version_info >= (3, 12):
    LOOPS["eager tasks"] = eager
if find_spec("uvloop"):  # neither on Windows nor on PyPy
    LOOPS["uvloop"] = import_module("uvloop").new_event_loop


@pytest.fixture(params=LOOPS.values(), ids=list(LOOPS))
def run(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Run:
    """Runs a coroutine on a loop of each kind, and fails for what the loop complains about."""

    def runs(main: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(main)
        gc.collect()
        warned = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
        # In debug mode asyncio measures the machine, too.
        assert [text for text in warned if not text.startswith("Executing")] == []

    return runs


def test_a_users_life_at_digitalocean(run: Run) -> None:
    async def main() -> None:
        async with Sandbox(page_size=5) as sandbox, sandbox.digitalocean() as client:
            clusters = await client.databases.get()
            cluster = next(c for c in clusters if c.engine == "pg")
            users = client.databases.by_id(cluster.id).users
            created = await users.post(UserCreate("app"))
            app = users.by_username("app")
            with pytest.raises(Conflict):
                await users.post(UserCreate("app"))
            await app.put(UserUpdate(settings=UserSettings(pg_allow_replication=True)))
            rotated = await app.reset_auth.post()
            await app.delete()
            with pytest.raises(NotFound):
                await app.get()

        assert len(clusters) == len(sandbox.fleet.digitalocean)
        assert created.password != rotated.password

    run(main())


def test_a_users_life_at_scalingo(run: Run) -> None:
    async def main() -> None:
        async with Sandbox(limits=False) as sandbox, sandbox.scalingo(rate_limit=None) as client:
            found = next(d for d in await client.databases.get() if d.engine == "postgresql")
            users = client.databases.by_id(found.id, app=found.app).users
            await users.post(ScalingoUserCreate("reports"))
            app = users.by_username("reports")
            await app.patch(ScalingoUserUpdate(password="correct-horse-battery-staple"))
            sandbox.revoke_bearers()
            await app.reset_password.post()
            await app.delete()
            with pytest.raises(NotFound):
                await app.get()

    run(main())


def test_faults_and_what_becomes_of_them(run: Run, refused_url: str) -> None:
    async def main() -> None:
        clock = JumpingClock()
        async with (
            Sandbox(limits=False) as sandbox,
            sandbox.digitalocean(clock=clock, rate_limit=None) as client,
            sandbox.digitalocean(clock=clock, base_url=refused_url, options=[ONCE]) as nowhere,
        ):
            for fault in ({"status": 503}, {"cut": "before"}, {"cut": "body"}, {"cut": "after"}):
                sandbox.inject(Fault("/v2/databases", times=2, **fault))
                assert len(await client.databases.get()) == len(sandbox.fleet.digitalocean)
            sandbox.inject(Fault("/v2/databases", status=501, times=9))
            with pytest.raises(ServerError):
                await client.databases.get()
            sandbox.inject(Fault("/v2/databases/*", body="<html>"))
            with pytest.raises(UnexpectedBody):
                await client.databases.by_id(sandbox.fleet.digitalocean[0]["id"]).get()
            with pytest.raises(ConnectionFailed) as caught:
                await nowhere.databases.get()
            assert not caught.value.sent

    run(main())


def test_connections_that_end_without_an_answer(run: Run) -> None:
    async def main() -> None:
        async with RawServer() as server, opened(server) as client:
            server.plays(reset, answer(200, USER))
            assert (await get(client)).name == "app"

    run(main())


@pytest.mark.parametrize(
    ("option", "phase"),
    [
        (TimeoutOption(attempt=SHORT), "attempt"),
        (TimeoutOption(read=SHORT), "read"),
        (TimeoutOption(total=SHORT), "send"),
    ],
)
def test_deadlines(run: Run, option: TimeoutOption, phase: str) -> None:
    async def main() -> None:
        async with RawServer() as server, opened(server) as client:
            server.plays(silence(head(200, {"Content-Length": "100"}) + b'{"user'))
            with pytest.raises(RequestTimedOut) as caught:
                await get(client, option, ONCE)
            assert caught.value.phase == phase
            server.plays(answer(200, USER))
            assert (await get(client)).name == "app"

    run(main())


@pytest.mark.parametrize("moment", Moment)
def test_cancellation_anywhere(run: Run, moment: Moment) -> None:
    async def main() -> None:
        clock = JumpingClock()
        async with RawServer() as server:
            for place in count(1):
                budget = RateLimit([Window(1, 60)], clock=clock)
                async with opened(server, clock=clock, rate_limit=budget) as client:
                    server.plays(answer(503), reset, answer(200, USER))
                    ended = await cancelled(partial(get, client), place, moment)
                    assert not ended.left
                    server.plays(answer(200, USER))
                    assert (await asyncio.wait_for(get(client), 5)).name == "app"
                if not ended.came:
                    break

    run(main())


def test_closing_ends_the_calls_under_way(run: Run) -> None:
    async def main() -> None:
        async with RawServer() as server:
            server.plays(silence())
            client = opened(server)
            calls = [asyncio.create_task(get(client)) for _ in range(105)]
            await server.arrived.wait()
            await asyncio.wait_for(client.aclose(), 5)
            ends = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(error, ConfigurationError) for error in ends)

    run(main())


def test_many_calls_at_once(run: Run) -> None:
    async def main() -> None:
        async with RawServer() as server, opened(server) as client:
            server.plays(answer(200, USER))
            users = await asyncio.gather(*(get(client) for _ in range(300)))
            assert len(users) == len(server.requests) == 300

    run(main())
