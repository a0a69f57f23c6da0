"""`dbusers users` at DigitalOcean, engine by engine, and what anybody may call a user."""

import json
from typing import Any

import pytest

from dbusers.testing import Sandbox
from tests.cli.conftest import Run
from tests.cli.environments import digitalocean_environment


def cluster(sandbox: Sandbox, engine: str) -> Any:
    return next(c for c in sandbox.fleet.digitalocean if c["engine"] == engine)


def secrets_of(users: dict[str, Any]) -> set[str]:
    names = ("password", "access_key", "access_cert")
    return {user[name] for user in users.values() for name in names if name in user}


# list and get


def test_a_list_has_all_users_and_no_secret(digitalocean: Run, sandbox: Sandbox) -> None:
    kafka = cluster(sandbox, "kafka")

    table = digitalocean("users", "list", kafka["id"])
    array = digitalocean("users", "list", kafka["id"], "-o", "json")

    assert [line.split()[0] for line in table.stdout.splitlines()[1:]] == list(kafka.users)
    assert [user["name"] for user in json.loads(array.stdout)] == list(kafka.users)
    assert secrets_of(kafka.users)
    assert not any(secret in table.output + array.output for secret in secrets_of(kafka.users))


def test_a_line_for_a_pipe_is_not_cut_however_long(digitalocean: Run, sandbox: Sandbox) -> None:
    kafka = cluster(sandbox, "kafka")
    topics = [f"a-rather-long-name-of-a-topic-{number}" for number in range(100)]
    acl = [{"id": t, "topic": t, "permission": "consume"} for t in topics]
    kafka.users["app"] = {"name": "app", "role": "normal", "settings": {"acl": acl}}

    result = digitalocean("users", "list", kafka["id"])

    last = result.stdout.splitlines()[-1]
    assert last.split(maxsplit=2)[2] == ", ".join(f"{topic}=consume" for topic in topics)


def test_a_list_shows_secrets_on_request(digitalocean: Run, sandbox: Sandbox) -> None:
    pg = cluster(sandbox, "pg")

    table = digitalocean("users", "list", pg["id"], "--show-secrets")
    array = digitalocean("users", "list", pg["id"], "--show-secrets", "-o", "json")

    assert {user["password"] for user in json.loads(array.stdout)} == secrets_of(pg.users)
    assert all(secret in table.stdout for secret in secrets_of(pg.users))


def test_a_field_that_is_not_known_may_be_a_secret(digitalocean: Run, sandbox: Sandbox) -> None:
    pg = cluster(sandbox, "pg")
    pg.users["doadmin"]["recovery_code"] = "correct horse"

    hidden = digitalocean("users", "get", pg["id"], "doadmin", "-o", "json")
    shown = digitalocean("users", "get", pg["id"], "doadmin", "-o", "json", "--show-secrets")

    assert "recovery_code" not in json.loads(hidden.stdout)
    assert json.loads(shown.stdout)["recovery_code"] == "correct horse"


def test_a_single_user_is_shown_field_by_field(digitalocean: Run, sandbox: Sandbox) -> None:
    mysql = cluster(sandbox, "mysql")

    result = digitalocean("users", "get", mysql["id"], "doadmin")

    fields = dict(line.split() for line in result.stdout.splitlines())
    assert fields == {"Name": "doadmin", "Role": "primary", "Settings": "caching_sha2_password"}


# create, reset, delete


@pytest.mark.parametrize(
    ("engine", "options", "expected"),
    [
        ("pg", ("--replication",), {"settings": {"pg_allow_replication": True}}),
        (
            "mysql",
            ("--auth-plugin", "mysql_native_password"),
            {"mysql_settings": {"auth_plugin": "mysql_native_password"}},
        ),
        (
            "opensearch",
            ("--index", "logs-*=READ", "--index", "orders=readwrite"),
            {
                "settings": {
                    "opensearch_acl": [
                        {"index": "logs-*", "permission": "read"},
                        {"index": "orders", "permission": "readwrite"},
                    ]
                }
            },
        ),
        (
            "mongodb",
            ("--mongo-database", "a", "--mongo-database", "b", "--mongo-role", "readonly"),
            {"settings": {"mongo_user_settings": {"databases": ["a", "b"], "role": "readOnly"}}},
        ),
    ],
)
def test_create_sets_what_the_engine_has(
    digitalocean: Run,
    sandbox: Sandbox,
    engine: str,
    options: tuple[str, ...],
    expected: dict[str, Any],
) -> None:
    found = cluster(sandbox, engine)

    result = digitalocean("users", "create", found["id"], "app-01", *options, "-o", "json")

    made = json.loads(result.stdout)
    assert made["password"] == found.users["app-01"]["password"]
    assert {key: found.users["app-01"][key] for key in expected} == expected


