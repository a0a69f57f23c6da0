"""The lifespan opens the clients and closes them; endpoints get them, typed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, get_type_hints

import httpx
import pytest
from fastapi import Depends, FastAPI, Request, WebSocket
from starlette.types import Message

from dbusers import ConfigurationError, DbusersError, DigitalOceanClient, ScalingoClient
from dbusers.fastapi import (
    ClientDependency,
    DigitalOcean,
    Scalingo,
    client_of,
    digitalocean_client,
    lifespan,
    problem_response,
    scalingo_client,
)
from dbusers.testing import Sandbox
from tests.fastapi.serving import asked, served

STAGING = ClientDependency(DigitalOceanClient, "staging")


def add_routes(app: FastAPI) -> None:
    @app.get("/digitalocean")
    async def clusters(client: DigitalOcean) -> list[str]:
        return [cluster.name for cluster in await client.databases.get()]

    @app.get("/scalingo")
    async def databases(client: Scalingo) -> list[str]:
        return [database.app for database in await client.databases.get()]

    @app.get("/staging")
    async def staging(client: Annotated[DigitalOceanClient, Depends(STAGING)]) -> list[str]:
        return [cluster.name for cluster in await client.databases.get()]


def an_app(**keywords: Any) -> FastAPI:
    app = FastAPI(exception_handlers={DbusersError: problem_response}, **keywords)
    add_routes(app)
    return app


async def is_closed(client: DigitalOceanClient | ScalingoClient) -> bool:
    try:
        await client.databases.get()
    except ConfigurationError as error:
        return "closed" in error.message
    return False


async def test_endpoints_get_the_clients_of_the_lifespan(sandbox: Sandbox) -> None:
    async with asked(an_app(lifespan=lifespan(sandbox.digitalocean, sandbox.scalingo))) as browser:
        clusters = (await browser.get("/digitalocean")).json()
        databases = (await browser.get("/scalingo")).json()

    assert set(clusters) == {cluster["name"] for cluster in sandbox.fleet.digitalocean}
    assert databases


async def test_one_client_serves_all_requests_and_is_closed_at_the_end(sandbox: Sandbox) -> None:
    app = an_app(lifespan=lifespan(sandbox.digitalocean, sandbox.scalingo))

    async with asked(app) as browser:
        digitalocean, scalingo = client_of(app, DigitalOceanClient), client_of(app, ScalingoClient)
        for _ in range(2):
            await browser.get("/digitalocean")
            assert client_of(app, DigitalOceanClient) is digitalocean

    assert await is_closed(digitalocean)
    assert await is_closed(scalingo)
    with pytest.raises(ConfigurationError):
        client_of(app, DigitalOceanClient)


async def test_the_environment_makes_a_client(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = an_app(lifespan=lifespan(DigitalOceanClient))  # as the docs have it
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", sandbox.digitalocean_token)
    monkeypatch.setenv("DIGITALOCEAN_API_URL", sandbox.url)

    async with asked(app) as browser:
        assert (await browser.get("/digitalocean")).status_code == 200


async def test_clients_of_one_type_have_names(sandbox: Sandbox) -> None:
    def of_nothing() -> DigitalOceanClient:
        return sandbox.digitalocean(token=sandbox.add_digitalocean_token(["database:create"]))

    app = an_app(lifespan=lifespan(sandbox.digitalocean, staging=of_nothing))

    async with asked(app) as browser:
        assert (await browser.get("/digitalocean")).status_code == 200
        assert (await browser.get("/staging")).status_code == 502  # its token may not read


async def test_two_clients_that_nothing_tells_apart_end_the_start(sandbox: Sandbox) -> None:
    made: list[DigitalOceanClient] = []

    def make() -> DigitalOceanClient:
        made.append(sandbox.digitalocean())
        return made[-1]

    app = an_app(lifespan=lifespan(make, make))

    with pytest.raises(ConfigurationError, match="two clients are a DigitalOceanClient"):
        async with asked(app):
            pass
    assert [await is_closed(client) for client in made] == [True, True]


async def test_a_missing_token_ends_the_start(sandbox: Sandbox) -> None:
    app = an_app(lifespan=lifespan(sandbox.scalingo, DigitalOceanClient))

    with pytest.raises(ConfigurationError, match="DIGITALOCEAN_TOKEN"):
        async with asked(app):
            pass


async def test_the_apps_own_lifespan_has_the_clients_and_its_state(sandbox: Sandbox) -> None:
    said: list[str] = []

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        client = client_of(app, DigitalOceanClient)
        said.append(f"{len(await client.databases.get()) > 0} at the start")
        yield {"greeting": "hello"}
        said.append(f"{len(await client.databases.get()) > 0} at the end")

    app = an_app(lifespan=lifespan(sandbox.digitalocean, own=own))
    async with app.router.lifespan_context(app) as state:
        assert state == {"greeting": "hello"}
    assert said == ["True at the start", "True at the end"]


async def test_the_state_of_the_own_lifespan_reaches_requests() -> None:
    @asynccontextmanager
    async def own(_: FastAPI) -> AsyncIterator[dict[str, str]]:
        yield {"greeting": "hello"}

    app = an_app(lifespan=lifespan(lambda: DigitalOceanClient("a-token"), own=own))

    @app.get("/greeting")
    async def greeting(request: Request) -> str:
        said: str = request.state.greeting
        return said

    async with served(app) as url, httpx.AsyncClient() as browser:
        assert (await browser.get(f"{url}/greeting")).json() == "hello"


async def test_an_own_lifespan_that_fails_leaves_no_client_open(sandbox: Sandbox) -> None:
    opened: list[DigitalOceanClient] = []

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[None]:
        opened.append(client_of(app, DigitalOceanClient))
        raise RuntimeError("no")
        yield

    with pytest.raises(RuntimeError, match="no"):
        async with asked(an_app(lifespan=lifespan(sandbox.digitalocean, own=own))):
            pass
    assert await is_closed(opened[0])


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        ("/digitalocean", r"no open DigitalOceanClient: .*lifespan\(DigitalOceanClient\)"),
        ("/scalingo", r"no open ScalingoClient: .*lifespan\(ScalingoClient\)"),
        ("/staging", r"no open DigitalOceanClient called 'staging': .*lifespan\(staging=…\)"),
    ],
)
async def test_a_missing_lifespan_is_said(
    path: str, missing: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with asked(an_app()) as browser:
        answer = await browser.get(path)

    assert answer.status_code == 500
    assert "lifespan" not in answer.text  # which is not the caller's affair
    (record,) = (each for each in caplog.records if each.name == "dbusers.fastapi")
    assert record.levelname == "ERROR"
    with pytest.raises(ConfigurationError, match=missing):
        raise record.exc_info[1]  # type: ignore[index, misc]  # there is one


async def test_a_lifespan_that_is_not_run_is_said(sandbox: Sandbox) -> None:
    app = an_app(lifespan=lifespan(sandbox.digitalocean))
    transport = httpx.ASGITransport(app=app)

    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as browser:
        assert (await browser.get("/digitalocean")).status_code == 500


async def test_tests_put_other_clients_in_their_place(sandbox: Sandbox) -> None:
    app = an_app()
    async with sandbox.digitalocean() as one, sandbox.scalingo() as other:
        app.dependency_overrides[digitalocean_client] = lambda: one
        app.dependency_overrides[scalingo_client] = lambda: other
        app.dependency_overrides[ClientDependency(DigitalOceanClient, "staging")] = lambda: one
        async with asked(app) as browser:
            answers = [await browser.get(p) for p in ("/digitalocean", "/scalingo", "/staging")]

    assert [answer.status_code for answer in answers] == [200] * 3


async def test_a_websocket_gets_a_client_too() -> None:
    app = an_app(lifespan=lifespan(lambda: DigitalOceanClient("a-token")))
    sent: list[Message] = []

    @app.websocket("/socket")
    async def socket(socket: WebSocket, client: DigitalOcean) -> None:
        await socket.accept()
        await socket.send_text(type(client).__name__)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/socket", "query_string": b"", "headers": []}
    async with app.router.lifespan_context(app):
        await app(scope, receive, send)
    assert sent[1] == {"type": "websocket.send", "text": "DigitalOceanClient"}


async def test_a_mounted_app_shares_the_clients_through_its_state(sandbox: Sandbox) -> None:
    inner = an_app()
    outer = FastAPI(lifespan=lifespan(sandbox.digitalocean))
    outer.mount("/inner", inner)
    inner.state = outer.state

    async with asked(outer) as browser:
        assert (await browser.get("/inner/digitalocean")).status_code == 200


def test_the_dependencies_are_typed() -> None:
    async def endpoint(one: DigitalOcean, other: Scalingo) -> None: ...

    hints = get_type_hints(endpoint)

    assert (hints["one"], hints["other"]) == (DigitalOceanClient, ScalingoClient)


def test_a_client_does_not_show_in_the_api_description() -> None:
    described = an_app().openapi()

    assert described["paths"]["/digitalocean"]["get"].get("parameters", []) == []
