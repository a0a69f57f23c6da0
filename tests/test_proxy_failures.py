"""Through a proxy: what must not be shown on the way, and all that may go wrong on it."""

import asyncio
import base64
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
import trustme

from dbusers import (
    ConnectionFailed,
    DbusersError,
    DigitalOceanClient,
    RequestTimedOut,
    RetryOption,
    TimeoutOption,
)
from tests.calls import create, get, opened
from tests.canary import PASSWORD, TOKEN, leaks, shown_by
from tests.raw_server import (
    BeforeReading,
    RawServer,
    Step,
    answer,
    end,
    raw,
    reset,
    silence,
)
from tests.tunnel import (
    ESTABLISHED,
    HOST,
    USER,
    Network,
    TLSServer,
    authority,
    certified,
    company_network,
    half_an_echo,
)

LOGIN: Final = base64.b64encode(f"operator:{PASSWORD}".encode()).decode()
ONCE: Final = RetryOption(max_retries=0)
SHORT: Final = 0.08  # seconds; long enough for a request to arrive on a busy machine
ROOT: Final = Path(__file__).parent.parent

# What a proxy may do instead of opening the way; nothing has reached the provider.
PASSING: Final[dict[str, Step | BeforeReading]] = {
    "says 429": answer(429),
    "says 502": answer(502, b"<html>"),
    "says 503": answer(503, {}, {"Retry-After": "1"}),
    "says 504": answer(504),
    "ends before": BeforeReading(end),
    "ends": end,
    "resets": reset,
    "garbage": raw(b"garbage\r\n\r\n"),
    "part of an answer": raw(ESTABLISHED[:20]),
    "ends when it has opened the way": raw(ESTABLISHED),
}
SHOWN_BY_PROXIES: Final[dict[str, Step | None]] = {
    "opens the way": None,
    "says 407": answer(407),
    "garbage": raw(b"?\r\n\r\n"),
    "half an echo": half_an_echo,
    "ends when it has opened the way": raw(ESTABLISHED),
    "silence": silence(),
}
LASTING: Final = (400, 401, 403, 404, 407)

Call = Callable[[DigitalOceanClient], Awaitable[Any]]


@pytest.fixture
async def network(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Network]:
    async with company_network(monkeypatch) as running:
        yield running


