"""The example's API: users of both providers, from a browser's point of view."""

from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from dbusers.testing import Fault, Sandbox
from docs.examples.fastapi_app.models import Credentials
from tests.canary_search import secrets_of
from tests.fastapi.serving import asked

AT_BOTH: Final = [("digitalocean", "postgresql"), ("scalingo", "postgresql")]


async def users_of(browser: httpx.AsyncClient, provider: str, engine: str) -> tuple[str, str]:
    """Return the path of a database's users, and the query that belongs to it."""
    databases = (await browser.get(f"/api/{provider}/databases")).json()
    found = next(each for each in databases if each["engine"] == engine)
    query = f"?app={quote(found['app'])}" if found["app"] else ""
    return f"/api/{provider}/databases/{found['id']}/users", query


async def names_at(browser: httpx.AsyncClient, users: str, query: str) -> set[str]:
    return {user["name"] for user in (await browser.get(users + query)).json()}


@pytest.mark.parametrize(("provider", "engine"), AT_BOTH)
async def test_a_user_lives_its_life(app: FastAPI, provider: str, engine: str) -> None:
    async with asked(app) as browser:
        users, query = await users_of(browser, provider, engine)

        created = await browser.post(users + query, json={"name": "reports-01"})
        assert created.status_code == 201
        assert "reports-01" in await names_at(browser, users, query)

        rotated = await browser.post(f"{users}/reports-01/rotate{query}")
        assert rotated.status_code == 200

        deleted = await browser.delete(f"{users}/reports-01{query}")
        assert (deleted.status_code, deleted.content) == (204, b"")
        assert "reports-01" not in await names_at(browser, users, query)

    first, second = created.json(), rotated.json()
    assert first["name"] == second["name"] == "reports-01"
    assert first["password"]
    assert second["password"]
    assert first["password"] != second["password"]
    assert "no-store" in created.headers["cache-control"]
    assert "no-store" in rotated.headers["cache-control"]


async def test_lists_hold_no_secret(app: FastAPI, sandbox: Sandbox) -> None:
    said: list[str] = []
    async with asked(app) as browser:
        for provider, engine in (*AT_BOTH, ("digitalocean", "kafka")):
            said.append((await browser.get(f"/api/{provider}/databases")).text)
            users, query = await users_of(browser, provider, engine)
            listed = await browser.get(users + query)
            assert listed.headers["cache-control"] == "no-store"
            said.append(listed.text)

    whole = "".join(said)
    assert not [secret for secret in secrets_of(sandbox) if secret in whole]


async def test_every_database_is_listed(app: FastAPI, sandbox: Sandbox) -> None:
    async with asked(app) as browser:
        clusters = (await browser.get("/api/digitalocean/databases")).json()
        databases = (await browser.get("/api/scalingo/databases")).json()

    assert {each["id"] for each in clusters} == {c["id"] for c in sandbox.fleet.digitalocean}
    assert {each["engine"] for each in clusters if not each["has_users"]} <= {"redis", "valkey"}
    assert len(clusters) + len(databases) == 20


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/users", None, 404),
        ("POST", "/users", {"name": ""}, 422),
        ("POST", "/users", {"name": "x" * 64}, 422),
        ("POST", "/users", {}, 422),
        ("DELETE", "/users/nobody", None, 404),
        ("POST", "/users/nobody/rotate", None, 404),
    ],
)
async def test_what_cannot_be_done_is_answered_as_a_problem(
    app: FastAPI, method: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    missing = "/api/digitalocean/databases/00000000-0000-0000-0000-000000000000"

    async with asked(app) as browser:
        got = await browser.request(method, missing + path, json=body)

    assert got.status_code == status


async def test_who_exists_already_is_a_conflict(app: FastAPI) -> None:
    async with asked(app) as browser:
        users, query = await users_of(browser, "digitalocean", "postgresql")
        got = [await browser.post(users + query, json={"name": "twice"}) for _ in range(2)]

    assert got[0].status_code == 201
    assert got[1].status_code in {409, 422}
    assert got[1].headers["content-type"] == "application/problem+json"


async def test_the_providers_refusal_is_not_repeated(app: FastAPI, sandbox: Sandbox) -> None:
    body = {"id": "unauthorized", "message": f"bad token {sandbox.digitalocean_token}"}
    sandbox.inject(Fault("/v2/*", status=401, body=body))

    async with asked(app) as browser:
        got = await browser.get("/api/digitalocean/databases")

    assert got.status_code == 502
    assert sandbox.digitalocean_token not in got.text
    assert "bad token" not in got.text


@pytest.mark.parametrize(
    ("site", "status"),
    [("cross-site", 403), ("same-site", 403), ("same-origin", 404), ("none", 404), (None, 404)],
)
async def test_another_sites_page_changes_nothing(
    app: FastAPI, sandbox: Sandbox, site: str | None, status: int
) -> None:
    headers = {"Sec-Fetch-Site": site} if site else {}

    async with asked(app) as browser:
        got = await browser.post(
            "/api/digitalocean/databases/nowhere/users/app/rotate", headers=headers
        )

    assert got.status_code == status
    assert len(sandbox.requests) == (status == 404)


async def test_a_name_that_points_here_is_not_served(app: FastAPI) -> None:
    async with asked(app) as browser:
        got = await browser.get("/api/digitalocean/databases", headers={"Host": "a.example"})

    assert got.status_code == 400


async def test_a_request_may_be_given_less_time(app: FastAPI, sandbox: Sandbox) -> None:
    async with asked(app) as browser:
        got = await browser.get("/api/digitalocean/databases", headers={"X-Request-Timeout": "0"})

    assert got.status_code == 504
    assert sandbox.requests == []


async def test_the_page_loads_nothing_from_elsewhere(app: FastAPI) -> None:
    async with asked(app) as browser:
        for path in ("/", "/page.css", "/page.js", "/icon.svg"):
            got = await browser.get(path)
            assert got.status_code == 200
            policy = got.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; ")
            assert "unsafe" not in policy
            assert "https:" not in policy
            assert got.headers["x-content-type-options"] == "nosniff"
        for path in ("/docs", "/redoc"):
            assert (await browser.get(path)).status_code == 404


def test_a_password_does_not_show_in_a_repr() -> None:
    assert "hunter2" not in repr(Credentials(name="app", password="hunter2"))
