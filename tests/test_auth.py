"""Who proves what to which host: credentials, their sources, and where they must not go."""

from collections.abc import Callable
from typing import Any

import pytest

from dbusers import (
    ConfigurationError,
    DigitalOceanClient,
    InvalidRequest,
    RequestConfiguration,
    RequestInformation,
    Response,
    ScalingoClient,
    Secret,
)
from dbusers.auth import origin, refuse_foreign
from dbusers.request import Handler
from tests.hostile import BAD_URLS
from tests.raw_server import RawServer, answer, head, raw

USERS = {"users": [{"name": "app"}]}
OTHER_HOSTS = [
    "https://evil.example/v2/databases",
    "http://api.digitalocean.com/v2/databases",
    "https://api.digitalocean.com:8443/v2/databases",
    "https://api.digitalocean.com.evil.example/v2/databases",
    "https://api.digitalocean.comevil.example/",
    "https://api.digitalocean.com./v2/databases",
    "https://xapi.digitalocean.com/",
    "https://evil.example/https://api.digitalocean.com/",
    "https://evil.example?https://api.digitalocean.com/",
    "https://127.0.0.1/",
]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.digitalocean.com/v2", ("https", "api.digitalocean.com", 443)),
        ("HTTPS://API.DigitalOcean.COM", ("https", "api.digitalocean.com", 443)),
        ("http://127.0.0.1:8080/x?y", ("http", "127.0.0.1", 8080)),
        ("http://[::1]/", ("http", "::1", 80)),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, expected: tuple[str, str, int]) -> None:
    assert origin(url) == expected


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_bad_url_has_no_origin(url: str) -> None:
    with pytest.raises(InvalidRequest):
        origin(url)


@pytest.mark.parametrize("url", OTHER_HOSTS)
def test_other_hosts_are_foreign(url: str) -> None:
    with pytest.raises(InvalidRequest, match="nothing was sent"):
        refuse_foreign(url, ("https://api.digitalocean.com",))


@pytest.mark.parametrize(
    "url",
    [
        "https://api.digitalocean.com/v2/databases",
        "https://api.digitalocean.com:443/v2/databases",
        "https://API.digitalocean.com/v2/databases?page=2",
        "https://api.digitalocean.com",
    ],
)
def test_the_own_host_is_not_foreign_however_it_is_written(url: str) -> None:
    refuse_foreign(url, ("https://api.digitalocean.com",))


# No credential leaves for another host, whichever way the URL came in


async def _by_with_url(client: DigitalOceanClient, url: str) -> object:
    return await client.databases.with_url(url).get()


async def _by_raw_url(client: DigitalOceanClient, url: str) -> object:
    return await client.adapter.send(RequestInformation("GET", "/", raw_url=url))


async def _by_base_url(client: DigitalOceanClient, url: str) -> object:
    return await client.adapter.send(RequestInformation("GET", "", base_url=url))


async def _by_template(client: DigitalOceanClient, url: str) -> object:
    # What stands before an @ is a user name: the host would be the one behind it.
    template = "@" + url.removeprefix("http://")
    return await client.adapter.send(RequestInformation("GET", template))


async def _by_middleware(client: DigitalOceanClient, url: str) -> object:
    async def divert(request: RequestInformation, handler: Handler) -> Response:
        return await handler(RequestInformation("GET", "/", raw_url=url))

    return await client.databases.get(RequestConfiguration(middleware=[divert]))


WAYS = [_by_with_url, _by_raw_url, _by_base_url, _by_template, _by_middleware]


@pytest.mark.parametrize("way", WAYS)
async def test_the_token_does_not_go_to_another_host(
    server: RawServer, way: Callable[[DigitalOceanClient, str], Any]
) -> None:
    async with DigitalOceanClient("a-token", base_url="http://127.0.0.1:9") as client:
        with pytest.raises(InvalidRequest):
            await way(client, f"{server.url}/v2/databases")

    assert server.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(
    server: RawServer, client: DigitalOceanClient, status: int
) -> None:
    server.plays(answer(status, headers={"Location": f"{server.url}/v2/elsewhere"}))

    with pytest.raises(Exception, match="redirect") as caught:
        await client.databases.get()
    assert vars(caught.value)["status"] == status
    assert len(server.requests) == 1


async def test_the_token_is_sent_to_its_own_host(
    server: RawServer, client: DigitalOceanClient
) -> None:
    server.plays(answer(200, USERS))

    await client.databases.by_id("c-1").users.get()
    assert server.requests[0].headers["authorization"] == "Bearer a-token"


