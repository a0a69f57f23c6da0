"""Scalingo's models: what the platform and the database host answer, and what is sent."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from dbusers import ABSENT, InvalidRequest, Secret, codec
from dbusers.scalingo import (
    Addon,
    Database,
    DatabaseUser,
    DedicatedDatabase,
    PasswordEncryption,
    UserCreate,
    UserUpdate,
)


def read(cls: Any, document: Any) -> Any:
    found = codec.structure(document, cls)
    assert not isinstance(found, codec.Problem), found
    return found


def written(model: Any) -> Any:
    return orjson.loads(bytes(codec.encode(model)))


def test_a_user_is_read() -> None:
    document = {
        "name": "app",
        "read_only": False,
        "protected": True,
        "password": "canary",
        "dbms_attributes": {"password_encryption": "MD5", "inherit": True},
        "of_next_year": [1],
    }
    user = read(DatabaseUser, document)

    assert (user.name, user.read_only, user.protected) == ("app", False, True)
    assert user.password == Secret("canary")
    assert PasswordEncryption.of(user.dbms_attributes.password_encryption) is PasswordEncryption.MD5
    assert "canary" not in repr(user)
    assert written(user) == document


def test_what_a_user_does_not_have_is_absent() -> None:
    user = read(DatabaseUser, {"name": "app"})

    assert {user.password, user.dbms_attributes, user.protected, user.read_only} == {ABSENT}


def test_a_database_is_read() -> None:
    document = {
        "id": "ad-1",
        "created_at": "2015-01-13T09:20:31.123+01:00",
        "features": [{"name": "force-ssl", "status": "ACTIVATED"}],
        "type_name": "postgresql",
        "instances": [{"id": "i-1", "hostname": "h", "port": 5432, "private_ip": None}],
        "periodic_backups_scheduled_at": [3, 15],
        "maintenance_window": {"weekday_utc": 1, "starting_hour_utc": 2, "duration_in_hour": 8},
        "next_version_id": None,
    }
    database = read(Database, document)

    assert database.created_at.utcoffset() == timedelta(hours=1)
    assert database.features[0].name == "force-ssl"
    assert database.next_version_id is None
    assert written(database) == {**document, "created_at": "2015-01-13T09:20:31.123000+01:00"}


def test_a_database_can_be_hashed_whatever_its_instances() -> None:
    document = {"id": "ad-1", "instances": [{"id": "i-1"}]}

    assert len({read(Database, document), read(Database, document)}) == 1


@pytest.mark.parametrize("provider", ["postgresql", "scalingo-postgresql"])
def test_an_addon_is_read(provider: str) -> None:
    document = {
        "id": "ad-1",
        "plan": {"name": "postgresql-starter-512"},
        "addon_provider": {"id": provider, "name": "PostgreSQL"},
        "deprovisioned_at": None,
    }

    assert written(read(Addon, document)) == document


def test_a_dedicated_database_is_read() -> None:
    document = {
        "id": "1",
        "name": "shop-db",
        "project_id": "p",
        "technology": "postgresql-ng",
        "plan": "postgresql-dr-starter-4096",
    }

    assert written(read(DedicatedDatabase, document)) == document


@pytest.mark.parametrize(
    ("model", "document"),
    [
        (UserCreate("app"), {"name": "app"}),
        (UserCreate("app", read_only=True), {"name": "app", "read_only": True}),
        (UserCreate("app", password="p" * 24), {"name": "app", "password": "p" * 24}),
        (UserCreate("app", password=Secret("p")), {"name": "app", "password": "p"}),
        (UserCreate("app", password=None), {"name": "app", "password": None}),
        (UserUpdate(), {}),
        (UserUpdate(password="p"), {"password": "p"}),
    ],
)
def test_a_body_is_as_documented(model: Any, document: dict[str, Any]) -> None:
    assert written(model) == document


def test_a_password_of_another_type_is_refused() -> None:
    update = UserUpdate(password=5)  # type: ignore[arg-type]  # the case

    with pytest.raises(InvalidRequest, match="password"):
        codec.encode(update)
