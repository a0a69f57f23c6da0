"""`with Sandbox()`: it serves from a thread of its own, and its clients end with their loops."""

import asyncio
import gc
import threading
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread

import pytest

from dbusers import (
    ConfigurationError,
    DigitalOceanClient,
    Handler,
    NotFound,
    RequestInformation,
    Response,
    ScalingoClient,
    ServerError,
)
from dbusers.testing import Fault, ManualClock, Sandbox


async def number_of(client: DigitalOceanClient) -> int:
    return len(await client.databases.get())


async def is_closed(client: DigitalOceanClient) -> bool:
    try:
        await client.databases.get()
    except ConfigurationError as error:
        return "closed" in error.message
    return False


def serving_threads() -> int:
    return sum(thread.name == "dbusers-sandbox" for thread in threading.enumerate())


def test_it_needs_no_event_loop() -> None:
    with Sandbox() as sandbox:
        assert asyncio.run(number_of(sandbox.digitalocean())) == 15
        assert [request.status for request in sandbox.requests] == [200]

    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url


def test_it_leaves_no_thread() -> None:
    with Sandbox():
        assert serving_threads() == 1

    assert serving_threads() == 0


def test_it_serves_while_the_caller_blocks() -> None:
    answers: Future[int] = Future()

    def ask(client: DigitalOceanClient) -> None:
        answers.set_result(asyncio.run(number_of(client)))

    with Sandbox() as sandbox:
        asking = Thread(target=ask, args=[sandbox.digitalocean()])
        asking.start()
        assert answers.result(5) == 15
        asking.join()


def test_a_port_in_use_is_an_error() -> None:
    with Sandbox() as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(OSError, match=str(port)), Sandbox(port=port):
            pass
        assert serving_threads() == 1


def test_one_that_runs_cannot_be_entered_again() -> None:
    with Sandbox() as sandbox:
        with pytest.raises(RuntimeError, match="already running"), sandbox:
            pass
        assert asyncio.run(number_of(sandbox.digitalocean())) == 15


def test_its_state_outlives_it() -> None:
    sandbox = Sandbox()
    for _ in range(2):
        with sandbox:
            assert asyncio.run(number_of(sandbox.digitalocean())) == 15

    assert len(sandbox.requests) == 2


def test_its_environment_leads_clients_of_both_providers_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def read() -> int:
        async with DigitalOceanClient() as digitalocean, ScalingoClient() as scalingo:
            return await number_of(digitalocean) + len(await scalingo.databases.get())

    with Sandbox() as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        assert asyncio.run(read()) == 20


def test_faults_and_clocks_cross_the_thread() -> None:
    clock = ManualClock()
    with Sandbox(clock=clock) as sandbox:
        sandbox.inject(Fault("/v2/databases", status=429, headers={"retry-after": "40"}))
        before = clock()
        assert asyncio.run(number_of(sandbox.digitalocean(clock=clock))) == 15

        assert 40 <= clock() - before < 60
        assert [request.status for request in sandbox.requests] == [429, 200]


# Its clients


def test_a_client_ends_with_its_loop() -> None:
    with Sandbox() as sandbox:
        client = sandbox.digitalocean()
        asyncio.run(number_of(client))

        assert asyncio.run(is_closed(client))


@pytest.mark.parametrize("provider", ["digitalocean", "scalingo"])
def test_a_client_ends_with_the_sandbox_if_its_loop_lives_on(provider: str) -> None:
    with asyncio.Runner() as runner:
        with Sandbox() as sandbox:
            client = getattr(sandbox, provider)()
            assert runner.run(number_of(client)) > 0

        assert runner.run(is_closed(client))


def test_a_client_ends_with_the_sandbox_if_its_loop_runs_elsewhere() -> None:
    loop = asyncio.new_event_loop()
    running = Thread(target=loop.run_forever)
    running.start()
    try:
        with Sandbox() as sandbox:
            client = sandbox.digitalocean()
            assert asyncio.run_coroutine_threadsafe(number_of(client), loop).result(5) == 15

        assert asyncio.run_coroutine_threadsafe(is_closed(client), loop).result(5)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        running.join()
        loop.close()


async def test_a_client_ends_soon_after_the_sandbox_on_the_loop_that_runs_here() -> None:
    with Sandbox() as sandbox:
        client = sandbox.digitalocean()
        assert await number_of(client) == 15

    await asyncio.sleep(0)
    assert await is_closed(client)


def test_a_client_that_was_not_used_leaves_nothing_to_close() -> None:
    with Sandbox() as sandbox:
        sandbox.digitalocean()
        sandbox.scalingo()

    gc.collect()  # an open session would complain


def test_a_client_may_be_closed_earlier() -> None:
    async def use(sandbox: Sandbox) -> int:
        async with sandbox.digitalocean() as client:
            return await number_of(client)

    with Sandbox() as sandbox:
        assert asyncio.run(use(sandbox)) == 15


def test_a_failed_call_leaves_nothing_open() -> None:
    async def fail(client: DigitalOceanClient) -> None:
        with suppress(NotFound):
            await client.databases.by_id("none").get()

    with Sandbox() as sandbox:
        asyncio.run(fail(sandbox.digitalocean()))

    gc.collect()


def test_a_bearer_that_is_not_to_be_had_leaves_nothing_open() -> None:
    async def fail(client: ScalingoClient) -> None:
        with pytest.raises(ServerError):
            await client.databases.get()

    with Sandbox() as sandbox:
        sandbox.inject(Fault("/v1/tokens/exchange", status=503, times=None))
        asyncio.run(fail(sandbox.scalingo(clock=ManualClock())))

    gc.collect()


@pytest.mark.parametrize("place", ["middleware", "operation_middleware"])
def test_a_client_s_own_middleware_stays(place: str) -> None:
    seen = []

    async def spy(request: RequestInformation, handler: Handler) -> Response:
        seen.append(request.method)
        return await handler(request)

    with Sandbox() as sandbox:
        asyncio.run(number_of(sandbox.digitalocean(**{place: [spy]})))

    assert seen == ["GET"]