def test_create_sends_kafka_rules_in_their_order(digitalocean: Run, sandbox: Sandbox) -> None:
    kafka = cluster(sandbox, "kafka")

    digitalocean("users", "create", kafka["id"], "app", "--acl", "a=b=consume", "--acl", "*=admin")

    acl = kafka.users["app"]["settings"]["acl"]
    assert [(a["topic"], a["permission"]) for a in acl] == [("a=b", "consume"), ("*", "admin")]


def test_a_new_password_is_shown_in_the_table_too(digitalocean: Run, sandbox: Sandbox) -> None:
    pg = cluster(sandbox, "pg")

    result = digitalocean("users", "create", pg["id"], "app-01")

    assert f"Password  {pg.users['app-01']['password']}\n" in result.stdout


def test_a_token_that_sees_no_credentials_is_told_so(run: Run, sandbox: Sandbox) -> None:
    token = sandbox.add_digitalocean_token(["database:read", "database:create"])
    environment = {**digitalocean_environment(sandbox), "DIGITALOCEAN_TOKEN": token}

    result = run("users", "create", cluster(sandbox, "pg")["id"], "app-01", env=environment)

    assert result.exit_code == 0
    assert "database:view_credentials" in result.stdout


def test_reset_makes_another_password_and_shows_it(digitalocean: Run, sandbox: Sandbox) -> None:
    mysql = cluster(sandbox, "mysql")
    old = mysql.users["doadmin"]["password"]

    result = digitalocean(
        "users", "reset", mysql["id"], "doadmin", "--yes",
        "--auth-plugin", "mysql_native_password", "-o", "json",
    )  # fmt: skip

    new = mysql.users["doadmin"]["password"]
    assert new != old
    assert json.loads(result.stdout)["password"] == new
    assert mysql.users["doadmin"]["mysql_settings"] == {"auth_plugin": "mysql_native_password"}


def test_delete_removes_the_user_and_prints_nothing_for_programs(
    digitalocean: Run, sandbox: Sandbox
) -> None:
    pg = cluster(sandbox, "pg")
    name = list(pg.users)[-1]

    result = digitalocean("users", "delete", pg["id"], name, "--yes")

    assert (result.exit_code, result.stdout) == (0, "")
    assert name not in pg.users


@pytest.mark.parametrize("command", ["delete", "reset"])
def test_without_a_terminal_nothing_is_destroyed_unasked(
    digitalocean: Run, sandbox: Sandbox, command: str
) -> None:
    pg = cluster(sandbox, "pg")

    result = digitalocean("users", command, pg["id"], list(pg.users)[-1], input="y\n")

    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert not sandbox.requests


# update


def test_update_keeps_what_is_not_named(digitalocean: Run, sandbox: Sandbox) -> None:
    pg = cluster(sandbox, "pg")
    name = list(pg.users)[-1]
    pg.users[name]["settings"] = {"pg_allow_replication": False, "pg_connection_limit": 20}

    result = digitalocean("users", "update", pg["id"], name, "--replication")

    assert result.exit_code == 0
    assert pg.users[name]["settings"] == {"pg_allow_replication": True, "pg_connection_limit": 20}


def kafka_user(sandbox: Sandbox) -> tuple[str, dict[str, Any]]:
    kafka = cluster(sandbox, "kafka")
    kafka.users["app"] = {
        "name": "app",
        "role": "normal",
        "settings": {
            "acl": [
                {"id": "1", "topic": "a", "permission": "PRODUCE", "pattern_type": "literal"},
                {"id": "2", "topic": "b", "permission": "consume"},
            ]
        },
    }
    return kafka["id"], kafka.users["app"]


