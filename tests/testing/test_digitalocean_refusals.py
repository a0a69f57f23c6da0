"""Requests that break DigitalOcean's contract get the provider's error and change nothing."""

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from dbusers.testing import Sandbox
from dbusers.testing.digitalocean.fleet import Cluster

if TYPE_CHECKING:  # conftest cannot be imported while the tests run
    from tests.testing.conftest import Caller

    ClusterOf = Callable[[str], Cluster]


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer wrong", "Basic Zm9vOmJhcg=="]
)
@pytest.mark.parametrize("path", ["/v2/databases", "/v2/databases/none/users", "/v2/nothing"])
async def test_no_valid_token_is_unauthorized(
    anonymous: "Caller", authorization: str | None, path: str
) -> None:
    headers = {} if authorization is None else {"authorization": authorization}

    reply = await anonymous("GET", path, headers=headers)

    assert (reply.status, reply.json["id"]) == (401, "unauthorized")


async def test_the_other_provider_s_token_is_unauthorized(
    anonymous: "Caller", sandbox: Sandbox
) -> None:
    reply = await anonymous.with_token(sandbox.scalingo_token)("GET", "/v2/databases")

    assert reply.status == 401


OPERATIONS: list[tuple[str, str, Any, str]] = [
    ("GET", "/v2/databases", None, "database:read"),
    ("GET", "/v2/databases/{id}", None, "database:read"),
    ("GET", "/v2/databases/{id}/users", None, "database:read"),
    ("POST", "/v2/databases/{id}/users", {"name": "app-01"}, "database:create"),
    ("GET", "/v2/databases/{id}/users/{name}", None, "database:read"),
    ("PUT", "/v2/databases/{id}/users/{name}", {"settings": {}}, "database:update"),
    ("POST", "/v2/databases/{id}/users/{name}/reset_auth", {}, "database:create"),
    ("DELETE", "/v2/databases/{id}/users/{name}", None, "database:delete"),
]
SCOPES = {"database:read", "database:create", "database:update", "database:delete"}


@pytest.mark.parametrize(("method", "path", "body", "scope"), OPERATIONS)
async def test_each_operation_needs_its_scope(
    *,
    digitalocean: "Caller",
    sandbox: Sandbox,
    cluster: "ClusterOf",
    method: str,
    path: str,
    body: Any,
    scope: str,
) -> None:
    pg = cluster("pg")
    url = path.format(id=pg["id"], name=list(pg.users)[1])
    all_but_it = digitalocean.with_token(sandbox.add_digitalocean_token(SCOPES - {scope}))
    only_it = digitalocean.with_token(sandbox.add_digitalocean_token([scope]))

    refused = await all_but_it(method, url, body)
    accepted = await only_it(method, url, body)

    assert (refused.status, refused.json["id"]) == (403, "forbidden")
    assert accepted.status in (200, 201, 204)


def test_a_token_has_known_scopes_only() -> None:
    with pytest.raises(ValueError, match="database:everything"):
        Sandbox().add_digitalocean_token(["database:everything"])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v2/databases", "GET"),
        ("DELETE", "/v2/databases/some-id", "GET"),
        ("PUT", "/v2/databases/some-id/users", "GET, POST"),
        ("POST", "/v2/databases/some-id/users/name", "GET, PUT, DELETE"),
        ("PATCH", "/v2/databases/some-id/users/name", "GET, PUT, DELETE"),
        ("GET", "/v2/databases/some-id/users/name/reset_auth", "POST"),
    ],
)
async def test_a_wrong_method_is_not_allowed(
    digitalocean: "Caller", method: str, path: str, allowed: str
) -> None:
    reply = await digitalocean(method, path, {})

    assert (reply.status, reply.json["id"]) == (405, "method_not_allowed")
    assert reply.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v2",
        "/v3/databases",
        "/v2/databases/some-id/firewall",
        "/v2/databases/some-id/users/a/reset_auth/again",
        "//v2/databases",
    ],
)
async def test_an_unknown_path_is_not_found(digitalocean: "Caller", path: str) -> None:
    reply = await digitalocean("GET", path)

    assert (reply.status, reply.json["id"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (None, None, 400),
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b'{"name": "app-01"} x', "application/json", 400),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b'"app-01"', "application/json", 400),
        (b'{"name": "\xff"}', "application/json", 400),
        (b"name=app-01", "application/x-www-form-urlencoded", 415),
        (b'{"name": "app-01"}', "text/plain", 415),
    ],
)
@pytest.mark.parametrize("operation", ["create", "update", "reset"])
async def test_a_body_is_a_json_object(
    *,
    digitalocean: "Caller",
    cluster: "ClusterOf",
    content: bytes | None,
    content_type: str | None,
    status: int,
    operation: str,
) -> None:
    pg = cluster("pg")
    before = deepcopy(pg.users)
    users = f"/v2/databases/{pg['id']}/users"
    user = f"{users}/{list(pg.users)[1]}"
    method, path = {
        "create": ("POST", users),
        "update": ("PUT", user),
        "reset": ("POST", f"{user}/reset_auth"),
    }[operation]
    headers = {"content-type": content_type} if content_type else {}

    reply = await digitalocean(method, path, content=content, headers=headers)

    assert reply.status == status
    assert pg.users == before


def acl(**entry: Any) -> dict[str, Any]:
    return {"settings": {"acl": [entry]}}