@pytest.fixture
def login(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the variable hold a password."""
    address = network.proxy.url.replace("//", f"//operator:{quote(PASSWORD, safe='')}@")
    monkeypatch.setenv("HTTPS_PROXY", address)


async def failed(call: Awaitable[object]) -> DbusersError:
    with pytest.raises(DbusersError) as caught:
        await call
    return caught.value


# What is kept from others


@pytest.mark.usefixtures("login")
async def test_the_proxys_login_is_for_the_proxy_and_the_token_is_not(network: Network) -> None:
    async with DigitalOceanClient(TOKEN, base_url=network.provider.url) as client:
        await get(client)

    (asked,), (request,) = network.proxy.requests, network.provider.requests
    assert asked.headers["proxy-authorization"] == f"Basic {LOGIN}"
    assert TOKEN not in repr(asked)
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert "proxy-authorization" not in request.headers
    assert len(network.tunnel.seen) > 500  # the handshake and the request
    assert TOKEN.encode() not in network.tunnel.seen
    assert b"HTTP" not in network.tunnel.seen


@pytest.mark.usefixtures("login")
@pytest.mark.parametrize("behind", [end, half_an_echo])
@pytest.mark.parametrize("step", SHOWN_BY_PROXIES.values(), ids=list(SHOWN_BY_PROXIES))
async def test_neither_password_nor_token_is_shown(
    network: Network, caplog: pytest.LogCaptureFixture, step: Step | None, behind: Step
) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    network.proxy.plays(step or network.tunnel)
    network.provider.plays(behind)
    async with DigitalOceanClient(
        TOKEN, base_url=network.provider.url, options=[ONCE, TimeoutOption(attempt=SHORT)]
    ) as client:
        shown = [shown_by(await failed(get(client))), repr(vars(client.adapter))]
        shown.append(repr(vars(client.adapter._transport)))

    assert "attempt.py" in shown[0]  # the frames are there
    logged = [f"{record.getMessage()} {record.args}" for record in caplog.records]
    assert leaks([*shown, *logged]) == []
    assert LOGIN not in "".join([*shown, *logged])


# What goes wrong on the way


@pytest.mark.parametrize("call", [get, create])
@pytest.mark.parametrize("step", PASSING.values(), ids=list(PASSING))
async def test_what_has_not_reached_the_provider_is_sent_again(
    network: Network, step: Step | BeforeReading, call: Call
) -> None:
    network.proxy.plays(step, network.tunnel)
    async with opened(network.provider) as client:
        assert (await call(client)).name == "app"

    assert len(network.provider.requests) == 1
    assert network.proxy.connections == 2
    await network.all_connections_have_ended()


@pytest.mark.parametrize("step", PASSING.values(), ids=list(PASSING))
async def test_a_proxy_that_never_opens_the_way(
    network: Network, step: Step | BeforeReading
) -> None:
    network.proxy.plays(step)
    async with opened(network.provider) as client:
        error = await failed(create(client))
        await network.all_connections_have_ended()

    assert isinstance(error, ConnectionFailed)
    assert (error.sent, error.retryable, error.gave_up) == (False, True, "max_retries")
    assert (error.attempts, network.proxy.connections) == (4, 4)
    assert network.provider.connections == 0


@pytest.mark.parametrize("status", LASTING)
async def test_a_refusal_that_will_last_is_not_asked_for_again(
    network: Network, status: int
) -> None:
    network.proxy.plays(answer(status, b"<html>no</html>"))
    async with opened(network.provider) as client:
        error = await failed(get(client))
        await network.all_connections_have_ended()

    assert isinstance(error, ConnectionFailed)
    assert (error.sent, error.retryable, error.attempts) == (False, False, 1)
    assert "proxy" in error.message
    assert str(status) in error.message
    assert error.status is None  # it is not the provider's


async def test_a_proxy_that_is_not_there(
    network: Network, refused_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", refused_url)
    async with opened(network.provider) as client:
        error = await failed(create(client))

    assert isinstance(error, ConnectionFailed)
    assert (error.sent, error.retryable, error.attempts) == (False, True, 4)
    assert refused_url.removeprefix("http://") in error.message


@pytest.mark.parametrize("said", [b"", ESTABLISHED[:20], ESTABLISHED], ids=["", "part", "opened"])
async def test_a_proxy_that_falls_silent_is_a_connection_that_takes_too_long(
    network: Network, said: bytes
) -> None:
    network.proxy.plays(silence(said), network.tunnel)
    # `attempt` is there to end the test in time if `connect` does not.
    options = [TimeoutOption(connect=SHORT, attempt=5 * SHORT)]
    async with opened(network.provider, options=options) as client:
        error = await failed(create(client, ONCE))
        assert isinstance(error, RequestTimedOut)
        assert (error.phase, error.sent, error.retryable) == ("connect", False, True)

        network.proxy.plays(silence(said), network.tunnel)
        await create(client)

    assert len(network.provider.requests) == 1


async def test_the_deadline_holds_for_a_silent_proxy(network: Network) -> None:
    network.proxy.plays(silence())
    begun = time.monotonic()
    async with opened(network.provider, options=[TimeoutOption(total=SHORT)]) as client:
        error = await failed(get(client))
        await network.all_connections_have_ended()

    assert isinstance(error, RequestTimedOut)
    assert "TimeoutOption.total" in error.message
    assert time.monotonic() - begun < 20 * SHORT


@pytest.mark.usefixtures("login")
async def test_a_call_that_is_cancelled_leaves_the_proxy_and_shows_nothing(
    network: Network,
) -> None:
    network.proxy.plays(silence(), network.tunnel)
    async with DigitalOceanClient(TOKEN, base_url=network.provider.url) as client:
        task = asyncio.create_task(get(client))
        await network.proxy.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        await network.all_connections_have_ended()

        assert (await get(client)).name == "app"

    shown = shown_by(caught.value)
    assert "in _create_proxy_connection" in shown  # aiohttp's frames are there, with their locals
    assert leaks([shown]) == []
    assert LOGIN not in shown


# What goes wrong behind it


@pytest.mark.parametrize(
    ("name", "by"), [(HOST, trustme.CA()), ("other.test", authority())], ids=["unknown", "other"]
)
async def test_the_provider_proves_who_it_is(network: Network, name: str, by: trustme.CA) -> None:
    async with (
        TLSServer(certified(name, by=by), HOST) as impostor,
        opened(impostor) as client,
    ):
        error = await failed(create(client))
        requests = impostor.requests

    assert isinstance(error, ConnectionFailed)
    assert (error.sent, error.retryable, error.attempts) == (False, False, 1)
    assert "certificate" in error.message
    assert requests == []


async def test_a_provider_without_tls_is_not_spoken_to(network: Network, server: RawServer) -> None:
    server.plays(BeforeReading(raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")))
    url = server.url.replace("http://127.0.0.1", f"https://{HOST}")
    async with opened(server, base_url=url) as client:
        error = await failed(create(client))

    assert isinstance(error, ConnectionFailed)
    assert (error.sent, error.retryable) == (False, False)


@pytest.mark.parametrize("step", [reset, end, raw(b"HTTP/1.1 20")])
async def test_a_create_that_may_have_arrived_is_not_sent_again(
    network: Network, step: Step
) -> None:
    network.provider.plays(step, answer(200, USER))
    async with opened(network.provider) as client:
        error = await failed(create(client))
        assert isinstance(error, ConnectionFailed)
        assert (error.sent, error.attempts) == (True, 1)

        network.provider.plays(step, answer(200, USER))
        await get(client)

    assert [request.method for request in network.provider.requests] == ["POST", "GET", "GET"]


async def test_a_repetition_takes_the_way_that_is_open(network: Network) -> None:
    network.provider.plays(answer(503), answer(429), answer(200, USER))
    async with opened(network.provider) as client:
        await get(client)

    assert len(network.provider.requests) == 3
    assert network.proxy.lines == [network.connect]


async def test_the_deadline_holds_for_a_silent_provider(network: Network) -> None:
    network.provider.plays(silence())
    async with opened(network.provider, options=[TimeoutOption(total=2 * SHORT)]) as client:
        error = await failed(create(client))
        await network.all_connections_have_ended()

    assert isinstance(error, RequestTimedOut)
    assert (error.phase, error.sent) == ("send", True)


# On other loops, and in a process of its own


@pytest.mark.skipif(find_spec("uvloop") is None, reason="neither on Windows nor on PyPy")
def test_uvloop_takes_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with company_network(monkeypatch) as network:
            network.proxy.plays(answer(502), raw(ESTABLISHED), network.tunnel)
            async with opened(network.provider) as client:
                await create(client)
                await get(client)
            await network.all_connections_have_ended()

            assert network.proxy.lines == [network.connect] * 3
            assert [request.method for request in network.provider.requests] == ["POST", "GET"]
            assert network.names.asked == []

    with asyncio.Runner(loop_factory=import_module("uvloop").new_event_loop) as runner:
        runner.run(main())


PROGRAM: Final = """
import asyncio
from dbusers import DigitalOceanClient

async def main():
    async with DigitalOceanClient() as client:
        user = await client.databases.by_id("c-1").users.by_username("app").get()
        print(user.name)

asyncio.run(main())
"""


async def test_a_program_needs_nothing_but_its_environment(
    network: Network, tmp_path: Path
) -> None:
    certificate = tmp_path / "authority.pem"
    authority().cert_pem.write_to_path(certificate)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-X", "dev", "-W", "error", "-c", PROGRAM),
        cwd=ROOT,  # the package, where it is not installed
        env=os.environ  # HTTPS_PROXY too
        | {
            "DIGITALOCEAN_TOKEN": TOKEN,
            "DIGITALOCEAN_API_URL": network.provider.url,
            "SSL_CERT_FILE": str(certificate),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()

    assert output.decode().split() == ["app"]
    assert process.returncode == 0
    assert network.proxy.lines == [network.connect]
    assert len(network.provider.requests) == 1
