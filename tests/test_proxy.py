"""Proxies: which host has one, who looks it up and when, and with what login."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any, Final

import aiohttp
import pytest

from dbusers import ConfigurationError, ConnectionFailed, DigitalOceanClient, ScalingoClient
from dbusers.proxy import proxies_for
from dbusers.testing import Sandbox
from tests.calls import get, opened
from tests.canary import leaks, shown_by
from tests.raw_server import Exchange, RawServer, answer
from tests.tunnel import (
    HOST,
    PUNYCODE,
    SCALINGO_HOSTS,
    Network,
    Tunnel,
    clear_variables,
    company_network,
)

SCALINGOS_ANSWERS: Final[dict[bytes, Any]] = {
    b"/v1/tokens/exchange": {"token": "a-bearer"},
    b"/v1/regions": {"regions": []},
    b"/v1/apps": {"apps": []},
    b"/api/databases/d-1/users": {"database-users": []},
}


@pytest.fixture(autouse=True)
def _no_proxy_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    clear_variables(monkeypatch)


@pytest.fixture
async def network(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Network]:
    async with company_network(monkeypatch) as running:
        yield running


# Which proxy


@pytest.mark.parametrize("scheme", ["http://", "HTTP://", ""])
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
async def test_a_variable_names_the_proxy(
    network: Network,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    scheme: str,
) -> None:
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setenv(variable, network.proxy.url.replace("http://", scheme))

    async with opened(network.provider) as client:
        user = await get(client)

    assert user.name == "app"
    assert network.proxy.lines == [network.connect]
    assert network.provider.lines == [b"GET /v2/databases/c-1/users/app HTTP/1.1"]
    assert network.names.asked == []  # the provider's name is the proxy's affair


async def test_https_proxy_counts_before_all_proxy(
    network: Network, refused_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", refused_url)

    async with opened(network.provider) as client:
        await get(client)

    assert network.proxy.lines == [network.connect]


async def test_http_proxy_is_not_for_https(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setenv("HTTP_PROXY", network.proxy.url)

    async with opened(network.provider) as client:
        await get(client)

    assert (network.proxy.connections, network.names.asked) == (0, [HOST])


@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize(
    "listed", [HOST, HOST.upper(), "provider.test", ".provider.test", "*", f"a.example, {HOST}"]
)
async def test_no_proxy_names_hosts_without_one(
    network: Network,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    listed: str,
) -> None:
    monkeypatch.setenv(variable, listed)

    async with opened(network.provider) as client:
        await get(client)

    assert (network.proxy.connections, network.names.asked) == (0, [HOST])
    assert len(network.provider.lines) == 1


@pytest.mark.parametrize("listed", ["", "other.example", "i.provider.test", f"x.{HOST}", "test.x"])
async def test_no_proxy_is_for_no_other_hosts(
    network: Network, monkeypatch: pytest.MonkeyPatch, listed: str
) -> None:
    monkeypatch.setenv("NO_PROXY", listed)

    async with opened(network.provider) as client:
        await get(client)

    assert network.proxy.lines == [network.connect]


async def test_no_proxy_may_name_a_port(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", f"{HOST}:{network.provider.port}")

    async with opened(network.provider) as client:
        await get(client)

    assert (network.proxy.connections, len(network.provider.lines)) == (0, 1)


@pytest.mark.parametrize("name", [HOST.upper(), PUNYCODE])
async def test_a_host_has_its_proxy_however_it_is_written(network: Network, name: str) -> None:
    async with opened(
        network.provider, base_url=network.provider.url.replace(HOST, name)
    ) as client:
        await get(client)

    assert (len(network.proxy.lines), network.names.asked) == (1, [])


async def test_the_providers_own_hosts_are_asked_for_on_port_443(network: Network) -> None:
    network.proxy.plays(answer(403))
    async with (
        DigitalOceanClient("a-token", rate_limit=None) as client,
        ScalingoClient("a-token", database_token="b-token", rate_limit=None) as scalingo,
    ):
        for call in (
            client.databases.get,
            scalingo.regions.get,
            scalingo.databases.by_id("d-1").users.get,
        ):
            with pytest.raises(ConnectionFailed):
                await call()

    assert network.proxy.lines == [
        b"CONNECT api.digitalocean.com:443 HTTP/1.1",
        b"CONNECT auth.scalingo.com:443 HTTP/1.1",
        b"CONNECT db-api.osc-fr1.scalingo.com:443 HTTP/1.1",
    ]


async def scalingo_answers(exchange: Exchange) -> None:
    assert exchange.received is not None
    path = exchange.received.target.split(b"?")[0]
    await answer(200, SCALINGOS_ANSWERS[path])(exchange)


@pytest.mark.parametrize("left_out", [None, *SCALINGO_HOSTS])
async def test_each_of_scalingos_hosts_has_the_proxy_or_is_left_out(
    network: Network,
    monkeypatch: pytest.MonkeyPatch,
    left_out: str | None,
) -> None:
    monkeypatch.setenv("NO_PROXY", left_out or "")
    network.provider.plays(scalingo_answers)
    auth, api, database_api = (f"https://{host}:{network.provider.port}" for host in SCALINGO_HOSTS)
    async with ScalingoClient(
        "a-token",
        database_token="another",
        auth_url=auth,
        api_url=api,
        database_api_url=database_api,
        rate_limit=None,
    ) as client:
        await client.regions.get()
        await client.apps.get()
        await client.databases.by_id("d-1").users.get()

    through = {line.split(b" ")[1].decode().rpartition(":")[0] for line in network.proxy.lines}
    assert through == {*SCALINGO_HOSTS} - {left_out}
    assert network.names.asked == ([left_out] if left_out else [])


async def test_this_machine_is_never_looked_for_by_a_proxy(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", network.proxy.url)
    monkeypatch.setenv("ALL_PROXY", network.proxy.url)
    async with (
        Sandbox(limits=False) as sandbox,
        sandbox.digitalocean() as client,
        sandbox.scalingo() as scalingo,
    ):
        assert await client.databases.get()
        assert await scalingo.databases.get()

    assert network.proxy.connections == 0
    local = ["http://127.0.0.1:1", "https://127.9.9.9", "http://localhost", "https://[::1]:8443"]
    assert proxies_for(local) == {}
    assert len(proxies_for([*local, f"https://{HOST}"])) == 1


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"https": "http://proxy.test:3128"}, ["http://proxy.test:3128"]),
        ({"https": "http://one.test", "socks": "socks://two.test"}, ["http://one.test"]),
        ({"http": "http://proxy.test:3128"}, []),
        ({"socks": "socks://proxy.test:1080"}, []),
        ({"https": ""}, []),
        ({}, []),
    ],
)
def test_the_systems_settings_count_where_there_are_no_variables(
    monkeypatch: pytest.MonkeyPatch, found: dict[str, str], expected: list[str]
) -> None:
    monkeypatch.setattr("dbusers.proxy.getproxies", lambda: found)

    proxies = proxies_for([f"https://{HOST}"])

    assert [str(proxy.url) for proxy in proxies.values()] == expected


# When it is looked up, and by whom


async def test_the_environment_is_read_once_when_the_client_is_made(
    network: Network, refused_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(network.provider) as client:
        monkeypatch.setenv("HTTPS_PROXY", refused_url)
        monkeypatch.setenv("NO_PROXY", "*")
        for name in ("getproxies", "proxy_bypass"):
            monkeypatch.delattr(f"urllib.request.{name}")
            monkeypatch.delattr(f"dbusers.proxy.{name}")
        await get(client)

    assert network.proxy.lines == [network.connect]


async def test_a_session_that_is_passed_in_keeps_to_its_own_proxy(network: Network) -> None:
    async with (
        aiohttp.ClientSession() as session,
        opened(network.provider, session=session) as client,
    ):
        await get(client)
    assert (network.proxy.connections, network.names.asked) == (0, [HOST])

    async with RawServer() as its_own:
        its_own.plays(Tunnel())
        async with (
            aiohttp.ClientSession(proxy=its_own.url) as session,
            opened(network.provider, session=session) as client,
        ):
            await get(client)

        assert (its_own.lines, network.proxy.connections) == ([network.connect], 0)


async def test_a_session_that_is_passed_in_needs_no_variable_that_makes_sense(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy.test:1080")
    async with (
        aiohttp.ClientSession() as session,
        opened(network.provider, session=session) as client,
    ):
        assert (await get(client)).name == "app"


async def test_a_connection_through_the_proxy_is_kept(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", network.proxy.url.replace("//", "//operator:secret@"))
    async with opened(network.provider) as client:
        for _ in range(3):
            await get(client)
        await asyncio.gather(get(client), get(client))  # of which one finds none that is free

    assert (len(network.provider.lines), len(network.proxy.lines)) == (5, 2)
    assert [request.connection for request in network.provider.requests[:3]] == [0, 0, 0]
    await network.all_connections_have_ended()


# Its login


@pytest.mark.parametrize(
    ("pair", "sent"),
    [
        ("operator", "operator:"),
        ("operator:", "operator:"),
        (":pw", ":pw"),
        ("o%40b.test:p%3A%2F%25", "o@b.test:p:/%"),
        ("%C3%A9:%C3%A9", "é:é"),
        ("a:b:c", "a:b:c"),
    ],
)
async def test_a_login_is_decoded(
    network: Network, monkeypatch: pytest.MonkeyPatch, pair: str, sent: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", network.proxy.url.replace("//", f"//{pair}@"))
    async with opened(network.provider) as client:
        await get(client)

    basic = network.proxy.requests[0].headers["proxy-authorization"].removeprefix("Basic ")
    assert base64.b64decode(basic).decode() == sent


async def test_a_proxy_without_a_login_is_told_none(network: Network) -> None:
    async with opened(network.provider) as client:
        await get(client)

    assert "proxy-authorization" not in network.proxy.requests[0].headers


# What is no proxy


@pytest.mark.parametrize(
    "value",
    [
        "socks5://canary-login:canary-pw@proxy.test:1080",
        "socks4://canary-host:1080",  # what Windows' settings are made into
        "https://canary-login:canary-pw@proxy.test:3128",
        "ftp://canary-login:canary-pw@proxy.test",
        "http://canary-login:canary-pw@",
        "http://canary-login:canary-pw@proxy.test:port",
        "http://canary-login:canary-pw@proxy.test:99999",
        "http://canary-login:canary-pw@[::1",
        "http://canary-login:1234#canary-pw@proxy.test:3128",  # read as a host and a port
        "http://canary-login:1234/canary-pw@proxy.test:3128",
        "http://canary-login:1234?canary-pw@proxy.test:3128",
        "http://",
        "canary-no address",
        "//proxy.test:3128",
    ],
)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_variable_that_names_no_http_proxy_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationError) as caught:
        DigitalOceanClient("a-token")

    assert variable in str(caught.value)
    assert "http://host:port" in str(caught.value)
    assert caught.value.retryable is False
    # This test's own frame knows the value; so may pytest's, which call it.
    assert caught.tb.tb_next is not None
    error = caught.value.with_traceback(caught.tb.tb_next)
    assert leaks([shown_by(error)]) == []


def test_a_wrong_variable_is_nothing_to_hosts_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy.test:1080")

    assert proxies_for(["http://127.0.0.1:8000"]) == {}
    monkeypatch.setenv("NO_PROXY", HOST)
    assert proxies_for([f"https://{HOST}"]) == {}