def index_acl(**entry: Any) -> dict[str, Any]:
    return {"settings": {"opensearch_acl": [entry]}}


def mongo(**settings: Any) -> dict[str, Any]:
    return {"settings": {"mongo_user_settings": settings}}


MYSQL_PLUGIN = {"mysql_settings": {"auth_plugin": "caching_sha2_password"}}


@pytest.mark.parametrize(
    ("engine", "body"),
    [
        ("pg", {"name": ""}),
        ("pg", {"name": None}),
        ("pg", {"name": 7}),
        ("pg", {"name": "x" * 64}),
        ("pg", {"name": "new\nline"}),
        ("pg", {"nickname": "app-01"}),
        ("pg", {"role": "primary"}),
        ("pg", {"password": "of my own choice"}),
        ("pg", {"readonly": True}),
        ("pg", MYSQL_PLUGIN),
        ("pg", {"settings": []}),
        ("pg", {"settings": ""}),
        ("pg", {"settings": {"superuser": True}}),
        ("pg", {"settings": {"pg_allow_replication": "yes"}}),
        ("pg", acl(topic="orders", permission="consume")),
        ("kafka", {"settings": {"pg_allow_replication": True}}),
        ("kafka", {"settings": {"acl": {}}}),
        ("kafka", {"settings": {"acl": ["orders"]}}),
        ("kafka", acl(topic="orders")),
        ("kafka", acl(permission="consume")),
        ("kafka", acl(topic="", permission="consume")),
        ("kafka", acl(topic="orders", permission="read")),
        ("kafka", acl(topic="orders", permission="consume", color="red")),
        ("kafka", acl(topic="orders", permission="consume", id=7)),
        ("kafka", {"settings": {"acl": [{"id": "1", "topic": "a", "permission": "admin"}] * 2}}),
        ("opensearch", index_acl(permission="read")),
        ("opensearch", index_acl(index="logs-*", permission="consume")),
        ("opensearch", index_acl(index="logs-*", topic="logs-*")),
        ("mongodb", mongo(role="root")),
        ("mongodb", mongo(role="readOnly", databases="shop")),
        ("mongodb", mongo(role="readOnly", collections=["a"])),
        ("mongodb", {"readonly": "yes"}),
        ("mysql", {"mysql_settings": {}}),
        ("mysql", {"mysql_settings": {"auth_plugin": "md5"}}),
        ("mysql", {"mysql_settings": {"auth_plugin": "caching_sha2_password", "tls": True}}),
        ("mysql", {"settings": {"pg_allow_replication": True}}),
    ],
)
async def test_a_create_that_does_not_fit_is_unprocessable(
    digitalocean: "Caller", cluster: "ClusterOf", engine: str, body: dict[str, Any]
) -> None:
    chosen = cluster(engine)
    before = set(chosen.users)

    reply = await digitalocean(
        "POST", f"/v2/databases/{chosen['id']}/users", {"name": "app-01", **body}
    )

    assert (reply.status, reply.json["id"]) == (422, "unprocessable_entity")
    assert set(chosen.users) == before


@pytest.mark.parametrize(
    ("engine", "body"),
    [
        ("pg", {}),
        ("pg", {"settings": None}),
        ("pg", {"settings": {}, "name": "renamed"}),
        ("pg", {"pg_allow_replication": True}),
        ("pg", acl(topic="orders", permission="consume")),
        ("kafka", acl(topic="orders", permission="everything")),
        ("opensearch", acl(topic="orders", permission="consume")),
    ],
)
async def test_an_update_that_does_not_fit_is_unprocessable(
    digitalocean: "Caller", cluster: "ClusterOf", engine: str, body: dict[str, Any]
) -> None:
    chosen = cluster(engine)
    before = deepcopy(chosen.users)
    path = f"/v2/databases/{chosen['id']}/users/{list(chosen.users)[1]}"

    reply = await digitalocean("PUT", path, body)

    assert (reply.status, reply.json["id"]) == (422, "unprocessable_entity")
    assert chosen.users == before


@pytest.mark.parametrize(
    ("engine", "body"),
    [
        ("pg", MYSQL_PLUGIN),
        ("pg", {"settings": {}}),
        ("mysql", {"mysql_settings": {"auth_plugin": "sha1"}}),
    ],
)
async def test_a_reset_that_does_not_fit_is_unprocessable(
    digitalocean: "Caller", cluster: "ClusterOf", engine: str, body: dict[str, Any]
) -> None:
    chosen = cluster(engine)
    before = deepcopy(chosen.users)
    path = f"/v2/databases/{chosen['id']}/users/doadmin/reset_auth"

    reply = await digitalocean("POST", path, body)

    assert (reply.status, reply.json["id"]) == (422, "unprocessable_entity")
    assert chosen.users == before


async def test_unknown_query_parameters_and_a_body_on_delete_are_ignored(
    digitalocean: "Caller", cluster: "ClusterOf"
) -> None:
    path = f"/v2/databases/{cluster('pg')['id']}/users"

    listed = await digitalocean("GET", f"{path}?color=red&page=x")
    await digitalocean("POST", path, {"name": "app-01"})
    deleted = await digitalocean("DELETE", f"{path}/app-01", content=b"not json")

    assert listed.status == 200
    assert deleted.status == 204
