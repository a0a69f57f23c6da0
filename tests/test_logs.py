"""What is logged under `dbusers`: by logger and level, and never a header that is not allowed."""

import asyncio
import logging
import subprocess
import sys
from contextlib import suppress
from urllib.parse import quote

import pytest

from dbusers import (
    DbusersError,
    DigitalOceanClient,
    RateLimit,
    RateLimitState,
    RequestInformation,
    RequestTimedOut,
    RetryOption,
    ServerError,
    TimeoutOption,
    Window,
)
from dbusers.testing import Sandbox
from tests.calls import get, opened
from tests.canary import TOKEN
from tests.canary_search import found_in, secrets_of
from tests.clocks import JumpingClock, SimulatedClock
from tests.raw_server import RawServer, answer, end

USER = {"user": {"name": "app"}}
READ = "GET /v2/databases/{database_cluster_uuid}/users/{username}"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "dbusers")
    return caplog


def lines(logged: pytest.LogCaptureFixture, name: str) -> list[tuple[int, str]]:
    return [(r.levelno, r.getMessage()) for r in logged.records if r.name == name]


async def test_each_attempt_is_logged_at_debug(
    server: RawServer, logged: pytest.LogCaptureFixture
) -> None:
    headers = {"x-request-id": "r-1", "ratelimit-remaining": "248", "Set-Cookie": "a=b"}
    server.plays(answer(503), end, answer(200, USER, headers))

    async with opened(server) as client:
        await get(client)

    failed, broken, read = lines(logged, "dbusers.http")
    assert failed[0] == broken[0] == read[0] == logging.DEBUG
    assert failed[1].startswith(f"{READ}: attempt 1, waited 0.000 s, took 0.000 s: 503 ")
    assert broken[1] == (f"{READ}: attempt 2, waited 0.000 s, took 0.000 s: ConnectionFailed")
    assert read[1] == (
        f"{READ}: attempt 3, waited 0.000 s, took 0.000 s: 200 x-request-id='r-1' "
        "ratelimit-remaining='248' content-type='application/json'"
    )


async def test_each_repetition_is_logged_with_its_reason_and_delay(
    server: RawServer, logged: pytest.LogCaptureFixture
) -> None:
    server.plays(answer(503), end, answer(503))

    async with opened(server) as client:
        with pytest.raises(ServerError):
            await get(client, RetryOption(max_retries=2, base_delay=4, jitter=0))

    assert lines(logged, "dbusers.retry") == [
        (logging.INFO, f"{READ}: 503; it is sent again in 4.0 s"),
        (logging.INFO, f"{READ}: ConnectionFailed; it is sent again in 8.0 s"),
    ]


async def test_a_repetition_for_which_there_is_no_time_is_not_announced(
    server: RawServer, logged: pytest.LogCaptureFixture
) -> None:
    server.plays(answer(503))

    async with opened(server) as client:
        with pytest.raises(RequestTimedOut):
            await get(client, TimeoutOption(total=3), RetryOption(base_delay=4, jitter=0))

    assert lines(logged, "dbusers.retry") == []


async def test_a_bearer_that_was_renewed_is_logged(logged: pytest.LogCaptureFixture) -> None:
    async with Sandbox(limits=False) as sandbox, sandbox.scalingo() as client:
        await client.apps.get()
        sandbox.revoke_bearers()
        logged.clear()
        await client.apps.get()

        assert lines(logged, "dbusers.retry") == [
            (logging.INFO, "GET /v1/apps: 401, bearer renewed; it is sent again in 0.0 s")
        ]
        attempts = [text.partition(",")[0] for _, text in lines(logged, "dbusers.http")]
        assert attempts == [
            "GET /v1/apps: attempt 1",
            "POST /v1/tokens/exchange: attempt 1",
            "GET /v1/apps: attempt 2",
        ]
        assert found_in([logged.text], secrets_of(sandbox)) == set()


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.4, []),
        (60, [(logging.INFO, "60.5")]),
        (100, [(logging.WARNING, "100.5"), (logging.INFO, "10.5")]),  # it looks again meanwhile
    ],
    ids=["short", "a minute", "longer"],
)
async def test_a_wait_for_the_budget_is_logged_when_it_begins(
    server: RawServer,
    logged: pytest.LogCaptureFixture,
    seconds: float,
    told: list[tuple[int, str]],
) -> None:
    clock = JumpingClock()
    server.plays(answer(200, USER))

    limit = RateLimit([Window(1, seconds)], clock=clock)
    async with opened(server, rate_limit=limit, clock=clock) as client:
        await get(client)
        await get(client)

    assert lines(logged, "dbusers.ratelimit") == [
        (level, f"the token's budget is used up: the next goes in {left} s") for level, left in told
    ]


