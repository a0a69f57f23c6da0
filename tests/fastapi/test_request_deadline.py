"""A request's time is the deadline of the calls that are made for it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi.responses import StreamingResponse

from dbusers import DbusersError, DigitalOceanClient, RateLimit, RequestTimedOut, Window
from dbusers.deadline import limit_in_force
from dbusers.fastapi import (
    DigitalOcean,
    RequestDeadline,
    lifespan,
    problem_response,
    without_deadline,
)
from tests.clocks import JumpingClock, StuckClock
from tests.fastapi.serving import PATIENCE, asked, served
from tests.raw_server import RawServer, answer, silence

SHORT = 0.05  # seconds
USER = {"user": {"name": "app"}}


def an_app(server: RawServer, deadline: dict[str, Any], **client: Any) -> FastAPI:
    wiring: dict[str, Any] = {"base_url": server.url, "rate_limit": None} | client
    app = FastAPI(
        lifespan=lifespan(lambda: DigitalOceanClient("a-token", **wiring)),
        exception_handlers={DbusersError: problem_response},
    )
    app.add_middleware(RequestDeadline, **deadline)

    @app.get("/user")
    async def user(client: DigitalOcean) -> str:
        return (await client.databases.by_id("c-1").users.by_username("app").get()).name

    @app.get("/left")
    async def left() -> float | None:
        limit = limit_in_force.get()
        return None if limit is None else limit.left

    @app.get("/unlimited", dependencies=[Depends(without_deadline)])
    async def unlimited() -> bool:
        return limit_in_force.get() is None

    @app.get("/stream", dependencies=[Depends(without_deadline)])
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            yield str(limit_in_force.get())

        return StreamingResponse(parts())

    @app.get("/thread")
    def thread() -> bool:
        return limit_in_force.get() is None

    @app.get("/background")
    async def background(tasks: BackgroundTasks) -> None:
        tasks.add_task(lambda: app.state.seen.append(limit_in_force.get() is None))

    app.state.seen = []
    return app


@pytest.mark.parametrize(
    ("deadline", "headers", "left"),
    [
        ({}, {}, None),
        ({}, {"X-Request-Timeout": "2.5"}, 2.5),
        ({}, {"X-Request-Timeout": "0"}, 0),
        ({"seconds": 10}, {}, 10),
        ({"seconds": 10}, {"X-Request-Timeout": "2.5"}, 2.5),
        ({"seconds": 10}, {"X-Request-Timeout": "60"}, 10),
        ({"header": "X-Budget"}, {"x-budget": "3"}, 3),
        ({"header": "X-Budget", "seconds": 4}, {"X-Request-Timeout": "3"}, 4),
        ({"header": None, "seconds": 4}, {"X-Request-Timeout": "3"}, 4),
    ],
)
async def test_a_request_has_as_long_as_it_asks_for_and_no_longer_than_it_may(
    server: RawServer, deadline: dict[str, Any], headers: dict[str, str], left: float | None
) -> None:
    app = an_app(server, {"clock": JumpingClock()} | deadline)

    async with asked(app) as browser:
        assert (await browser.get("/left", headers=headers)).json() == left
        assert limit_in_force.get() is None


@pytest.mark.parametrize("odd", ["", "soon", "-1", "1e3", "inf", "nan", "1,5", "٣", "1" * 9, "5s"])
async def test_what_is_no_number_of_seconds_is_a_bad_request(server: RawServer, odd: str) -> None:
    async with asked(an_app(server, {"seconds": 10})) as browser:
        got = await browser.get("/user", headers={b"X-Request-Timeout": odd.encode()})

    assert (got.status_code, got.json()["status"]) == (400, 400)
    assert got.headers["content-type"] == "application/problem+json"
    assert "X-Request-Timeout" in got.json()["detail"]
    assert server.requests == []


async def test_a_silent_provider_is_left_in_time_on_a_real_socket(server: RawServer) -> None:
    server.plays(silence())

    async with (
        served(an_app(server, {"seconds": 60})) as url,
        httpx.AsyncClient(timeout=PATIENCE) as browser,
    ):
        got = await browser.get(f"{url}/user", headers={"X-Request-Timeout": str(SHORT)})
        await asyncio.wait_for(server.left.wait(), PATIENCE)

    assert (got.status_code, got.json()["title"]) == (504, "Gateway Timeout")
    assert len(server.requests) == 1


async def test_a_call_that_cannot_end_in_time_fails_at_once(server: RawServer) -> None:
    clock = StuckClock()  # whoever waits, waits for ever
    server.plays(answer(200, USER))
    budget = RateLimit([Window(1, 60)], clock=clock)
    app = an_app(server, {"seconds": 30}, rate_limit=budget, clock=clock)

    async with asked(app) as browser:
        first = await browser.get("/user")
        second = await asyncio.wait_for(browser.get("/user"), PATIENCE)

    assert (first.status_code, second.status_code) == (200, 504)
    assert len(server.requests) == 1


async def test_a_retry_that_comes_too_late_is_not_waited_for(server: RawServer) -> None:
    server.plays(answer(503, headers={"Retry-After": "31"}))
    app = an_app(server, {"seconds": 30}, clock=StuckClock())

    async with asked(app) as browser:
        got = await asyncio.wait_for(browser.get("/user"), PATIENCE)

    assert got.status_code == 504
    assert len(server.requests) == 1


async def test_requests_side_by_side_have_each_their_own_time(server: RawServer) -> None:
    app = an_app(server, {"clock": JumpingClock()})

    async with asked(app) as browser:
        answers = await asyncio.gather(
            *(browser.get("/left", headers={"X-Request-Timeout": str(n)}) for n in range(1, 9))
        )

    assert [each.json() for each in answers] == list(range(1, 9))


async def test_the_deadline_holds_in_threads_and_after_the_answer(server: RawServer) -> None:
    app = an_app(server, {"seconds": 10})

    async with asked(app) as browser:
        assert (await browser.get("/thread")).json() is False
        await browser.get("/background")

    assert app.state.seen == [False]


async def test_an_endpoint_can_do_without(server: RawServer) -> None:
    async with asked(an_app(server, {"seconds": 10})) as browser:
        assert (await browser.get("/unlimited")).json() is True
        assert (await browser.get("/stream")).text == "None"
        assert (await browser.get("/left")).json() is not None


async def test_a_lifespan_has_no_deadline(server: RawServer) -> None:
    app = an_app(server, {"seconds": 0.001})

    async with asked(app), DigitalOceanClient("t", base_url=server.url) as client:
        server.plays(answer(200, USER))
        await client.databases.by_id("c-1").users.by_username("app").get()


async def test_errors_of_the_endpoint_are_its_own(server: RawServer) -> None:
    app = an_app(server, {"seconds": 0})

    @app.get("/caught")
    async def caught(client: DigitalOcean) -> str:
        try:
            await client.databases.get()
        except RequestTimedOut as error:
            return error.phase
        return "answered"

    async with asked(app) as browser:
        assert (await browser.get("/caught")).json() == "send"
    assert server.requests == []
