"""Scalingo's chain of tokens, and how the databases are found with it."""

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING

import aiohttp
import orjson
import pytest

from dbusers.testing import ManualClock, Sandbox
from dbusers.testing.scalingo.fleet import Database

if TYPE_CHECKING:  # conftest cannot be imported while the tests run
    from tests.testing.conftest import Caller

    DatabaseOf = Callable[[str], Database]

# Tokens


@pytest.mark.parametrize(
    ("user", "password"), [("", "wrong"), ("someone", None), ("", ""), (None, None)]
)
async def test_only_the_api_token_can_be_exchanged(
    anonymous: "Caller", sandbox: Sandbox, user: str | None, password: str | None
) -> None:
    token = sandbox.scalingo_token if password is None else password
    login = aiohttp.encode_basic_auth(user, token) if user is not None else f"Bearer {token}"

    reply = await anonymous("POST", "/v1/tokens/exchange", headers={"authorization": login})

    assert (reply.status, reply.json) == (401, {"error": "invalid token"})


async def test_a_malformed_login_is_unauthorized(anonymous: "Caller") -> None:
    for login in ("Basic", "Basic ???", "Basic /w==", "Basic YWJj"):
        reply = await anonymous("POST", "/v1/tokens/exchange", headers={"authorization": login})

        assert reply.status == 401


async def test_a_bearer_is_a_jwt_that_is_good_for_an_hour(
    anonymous: "Caller", sandbox: Sandbox, clock: ManualClock
) -> None:
    login = aiohttp.encode_basic_auth("", sandbox.scalingo_token)
    reply = await anonymous("POST", "/v1/tokens/exchange", headers={"authorization": login})

    token = reply.json["token"]
    header, claims, signature = (
        base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")
    )

    assert reply.status == 200
    assert orjson.loads(header)["typ"] == "JWT"
    assert orjson.loads(claims)["exp"] == clock() + 3_600
    assert signature


async def test_bearers_expire(
    platform: "Caller", owner: "Caller", users: str, clock: ManualClock
) -> None:
    clock.advance(3_599)
    before = [await platform("GET", "/v1/apps"), await owner("GET", users)]
    clock.advance(1)
    after = [await platform("GET", "/v1/apps"), await owner("GET", users)]

    assert [reply.status for reply in before] == [200, 200]
    assert [reply.status for reply in after] == [401, 401]
    assert after[0].json == {"error": "invalid or expired token"}


async def test_bearers_can_be_revoked(
    platform: "Caller", owner: "Caller", users: str, sandbox: Sandbox, database: "DatabaseOf"
) -> None:
    sandbox.revoke_bearers()

    refused = [await platform("GET", "/v1/apps"), await owner("GET", users)]
    fresh = owner.with_token(sandbox.database_token(database("postgresql")["id"]))

    assert [reply.status for reply in refused] == [401, 401]
    assert (await fresh("GET", users)).status == 200


async def test_a_bearer_is_for_one_audience(
    *,
    anonymous: "Caller",
    platform: "Caller",
    owner: "Caller",
    sandbox: Sandbox,
    database: "DatabaseOf",
    users: str,
) -> None:
    other = f"/api/databases/{database('mysql')['id']}/users"
    with_api_token = anonymous.with_token(sandbox.scalingo_token)

    replies = [
        await platform("GET", users),
        await owner("GET", "/v1/apps"),
        await with_api_token("GET", "/v1/apps"),
        await with_api_token("GET", users),
        await anonymous("GET", "/v1/apps"),
        await anonymous("GET", "/v1/regions"),
        await owner("GET", other),
        await owner("GET", "/api/databases/none/users"),
    ]

    assert [reply.status for reply in replies] == [401, 401, 401, 401, 401, 401, 403, 404]
    assert replies[-1].json == {"resource": "database", "error": "not found"}


def test_there_is_no_bearer_for_an_unknown_database() -> None:
    with pytest.raises(KeyError):
        Sandbox().database_token("none")


# The inventory


async def test_regions_lead_back_to_the_sandbox(platform: "Caller", sandbox: Sandbox) -> None:
    reply = await platform("GET", "/v1/regions")

    regions = reply.json["regions"]
    assert [region["name"] for region in regions] == ["osc-fr1", "osc-secnum-fr1"]
    assert {region["api"] for region in regions} == {sandbox.url}
    assert {region["database_api"] for region in regions} == {sandbox.url}


async def test_every_database_can_be_found(
    platform: "Caller", anonymous: "Caller", sandbox: Sandbox
) -> None:
    found = {}
    for app in (await platform("GET", "/v1/apps")).json["apps"]:
        for addon in (await platform("GET", f"/v1/apps/{app['name']}/addons")).json["addons"]:
            path = f"/v1/apps/{app['id']}/addons/{addon['id']}/token"
            token = (await platform("POST", path)).json["addon"]["token"]
            reply = await anonymous.with_token(token)("GET", f"/api/databases/{addon['id']}")
            found[addon["id"]] = reply.json["database"]

    assert list(found.values()) == sandbox.fleet.scalingo.databases


async def test_a_dedicated_database_is_an_app_with_one_addon(platform: "Caller") -> None:
    listed = (await platform("GET", "/v1/databases")).json
    apps = (await platform("GET", "/v1/apps")).json["apps"]

    assert listed["databases"]
    assert listed["meta"]["pagination"]["total_count"] == len(listed["databases"])
    for dedicated in listed["databases"]:
        assert dedicated["technology"] == "postgresql-ng"
        assert dedicated["name"] in {app["name"] for app in apps}
        addons = (await platform("GET", f"/v1/apps/{dedicated['name']}/addons")).json["addons"]
        assert len(addons) == 1


async def test_apps_are_paged_when_asked(platform: "Caller", sandbox: Sandbox) -> None:
    whole = (await platform("GET", "/v1/apps")).json
    first = (await platform("GET", "/v1/apps?page=1&per_page=2")).json
    second = (await platform("GET", "/v1/apps?page=2&per_page=2")).json

    assert whole == {"apps": sandbox.fleet.scalingo.apps}
    assert first["apps"] + second["apps"] == whole["apps"][:4]
    assert second["meta"]["pagination"] == {
        "current_page": 2,
        "prev_page": 1,
        "next_page": 3,
        "total_pages": (len(whole["apps"]) + 1) // 2,
        "total_count": len(whole["apps"]),
    }


async def test_a_page_that_is_no_number_is_a_bad_request(platform: "Caller") -> None:
    reply = await platform("GET", "/v1/databases?page=two")

    assert (reply.status, reply.json) == (400, {"error": "page must be a positive number"})


async def test_missing_apps_and_addons_are_not_found(platform: "Caller", sandbox: Sandbox) -> None:
    name = sandbox.fleet.scalingo.apps[0]["name"]

    app = await platform("GET", "/v1/apps/none/addons")
    addon = await platform("POST", f"/v1/apps/{name}/addons/none/token")

    assert (app.status, app.json) == (404, {"resource": "app", "error": "not found"})
    assert (addon.status, addon.json) == (404, {"resource": "addon", "error": "not found"})