async def test_a_page_on_another_host_is_not_followed(server: RawServer) -> None:
    async with RawServer() as other:
        following = {"pages": {"next": f"{other.url}/v2/databases?page=2"}}
        server.plays(answer(200, {"databases": [], "links": following}))
        async with DigitalOceanClient("a-token", base_url=server.url) as client:
            with pytest.raises(Exception, match=r"another host @ \$\.links\.pages\.next"):
                await client.databases.get()

        assert other.connections == 0


async def test_a_servers_answer_cannot_smuggle_a_second_one(
    server: RawServer, client: DigitalOceanClient
) -> None:
    # What stands behind the promised length must not be read as the next request's answer.
    poisoned = head(200, {"Content-Length": "13"}) + b'{"users": []}'
    server.plays(raw(poisoned + head(200, {"Content-Length": "2"}) + b"[]"), answer(200, USERS))

    assert await client.databases.by_id("c-1").users.get() == []
    assert len(await client.databases.by_id("c-1").users.get()) == 1


# Base URLs


@pytest.mark.parametrize(
    "url",
    [
        "http://api.digitalocean.com",
        "http://192.168.0.1",
        "http://0.0.0.0",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "ftp://127.0.0.1",
        "api.digitalocean.com",
        "https://user:canary@api.digitalocean.com",
        "https://api.digitalocean.com?x=1",
        "https://api.digitalocean.com/#x",
        "https://[bad",
        "https://a b",
    ],
)
@pytest.mark.parametrize(
    "make",
    [
        lambda url: DigitalOceanClient("t", base_url=url),
        lambda url: ScalingoClient("t", auth_url=url),
        lambda url: ScalingoClient("t", api_url=url),
        lambda url: ScalingoClient("t", database_api_url=url),
    ],
)
def test_a_base_url_must_be_https_or_loopback(url: str, make: Callable[[str], object]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make(url)

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1",
        "http://127.8.8.8",
        "http://localhost:80",
        "http://[::1]:1",
        "https://x.example",
    ],
)
def test_http_is_for_loopback(url: str) -> None:
    assert DigitalOceanClient("t", base_url=url).adapter.base_url == url


async def test_a_base_url_may_have_a_path_and_a_slash_at_its_end(server: RawServer) -> None:
    server.plays(answer(200, USERS))

    async with DigitalOceanClient("t", base_url=f"{server.url}/proxy/") as client:
        await client.databases.by_id("c-1").users.get()
    assert server.lines == [b"GET /proxy/v2/databases/c-1/users HTTP/1.1"]


# Where tokens and URLs come from


async def _sent_token(client: DigitalOceanClient, server: RawServer) -> str:
    server.plays(answer(200, {"databases": None}))
    async with client:
        await client.databases.get()
    return server.requests[-1].headers["authorization"]


@pytest.mark.parametrize("variable", ["DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN"])
async def test_digitaloceans_variables(
    server: RawServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "from-the-environment")
    monkeypatch.setenv("DIGITALOCEAN_API_URL", server.url)

    assert await _sent_token(DigitalOceanClient(), server) == "Bearer from-the-environment"


async def test_what_is_passed_wins_over_the_environment(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "from-the-environment")
    monkeypatch.setenv("DIGITALOCEAN_API_URL", "https://unused.example")

    client = DigitalOceanClient(Secret("passed"), base_url=server.url)
    assert await _sent_token(client, server) == "Bearer passed"


def test_the_first_of_two_variables_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "line\nbreak")
    monkeypatch.setenv("DIGITALOCEAN_ACCESS_TOKEN", "good")

    with pytest.raises(ConfigurationError, match="DIGITALOCEAN_TOKEN"):
        DigitalOceanClient()


def test_without_a_token_the_error_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "")

    with pytest.raises(ConfigurationError, match="DIGITALOCEAN_TOKEN"):
        DigitalOceanClient()
    with pytest.raises(ConfigurationError, match="SCALINGO_API_TOKEN"):
        ScalingoClient()


@pytest.mark.parametrize("token", ["", "with space", "line\n", "\x00", "é", "a\r\nX: 1"])
@pytest.mark.parametrize(
    "make",
    [
        DigitalOceanClient,
        ScalingoClient,
        lambda token: ScalingoClient(database_token=token),
        lambda token: DigitalOceanClient(Secret(token)),
    ],
)
def test_a_token_that_was_pasted_wrongly_is_refused(
    token: str, make: Callable[[str], object]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make(token)

    assert not token or token not in str(caught.value)


def test_a_url_variable_is_held_to_the_same_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_API_URL", "http://api.digitalocean.com")

    with pytest.raises(ConfigurationError, match="DIGITALOCEAN_API_URL"):
        DigitalOceanClient("t")


def test_the_public_hosts_are_the_default() -> None:
    assert DigitalOceanClient("t").adapter.base_url == "https://api.digitalocean.com"
