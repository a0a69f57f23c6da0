"""`dbusers users` at Scalingo, whose users have rights and passwords of their own kind."""

import json
from typing import Any

import pytest

from dbusers.testing import Sandbox
from tests.cli.conftest import Run


def database(sandbox: Sandbox, type_name: str = "postgresql") -> Any:
    return next(d for d in sandbox.fleet.scalingo.databases if d["type_name"] == type_name)


def test_a_scalingo_list_shows_rights_and_how_passwords_are_kept(
    scalingo: Run, sandbox: Sandbox
) -> None:
    found = database(sandbox)

    result = scalingo("users", "list", found["id"])

    name, user = next((n, u) for n, u in found.users.items() if not u["protected"])
    (line,) = (line for line in result.stdout.splitlines() if line.split()[0] == name)
    assert ("read only" if user["read_only"] else "read and write") in line
    assert user["dbms_attributes"]["password_encryption"] in line


def test_scalingo_create_takes_a_password_from_standard_input(
    scalingo: Run, sandbox: Sandbox
) -> None:
    found, password = database(sandbox), "a-long-enough-password-0123"

    result = scalingo(
        "users", "create", found["id"], "app_one", "--read-only", "--password-stdin",
        "-o", "json", input=password + "\n",
    )  # fmt: skip

    assert json.loads(result.stdout)["password"] == password
    assert found.users["app_one"]["read_only"] is True


def test_an_empty_password_is_not_taken_for_none(scalingo: Run, sandbox: Sandbox) -> None:
    result = scalingo(
        "users", "create", database(sandbox)["id"], "app_one", "--password-stdin", input="\n"
    )

    assert result.exit_code == 2
    assert not sandbox.requests


def test_a_refused_password_is_not_repeated(scalingo: Run, sandbox: Sandbox) -> None:
    found = database(sandbox)

    result = scalingo(
        "users", "create", found["id"], "app_one", "--password-stdin", input="too-short\n"
    )

    assert result.exit_code == 1
    assert "too-short" not in result.output


@pytest.mark.parametrize("command", ["update", "reset"])
def test_scalingo_update_and_reset_show_the_new_password(
    scalingo: Run, sandbox: Sandbox, command: str
) -> None:
    found = database(sandbox)
    name = next(name for name, user in found.users.items() if not user["protected"])

    unasked = scalingo("users", command, found["id"], name)
    agreed = scalingo(
        "users", command, found["id"], name, "--yes", "--app", found["app_name"], "-o", "json"
    )

    assert unasked.exit_code == 2
    assert agreed.exit_code == 0
    assert len(json.loads(agreed.stdout)["password"]) >= 24


def test_scalingo_get_and_delete(scalingo: Run, sandbox: Sandbox) -> None:
    found = database(sandbox)
    name = next(name for name, user in found.users.items() if not user["protected"])

    got = scalingo("users", "get", found["id"], name, "-o", "json")
    deleted = scalingo("users", "delete", found["id"], name, "--yes")
    gone = scalingo("users", "get", found["id"], name)

    assert json.loads(got.stdout)["name"] == name
    assert (deleted.exit_code, gone.exit_code) == (0, 1)
    assert name not in found.users


@pytest.mark.parametrize(
    ("command", "option"),
    [("create", "--replication"), ("create", "--acl=a=admin"), ("update", "--mongo-role=dbAdmin")],
)
def test_settings_of_digitalocean_are_refused_at_scalingo(
    scalingo: Run, sandbox: Sandbox, command: str, option: str
) -> None:
    result = scalingo("users", command, database(sandbox)["id"], "app_one", option)

    assert result.exit_code == 2
    assert option.partition("=")[0] in result.stderr
    assert not sandbox.requests