def test_a_rule_that_is_repeated_keeps_its_id_and_all(digitalocean: Run, sandbox: Sandbox) -> None:
    kafka_id, user = kafka_user(sandbox)
    first = user["settings"]["acl"][0]

    result = digitalocean(
        "users", "update", kafka_id, "app",
        "--acl", "a=produce", "--acl", "b=consume", "--acl", "c=consume",
    )  # fmt: skip

    assert result.exit_code == 0
    kept, second, added = user["settings"]["acl"]
    assert kept == first
    assert second["id"] == "2"
    assert (added["topic"], added["permission"]) == ("c", "consume")


def test_a_rule_that_is_not_repeated_is_not_taken_away_unasked(
    digitalocean: Run, sandbox: Sandbox
) -> None:
    kafka_id, user = kafka_user(sandbox)

    asked = digitalocean("users", "update", kafka_id, "app", "--acl", "a=produce")
    before = list(user["settings"]["acl"])
    agreed = digitalocean("users", "update", kafka_id, "app", "--acl", "a=produce", "--yes")

    assert (asked.exit_code, len(before)) == (2, 2)
    assert agreed.exit_code == 0
    assert [acl["id"] for acl in user["settings"]["acl"]] == ["1"]


def test_update_takes_the_settings_from_the_list_where_the_single_read_has_none(run: Run) -> None:
    with Sandbox(limits=False, omit_settings_on_get=True) as sandbox:
        kafka_id, user = kafka_user(sandbox)

        result = run(
            "users", "update", kafka_id, "app", "--acl", "a=produce", "--acl", "b=consume",
            env=digitalocean_environment(sandbox),
        )  # fmt: skip

    assert result.exit_code == 0
    assert [acl["id"] for acl in user["settings"]["acl"]] == ["1", "2"]


def test_settings_that_nothing_shows_are_not_overwritten_unasked(
    digitalocean: Run, sandbox: Sandbox
) -> None:
    kafka_id, user = kafka_user(sandbox)
    del user["settings"]

    asked = digitalocean("users", "update", kafka_id, "app", "--acl", "a=produce")
    agreed = digitalocean("users", "update", kafka_id, "app", "--acl", "a=produce", "--yes")

    assert (asked.exit_code, agreed.exit_code) == (2, 0)
    assert [acl["topic"] for acl in user["settings"]["acl"]] == ["a"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "nothing to change"),
        (("--acl", "orders"), "NAME=PERMISSION"),
        (("--acl", "=consume"), "NAME=PERMISSION"),
    ],
)
def test_an_update_that_says_nothing_sensible_is_refused(
    digitalocean: Run, sandbox: Sandbox, options: tuple[str, ...], told: str
) -> None:
    kafka_id, _ = kafka_user(sandbox)

    result = digitalocean("users", "update", kafka_id, "app", *options)

    assert result.exit_code == 2
    assert told in result.stderr


def test_settings_of_scalingo_are_refused_at_digitalocean(
    digitalocean: Run, sandbox: Sandbox
) -> None:
    result = digitalocean("users", "create", cluster(sandbox, "pg")["id"], "app", "--read-only")

    assert result.exit_code == 2
    assert "--read-only" in result.stderr
    assert not sandbox.requests


# Names are anyone's text


HOSTILE = "[red]x[/red]\x1b[31m\x9b\u202e\r:smile:"


def test_a_hostile_name_neither_is_markup_nor_reaches_the_terminal(
    digitalocean: Run, sandbox: Sandbox
) -> None:
    pg = cluster(sandbox, "pg")
    pg.users[HOSTILE] = {"name": HOSTILE, "role": "normal", "settings": {}}

    table = digitalocean("users", "list", pg["id"])
    array = digitalocean("users", "list", pg["id"], "-o", "json")

    assert r"[red]x[/red]\x1b[31m\x9b\u202e\r:smile:" in table.stdout
    assert json.loads(array.stdout)[-1]["name"] == HOSTILE
    for output in (table.output, array.output):
        assert all(c.isprintable() or c == "\n" for c in output)
