"""DigitalOcean's own Python SDK does all eight operations against the sandbox."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pydo
import pytest
from azure.core.exceptions import HttpResponseError

from dbusers.testing import Sandbox


@pytest.fixture
async def running() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def databases(running: Sandbox) -> Any:
    """pydo's operations on databases; they block, so each goes to a thread."""
    return pydo.Client(str(running.digitalocean_token), endpoint=running.url).databases


async def in_thread(operation: Callable[..., Any], *arguments: Any) -> Any:
    # azure-core, below pydo, sends no bearer over plain http unless told to, loopback or not.
    return await asyncio.to_thread(operation, *arguments, enforce_https=False)


def id_of(sandbox: Sandbox, engine: str) -> str:
    return next(str(c["id"]) for c in sandbox.fleet.digitalocean if c["engine"] == engine)


async def test_all_eight_operations(running: Sandbox, databases: Any) -> None:
    kafka = id_of(running, "kafka")
    acl = [{"topic": "orders", "permission": "consume"}]

    clusters = await in_thread(databases.list_clusters)
    cluster = await in_thread(databases.get_cluster, kafka)
    created = await in_thread(
        databases.add_user, kafka, {"name": "app-01", "settings": {"acl": acl}}
    )
    listed = await in_thread(databases.list_users, kafka)
    read = await in_thread(databases.get_user, kafka, "app-01")
    updated = await in_thread(databases.update_user, kafka, "app-01", {"settings": {"acl": []}})
    reset = await in_thread(databases.reset_auth, kafka, "app-01", {})
    deleted = await in_thread(databases.delete_user, kafka, "app-01")

    assert len(clusters["databases"]) == len(running.fleet.digitalocean)
    assert cluster["database"]["id"] == kafka
    assert created["user"]["settings"]["acl"][0]["topic"] == "orders"
    assert created["user"] in listed["users"]
    assert read == created
    assert updated["user"]["settings"] == {"acl": []}
    assert reset["user"]["password"] != created["user"]["password"]
    assert deleted is None
    assert [request.status for request in running.requests] == [
        200, 200, 201, 200, 200, 201, 200, 204,
    ]  # fmt: skip


async def test_mysql_settings(running: Sandbox, databases: Any) -> None:
    mysql = id_of(running, "mysql")
    plugin = {"mysql_settings": {"auth_plugin": "mysql_native_password"}}

    created = await in_thread(databases.add_user, mysql, {"name": "app-01", **plugin})
    reset = await in_thread(
        databases.reset_auth,
        mysql,
        "app-01",
        {"mysql_settings": {"auth_plugin": "caching_sha2_password"}},
    )

    assert created["user"]["mysql_settings"] == plugin["mysql_settings"]
    assert reset["user"]["mysql_settings"] == {"auth_plugin": "caching_sha2_password"}


async def test_a_missing_user_is_a_dict_there(running: Sandbox, databases: Any) -> None:
    answer = await in_thread(databases.get_user, id_of(running, "pg"), "nobody")

    assert answer["id"] == "not_found"
    assert answer["message"] == "user not found"


async def test_a_refusal_is_an_error_with_status_and_message(
    running: Sandbox, databases: Any
) -> None:
    with pytest.raises(HttpResponseError, match="user management") as caught:
        await in_thread(databases.list_users, id_of(running, "redis"))

    assert caught.value.status_code == 412
