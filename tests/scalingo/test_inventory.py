from typing import Any

import pytest

from dbusers import ABSENT, Secret
from dbusers.audit import DatabaseRecord, Engine, UserRecord
from dbusers.scalingo import Addon, DatabaseUser, DbmsAttributes, FoundDatabase
from dbusers.scalingo.inventory import ScalingoInventory, database_record, user_record
from dbusers.testing import Sandbox


def found(engine: str | None) -> FoundDatabase:
    addon = Addon("ad-1", status="running")
    return FoundDatabase(id="ad-1", app="shop", engine=engine, dedicated=False, addon=addon)


@pytest.mark.parametrize(
    ("engine", "expected", "has_users"),
    [
        ("postgresql", Engine.POSTGRESQL, True),
        ("mysql", Engine.MYSQL, True),
        ("mongodb", Engine.MONGODB, True),
        ("influxdb", Engine.INFLUXDB, True),
        ("redis", Engine.REDIS, False),
        ("elasticsearch", Engine.ELASTICSEARCH, False),
        ("opensearch", Engine.OPENSEARCH, False),
        ("something-new", "something-new", True),
        (None, None, True),
    ],
)
def test_engines_have_one_spelling_and_a_new_one_is_asked(
    engine: str | None, expected: str | None, has_users: bool
) -> None:
    assert database_record(found(engine)) == DatabaseRecord(
        "Scalingo", "ad-1", "shop", engine=expected, status="running", has_users=has_users
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {}),
        ({"protected": True}, {"built_in": True}),
        ({"protected": False, "read_only": True}, {"built_in": False, "read_only": True}),
        ({"protected": None, "read_only": None}, {}),
        ({"dbms_attributes": DbmsAttributes("MD5")}, {"password_encryption": "MD5"}),
        ({"dbms_attributes": DbmsAttributes()}, {}),
        ({"dbms_attributes": None}, {}),
        ({"dbms_attributes": ABSENT}, {}),
        ({"password": Secret("hunter2")}, {"secrets_visible": True}),
    ],
)
def test_what_the_answer_does_not_have_is_unknown(
    fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert user_record(DatabaseUser("app", **fields)) == UserRecord("app", **expected)


async def test_the_account_is_read_by_the_documented_number_of_requests(sandbox: Sandbox) -> None:
    async with sandbox.scalingo() as client:
        inventory = ScalingoInventory(client)

        databases = await inventory.databases()
        listed = len(sandbox.requests)
        users = await inventory.users(next(d for d in databases if d.has_users))

    apps = len(sandbox.fleet.scalingo.apps)
    assert len(databases) == len(sandbox.fleet.scalingo.databases)
    assert listed == 1 + 2 + apps  # the bearer, dedicated databases and apps, addons of each app
    assert listed == inventory.requests_to_list() + apps
    assert len(sandbox.requests) - listed == 2  # the database's bearer, the list
    assert inventory.requests_for(databases) == 2 * sum(d.has_users for d in databases)
    assert users


async def test_a_database_of_an_earlier_run_is_read_without_a_search(sandbox: Sandbox) -> None:
    async with sandbox.scalingo() as client:
        databases = await ScalingoInventory(client).databases()
    database = next(d for d in databases if d.has_users)
    listed = len(sandbox.requests)

    async with sandbox.scalingo() as client:
        inventory = ScalingoInventory(client)
        users = await inventory.users(database)

    assert users
    assert len(sandbox.requests) - listed == 1 + inventory.requests_for([database])