async def test_of_many_that_wait_only_the_first_says_so(logged: pytest.LogCaptureFixture) -> None:
    clock = SimulatedClock()
    limit = RateLimit([Window(5, 60)], clock=clock)

    calls = [asyncio.create_task(limit.acquire()) for _ in range(10)]
    await clock.run()
    await asyncio.gather(*calls)

    assert len(lines(logged, "dbusers.ratelimit")) == 1


def test_a_429_is_a_warning_and_one_for_all_that_were_refused_together(
    logged: pytest.LogCaptureFixture,
) -> None:
    clock = JumpingClock()
    limit = RateLimit([Window(100, 60)], clock=clock)

    for _ in range(3):
        limit.pause(RateLimitState(retry_after=30))
        clock.now += 0.1
    clock.now += 30
    limit.pause(RateLimitState(retry_after=7))

    assert lines(logged, "dbusers.ratelimit") == [
        (logging.WARNING, f"refused with 429: nothing is sent with this token for {seconds} s")
        for seconds in (30.0, 7.0)
    ]


@pytest.mark.parametrize("status", [200, 302, 422])
async def test_what_a_server_repeats_of_the_token_is_not_logged(
    server: RawServer, logged: pytest.LogCaptureFixture, status: int
) -> None:
    headers = {"x-request-id": f"r {quote(TOKEN)}", "x-echo": "of no interest"}
    server.plays(answer(status, USER, headers | {"Content-Type": f"text/{TOKEN}"}))

    async with DigitalOceanClient(TOKEN, base_url=server.url, clock=JumpingClock()) as client:
        with suppress(DbusersError):
            await get(client)

    assert "x-request-id='r *" in logged.text
    assert "of no interest" not in logged.text
    assert found_in([logged.text, *(repr(r.args) for r in logged.records)], [TOKEN]) == set()


async def test_no_line_names_a_database_or_user(
    server: RawServer, logged: pytest.LogCaptureFixture
) -> None:
    server.plays(answer(503), answer(200, USER))
    elsewhere = RequestInformation(
        "GET", "/v2/databases/{id}", raw_url=f"{server.url}/v2/databases/canary-place"
    )

    async with opened(server) as client:
        await client.databases.by_id("canary-id").users.by_username("canary-user").get()
        server.plays(answer(503), answer(200, {}))
        await client.adapter.send(elsewhere)

    assert len(lines(logged, "dbusers.http")) == 4
    assert "GET a raw URL: attempt 1" in logged.text
    assert "GET a raw URL: 503; it is sent again" in logged.text
    assert "canary" not in logged.text


async def test_a_header_cannot_break_the_line(
    server: RawServer, logged: pytest.LogCaptureFixture
) -> None:
    server.plays(answer(200, USER, {"x-request-id": "r\t1 \x85 done' status='500"}))

    async with opened(server) as client:
        await get(client)

    ((_, line),) = lines(logged, "dbusers.http")
    assert line.isprintable()
    assert '''x-request-id="r 1   done' status='500"''' in line


async def test_nothing_is_formatted_where_nobody_listens(
    server: RawServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "dbusers")
    monkeypatch.setattr("dbusers.logs._shown", lambda _: pytest.fail("a line was made"))
    server.plays(answer(200, USER))

    async with opened(server) as client:
        await get(client)
    assert caplog.records == []


def test_without_logging_set_up_nothing_is_printed() -> None:
    program = "import dbusers.adapter, logging; logging.getLogger('dbusers.ratelimit').warning('x')"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
