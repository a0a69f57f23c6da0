"""Every builder of both providers under hostile names, and the way from a verb to its request."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import unquote

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbusers import (
    DbusersError,
    DigitalOceanClient,
    InvalidRequest,
    RequestConfiguration,
    RequestInformation,
    RetryOption,
    ScalingoClient,
    TimeoutOption,
)
from dbusers import digitalocean as do
from dbusers import scalingo as sc
from tests.contract.builders import Verb, verbs
from tests.hostile import BAD_URLS, QUOTED_NAMES, REFUSED_NAMES
from tests.raw_server import RawServer, answer

BODIES: dict[type[Any], Any] = {
    do.UserCreate: do.UserCreate("app-01"),
    do.UserUpdate: do.UserUpdate(settings=do.UserSettings()),
    do.ResetAuth: do.ResetAuth(),
    sc.UserCreate: sc.UserCreate("app-01"),
    sc.UserUpdate: sc.UserUpdate(password="a-password-of-24-letters"),
}
PARAMETERS = ("database_cluster_uuid", "username", "db", "app")
ANY_ANSWER = {"token": "a-bearer", "addon": {"token": "another-bearer"}}
ONCE = [RetryOption(max_retries=0)]


def clients(url: str) -> tuple[DigitalOceanClient, ScalingoClient]:
    return (
        DigitalOceanClient("a-token", base_url=url, options=ONCE, rate_limit=None),
        ScalingoClient(
            "tk-us-token",
            auth_url=url,
            api_url=url,
            database_api_url=url,
            options=ONCE,
            rate_limit=None,
        ),
    )


@asynccontextmanager
async def all_verbs(url: str, values: dict[str, str]) -> AsyncIterator[list[Verb]]:
    """Yield every verb of clients of both providers that talk to `url`."""
    one, other = clients(url)
    async with one, other:
        yield [*verbs(one, values), *verbs(other, values)]


def body_for(verb: Verb) -> Any:
    return None if verb.body is None else BODIES[verb.body]


async def send(verb: Verb) -> None:
    with suppress(DbusersError):  # the server answers nonsense; what it was asked is what counts
        await verb.call(*verb.arguments(body_for(verb)))


def uses(verb: Verb, parameter: str) -> bool:
    return f"{{{parameter}}}" in type(verb.builder).url_template


def path_matches(target: bytes, template: str, values: dict[str, str]) -> bool:
    segments = target.partition(b"?")[0].decode("ascii").split("/")
    literals = template.split("/")
    return len(segments) == len(literals) and all(
        unquote(segment) == values[literal[1:-1]] if literal.startswith("{") else segment == literal
        for segment, literal in zip(segments, literals, strict=True)
    )


async def test_the_walk_reaches_every_operation() -> None:
    async with all_verbs("http://127.0.0.1", {}) as reached:
        pass

    assert len([v for v in reached if "digitalocean" in type(v.builder).__module__]) == 8
    assert len([v for v in reached if "scalingo" in type(v.builder).__module__]) == 11


@pytest.mark.parametrize("parameter", PARAMETERS)
async def test_a_refused_name_is_refused_before_a_byte_is_sent(
    server: RawServer, parameter: str
) -> None:
    server.plays(answer(200, ANY_ANSWER))
    tried = 0
    for name in REFUSED_NAMES:
        async with all_verbs(server.url, {parameter: name}) as reached:
            for verb in filter(lambda verb: uses(verb, parameter), reached):
                with pytest.raises(InvalidRequest):
                    await verb.call(*verb.arguments(body_for(verb)))
                tried += 1

    assert tried >= len(REFUSED_NAMES)
    assert server.connections == 0


async def test_an_app_that_is_refused_sends_nothing_either(server: RawServer) -> None:
    # The app of a database stands in the path of the call for its bearer.
    for name in REFUSED_NAMES:
        _, client = clients(server.url)
        async with client:
            with pytest.raises(InvalidRequest, match="app"):
                await client.databases.by_id("ad-1", app=name).users.get()

    assert server.connections == 0


@pytest.mark.parametrize("name", QUOTED_NAMES)
async def test_any_other_name_arrives_as_one_quoted_segment(server: RawServer, name: str) -> None:
    server.plays(answer(200, ANY_ANSWER))
    values = dict.fromkeys(PARAMETERS, name)
    async with all_verbs(server.url, values) as reached:
        for verb in reached:
            await send(verb)

            information = verb.information(body_for(verb))
            request = server.requests[-1]
            assert re.fullmatch(rb"[A-Z]+ /[!-~]* HTTP/1\.1", request.line)
            assert request.method == information.method
            assert path_matches(request.target, information.url_template, values)

    bearers = [r.target for r in server.requests if r.target.endswith(b"/token")]
    template = "/v1/apps/{app}/addons/{addon_id}/token"
    assert bearers
    assert all(path_matches(t, template, {**values, "addon_id": name}) for t in bearers)


@settings(max_examples=15)
@given(st.lists(st.text(st.characters(), max_size=8), min_size=1, max_size=8))
def test_whatever_the_name_the_request_line_is_of_this_user(names: list[str]) -> None:
    async def deletes() -> tuple[list[str], list[bytes]]:
        refused = []
        async with RawServer() as server:
            server.plays(answer(204))
            async with clients(server.url)[0] as client:
                for name in names:
                    try:
                        await client.databases.by_id("c-1").users.by_username(name).delete()
                    except InvalidRequest:
                        refused.append(name)
            return refused, server.lines

    refused, lines = asyncio.run(deletes())
    template = "/v2/databases/c-1/users/{username}"
    sent = [name for name in names if name not in refused]
    assert len(sent) == len(lines)
    for name, line in zip(sent, lines, strict=True):
        method, target, version = line.split(b" ")
        assert (method, version) == (b"DELETE", b"HTTP/1.1")
        assert path_matches(target, template, {"username": name})


# with_url


async def test_a_bad_url_is_refused_by_every_verb_before_a_byte_is_sent(server: RawServer) -> None:
    on_own_host = [url.replace("https://127.0.0.1/", f"{server.url}/") for url in BAD_URLS]
    for url in {*BAD_URLS, *on_own_host}:
        async with all_verbs(server.url, {}) as reached:
            for verb in reached:
                elsewhere = Verb(verb.builder.with_url(url), verb.name)
                with pytest.raises(InvalidRequest):
                    await elsewhere.call(*elsewhere.arguments(body_for(elsewhere)))

    assert server.connections == 0


async def test_a_url_of_the_own_host_arrives_as_it_is_for_every_verb(server: RawServer) -> None:
    target = "/v2/some%2fwhere%7e;x?page=2&per_page=%20%2b"
    server.plays(answer(200, ANY_ANSWER))
    for prefix in ("", "/api/databases/db"):
        async with all_verbs(server.url, {}) as reached:
            for verb in reached:
                await send(Verb(verb.builder.with_url(server.url + prefix + target), verb.name))

                asked = [request.target.decode() for request in server.requests]
                assert prefix + target in asked, f"{type(verb.builder)} {verb.name}"
                server.requests.clear()


def test_with_url_leaves_the_builder_as_it_was() -> None:
    client, _ = clients("https://api.example.com")
    users = client.databases.by_id("c-1").users

    assert users.with_url("https://api.example.com/x").to_get_request_information().url == (
        "https://api.example.com/x"
    )
    assert users.to_get_request_information().url.endswith("/v2/databases/c-1/users")


# From a verb to its request


@pytest.mark.parametrize("provider", [0, 1])
def test_every_verb_hands_the_callers_configuration_on(provider: int) -> None:
    async def hook(request: Any, handler: Any) -> Any:
        return await handler(request)

    async def wire_hook(request: Any, handler: Any) -> Any:
        return await handler(request)

    configuration = RequestConfiguration(
        headers={"x-trace": "7"},
        query_parameters={"page": 2},
        options=[TimeoutOption(total=5.0)],
        middleware=[hook],
        aiohttp_middlewares=[wire_hook],
    )
    for verb in verbs(clients("https://api.example.com")[provider], {}):
        information = verb.information(body_for(verb), configuration)

        assert information.method == verb.name.upper()
        assert dict(information.headers) == {"x-trace": "7"}
        assert dict(information.query_parameters) == {"page": 2}
        assert information.options == (TimeoutOption(total=5.0),)
        assert information.middleware == (hook,)
        assert information.aiohttp_middlewares == (wire_hook,)
        assert (information.content is None) == (verb.body is None)


@pytest.mark.parametrize("provider", [0, 1])
@pytest.mark.parametrize("configuration", [None, RequestConfiguration({"x-trace": "7"}, {"a": 1})])
def test_a_builders_request_is_what_its_fields_make_by_hand(
    provider: int, configuration: RequestConfiguration | None
) -> None:
    # The builder leaves out the checks of what has been checked.
    for verb in verbs(clients("https://api.example.com")[provider], {}):
        made = verb.information(body_for(verb), configuration)
        fields = {each.alias: getattr(made, each.name) for each in attrs.fields(type(made))}
        url = fields.pop("url")

        same = RequestInformation(**fields)
        assert (made, made.url) == (same, url)
        assert repr(made) == repr(same)


def test_building_a_request_needs_no_loop() -> None:
    for client in clients("https://api.example.com"):
        for verb in verbs(client, {}):
            information = verb.information(body_for(verb))

            assert information.url.startswith("https://api.example.com/")
