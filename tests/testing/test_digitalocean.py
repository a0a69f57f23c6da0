"""DigitalOcean's operations: what they answer and what they change."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pytest

from dbusers.testing import Sandbox
from dbusers.testing.digitalocean.fleet import Cluster

if TYPE_CHECKING:  # conftest cannot be imported while the tests run
    from tests.testing.conftest import Caller

    ClusterOf = Callable[[str], Cluster]


def users_path(cluster: Cluster) -> str:
    return f"/v2/databases/{cluster['id']}/users"


def ids(objects: Iterable[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in objects]


async def test_lists_every_cluster(digitalocean: "Caller", sandbox: Sandbox) -> None:
    reply = await digitalocean("GET", "/v2/databases")

    assert reply.status == 200
    assert ids(reply.json["databases"]) == ids(sandbox.fleet.digitalocean)


async def test_lists_the_clusters_with_a_tag(digitalocean: "Caller", sandbox: Sandbox) -> None:
    reply = await digitalocean("GET", "/v2/databases?tag_name=team:data")

    tagged = [c for c in sandbox.fleet.digitalocean if "team:data" in (c["tags"] or [])]
    assert 0 < len(tagged) < len(sandbox.fleet.digitalocean)
    assert ids(reply.json["databases"]) == ids(tagged)


async def test_an_empty_list_is_null(digitalocean: "Caller") -> None:
    reply = await digitalocean("GET", "/v2/databases?tag_name=nobody-has-it")

    assert reply.json == {"databases": None}


async def test_reads_one_cluster(digitalocean: "Caller", cluster: "ClusterOf") -> None:
    kafka = cluster("kafka")

    reply = await digitalocean("GET", f"/v2/databases/{kafka['id']}")

    assert reply.status == 200
    assert reply.json == {"database": kafka}


async def test_a_cluster_names_its_primary_user_only(cluster: "ClusterOf") -> None:
    seen = [c for c in (cluster("pg"), cluster("mysql"), cluster("kafka")) if c["users"]]

    assert seen
    assert all([user["name"] for user in c["users"]] == ["doadmin"] for c in seen)


async def test_every_answer_has_the_standard_headers(digitalocean: "Caller") -> None:
    for path, status in (("/v2/databases", 200), ("/v2/databases/none", 404), ("/v2/none", 404)):
        reply = await digitalocean("GET", path)

        assert reply.status == status
        assert reply.headers["ratelimit-limit"] == "5000"
        assert int(reply.headers["ratelimit-remaining"]) < 5000
        assert int(reply.headers["ratelimit-reset"]) > 0
        assert reply.headers["x-request-id"]


async def test_an_error_names_its_request(digitalocean: "Caller") -> None:
    reply = await digitalocean("GET", "/v2/databases/none")

    assert reply.json == {
        "id": "not_found",
        "message": "cluster not found",
        "request_id": reply.headers["x-request-id"],
    }


async def test_a_created_user_is_there(digitalocean: "Caller", cluster: "ClusterOf") -> None:
    path = users_path(cluster("pg"))

    created = await digitalocean("POST", path, {"name": "app-01"})
    read = await digitalocean("GET", f"{path}/app-01")
    listed = await digitalocean("GET", path)

    user = created.json["user"]
    assert created.status == 201
    assert user["name"] == "app-01"
    assert user["role"] == "normal"
    assert user["settings"] == {"pg_allow_replication": False}
    assert len(user["password"]) > 16
    assert read.status == 200
    assert read.json == {"user": user}
    assert user in listed.json["users"]


@pytest.mark.parametrize(
    ("engine", "body", "kept"),
    [
        ("pg", {"settings": {"pg_allow_replication": True}}, {}),
        ("mysql", {}, {"mysql_settings": {"auth_plugin": "caching_sha2_password"}}),
        ("mysql", {"mysql_settings": {"auth_plugin": "mysql_native_password"}}, {}),
        ("advanced_mysql", {"mysql_settings": {"auth_plugin": "mysql_native_password"}}, {}),
        (
            "opensearch",
            {"settings": {"opensearch_acl": [{"index": "logs-*", "permission": "read"}]}},
            {},
        ),
        (
            "mongodb",
            {"settings": {"mongo_user_settings": {"databases": ["shop"], "role": "readWrite"}}},
            {},
        ),
        ("mongodb", {"readonly": False}, {"settings": None}),
        ("mongodb", {"settings": {"mongo_user_settings": {"databases": ["shop"]}}}, {}),
        (
            "mongodb",
            {"readonly": True},
            {"settings": {"mongo_user_settings": {"databases": ["admin"], "role": "readOnly"}}},
        ),
    ],
)
async def test_creates_with_the_engine_s_settings(
    digitalocean: "Caller",
    cluster: "ClusterOf",
    engine: str,
    body: dict[str, object],
    kept: dict[str, object],
) -> None:
    reply = await digitalocean("POST", users_path(cluster(engine)), {"name": "app-01", **body})

    assert reply.status == 201
    expected = kept or body
    assert {key: reply.json["user"].get(key) for key in expected} == expected


async def test_a_kafka_user_gets_a_certificate_and_ids(
    digitalocean: "Caller", cluster: "ClusterOf"
) -> None:
    acl = [{"topic": "orders", "permission": "consume"}, {"topic": "orders", "permission": "admin"}]

    reply = await digitalocean(
        "POST", users_path(cluster("kafka")), {"name": "app-01", "settings": {"acl": acl}}
    )

    user = reply.json["user"]
    assert user["access_cert"].startswith("-----BEGIN CERTIFICATE-----\n")
    assert 1_700 < len(user["access_cert"]) < 1_900
    assert user["access_key"].startswith("-----BEGIN PRIVATE KEY-----\n")
    assert 1_600 < len(user["access_key"]) < 1_800
    kept = user["settings"]["acl"]
    assert [{k: entry[k] for k in ("topic", "permission")} for entry in kept] == acl
    assert len({entry["id"] for entry in kept}) == 2


async def test_put_replaces_settings(digitalocean: "Caller", cluster: "ClusterOf") -> None:
    path = users_path(cluster("pg"))
    settings = {"pg_allow_replication": True}
    await digitalocean("POST", path, {"name": "app-01", "settings": settings})

    updated = await digitalocean("PUT", f"{path}/app-01", {"settings": {}})
    read = await digitalocean("GET", f"{path}/app-01")

    assert updated.status == 201
    assert updated.json["user"]["settings"] == {"pg_allow_replication": False}
    assert read.json == updated.json


async def test_put_replaces_the_whole_acl(digitalocean: "Caller", cluster: "ClusterOf") -> None:
    path = users_path(cluster("kafka"))
    acl = [{"topic": name, "permission": "consume"} for name in ("orders", "clicks", "payments")]
    body = {"name": "app-01", "settings": {"acl": acl}}
    before = (await digitalocean("POST", path, body)).json["user"]["settings"]["acl"]

    added = {"topic": "audit", "permission": "produce"}
    sent = {"settings": {"acl": [before[2], added, before[0]]}}
    after = (await digitalocean("PUT", f"{path}/app-01", sent)).json["user"]["settings"]["acl"]

    assert [entry["topic"] for entry in after] == ["payments", "audit", "orders"]
    assert after[0] == before[2]
    assert after[2] == before[0]
    assert after[1]["id"] not in {entry["id"] for entry in before}


async def test_what_was_read_can_be_written_back(digitalocean: "Caller", sandbox: Sandbox) -> None:
    rewritten = 0
    for cluster in sandbox.fleet.digitalocean:
        if cluster["engine"] not in ("pg", "advanced_pg", "kafka", "opensearch"):
            continue
        for user in list(cluster.users.values())[1:]:
            read = await digitalocean("GET", f"{users_path(cluster)}/{user['name']}")
            settings = read.json["user"]["settings"]
            path = f"{users_path(cluster)}/{user['name']}"
            written = await digitalocean("PUT", path, {"settings": settings})

            assert written.status == 201
            assert written.json["user"]["settings"] == settings
            rewritten += 1
    assert rewritten > 50


@pytest.mark.parametrize("engine", ["mysql", "advanced_mysql", "mongodb"])
async def test_some_engines_have_no_update(
    digitalocean: "Caller", cluster: "ClusterOf", engine: str
) -> None:
    path = users_path(cluster(engine))
    await digitalocean("POST", path, {"name": "app-01"})

    reply = await digitalocean("PUT", f"{path}/app-01", {"settings": {}})

    assert reply.status == 422


async def test_a_deleted_user_is_gone(digitalocean: "Caller", cluster: "ClusterOf") -> None:
    path = users_path(cluster("pg"))
    await digitalocean("POST", path, {"name": "app-01"})

    deleted = await digitalocean("DELETE", f"{path}/app-01")
    read = await digitalocean("GET", f"{path}/app-01")

    assert (deleted.status, deleted.content) == (204, b"")
    assert (read.status, read.json["message"]) == (404, "user not found")


@pytest.mark.parametrize("engine", ["pg", "mysql", "mongodb", "kafka", "opensearch"])
async def test_a_reset_makes_a_new_password(
    digitalocean: "Caller", cluster: "ClusterOf", engine: str
) -> None:
    path = users_path(cluster(engine))
    before = (await digitalocean("POST", path, {"name": "app-01"})).json["user"]

    reply = await digitalocean("POST", f"{path}/app-01/reset_auth", {})

    after = reply.json["user"]
    assert reply.status == 200
    for secret in {"password", "access_cert", "access_key"} & set(before):
        assert after.pop(secret) != before.pop(secret)
    assert after == before


async def test_a_reset_changes_the_plugin_when_told(
    digitalocean: "Caller", cluster: "ClusterOf"
) -> None:
    path = users_path(cluster("mysql"))
    plugin = {"mysql_settings": {"auth_plugin": "mysql_native_password"}}
    await digitalocean("POST", path, {"name": "app-01"})

    told = await digitalocean("POST", f"{path}/app-01/reset_auth", plugin)
    untold = await digitalocean("POST", f"{path}/app-01/reset_auth", {})

    assert told.json["user"]["mysql_settings"] == plugin["mysql_settings"]
    assert untold.json["user"]["mysql_settings"] == plugin["mysql_settings"]


async def test_the_connections_follow_the_primary_user_s_password(
    digitalocean: "Caller", cluster: "ClusterOf"
) -> None:
    pg = cluster("pg")

    reply = await digitalocean("POST", f"{users_path(pg)}/doadmin/reset_auth", {})
    read = await digitalocean("GET", f"/v2/databases/{pg['id']}")

    password = reply.json["user"]["password"]
    connection = read.json["database"]["connection"]
    assert connection["password"] == password
    assert f":{password}@" in connection["uri"]


@pytest.mark.parametrize(("method", "body"), [("DELETE", None), ("PUT", {"settings": {}})])
async def test_the_primary_user_resists(
    digitalocean: "Caller", cluster: "ClusterOf", method: str, body: object
) -> None:
    path = f"{users_path(cluster('pg'))}/doadmin"

    reply = await digitalocean(method, path, body)

    assert reply.status == 422
    assert "primary user" in reply.json["message"]
    assert (await digitalocean("GET", path)).status == 200


@pytest.mark.parametrize("engine", ["redis", "valkey"])
@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [
        ("GET", "", None),
        ("POST", "", {"name": "app-01"}),
        ("GET", "/default", None),
        ("DELETE", "/default", None),
        ("POST", "/default/reset_auth", {}),
    ],
)
async def test_engines_without_users_refuse(
    *,
    digitalocean: "Caller",
    cluster: "ClusterOf",
    engine: str,
    method: str,
    suffix: str,
    body: object,
) -> None:
    reply = await digitalocean(method, users_path(cluster(engine)) + suffix, body)

    assert reply.status == 412
    assert reply.json["id"] == "precondition_failed"


async def test_the_three_kinds_of_404_differ(digitalocean: "Caller", cluster: "ClusterOf") -> None:
    creating = cluster("mysql")
    creating["status"] = "creating"
    paths = (
        "/v2/databases/none/users/app-01",
        f"{users_path(cluster('pg'))}/app-01",
        f"{users_path(creating)}/doadmin",
    )

    replies = [await digitalocean("GET", path) for path in paths]

    assert {reply.status for reply in replies} == {404}
    assert [reply.json["message"] for reply in replies] == [
        "cluster not found",
        "user not found",
        "cluster is not ready yet",
    ]


async def test_a_name_in_use_is_a_conflict(digitalocean: "Caller", cluster: "ClusterOf") -> None:
    pg = cluster("pg")
    before = dict(pg.users)

    reply = await digitalocean("POST", users_path(pg), {"name": "doadmin"})

    assert (reply.status, reply.json["id"]) == (409, "conflict")
    assert pg.users == before


async def test_secrets_need_their_scope(
    digitalocean: "Caller", sandbox: Sandbox, cluster: "ClusterOf"
) -> None:
    blind = digitalocean.with_token(
        sandbox.add_digitalocean_token(["database:read", "database:create", "database:update"])
    )
    kafka = cluster("kafka")
    path = users_path(kafka)

    replies = [
        await blind("POST", path, {"name": "app-01"}),
        await blind("POST", f"{path}/app-01/reset_auth", {}),
        await blind("GET", f"{path}/app-01"),
        await blind("GET", path),
        await blind("GET", "/v2/databases"),
        await blind("GET", f"/v2/databases/{kafka['id']}"),
    ]

    for reply in replies:
        assert reply.status in (200, 201)
        for secret in (b'"password"', b'"access_cert"', b'"access_key"', b'"uri"', b"AVNS_"):
            assert secret not in reply.content
    assert b'"password"' in (await digitalocean("GET", path)).content


async def test_mongodb_tells_a_password_only_when_it_is_new(
    digitalocean: "Caller", cluster: "ClusterOf"
) -> None:
    mongodb = cluster("mongodb")
    path = users_path(mongodb)

    created = await digitalocean("POST", path, {"name": "app-01"})
    reset = await digitalocean("POST", f"{path}/app-01/reset_auth", {})
    others = [
        await digitalocean("GET", path),
        await digitalocean("GET", f"{path}/app-01"),
        await digitalocean("GET", f"/v2/databases/{mongodb['id']}"),
    ]

    assert created.json["user"]["password"]
    assert reset.json["user"]["password"]
    assert not any(b"AVNS_" in reply.content for reply in others)
