"""The remedies are code that runs, and commands that there are."""

import ast
import shlex
from collections.abc import Iterator
from inspect import isawaitable
from types import CodeType
from typing import Any

import pytest
from typer.main import get_command

from dbusers import digitalocean, scalingo
from dbusers.audit import CHECKS, Check, Engine
from dbusers.cli.app import app
from dbusers.testing import Sandbox

WITH_REMEDY = [one for one in CHECKS if one.command]
SCALINGOS = {"PG001", "US003"}  # whose remedy is a call that only Scalingo has
ON_THE_WIRE = {Engine.POSTGRESQL: "pg"}


@pytest.fixture(scope="module")
def commands() -> Any:
    return get_command(app)


@pytest.mark.parametrize("one", WITH_REMEDY, ids=lambda one: one.id)
def test_the_command_is_one_that_there_is(one: Check, commands: Any) -> None:
    name, group, verb, *arguments = shlex.split(one.command)
    command = commands.commands[group].commands[verb]

    context = command.make_context(verb, arguments)

    assert (name, group) == ("dbusers", "users")
    assert context.params["database"] == "{database}"
    if "{user}" in one.command:
        assert context.params["name"] == "{user}"


def place_of(one: Check, sandbox: Sandbox) -> tuple[str, str]:
    """Return a database that the check is about, and an ordinary user of it."""
    if one.id in SCALINGOS:
        database = next(d for d in sandbox.fleet.scalingo.databases if len(d.users) > 1)
        return database["id"], list(database.users)[1]
    engines = {str(ON_THE_WIRE.get(engine, engine)) for engine in one.engines}
    for cluster in sandbox.fleet.digitalocean:
        if len(cluster.users) > 1 and (not engines or cluster["engine"] in engines):
            return cluster["id"], list(cluster.users)[1]
    raise AssertionError(f"the fleet has no database for {one.id}")


def statements(call: str) -> Iterator[CodeType]:
    """Yield each statement of a call as code that may await."""
    for statement in ast.parse(call).body:
        yield compile(
            ast.Module([statement], type_ignores=[]),
            "remedy",
            "exec",
            flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        )


@pytest.mark.parametrize("one", WITH_REMEDY, ids=lambda one: one.id)
async def test_the_call_is_code_that_runs(one: Check, sandbox: Sandbox) -> None:
    database, user = place_of(one, sandbox)
    call = one.call.replace("{database}", repr(database))
    # What is missing is created under a name that is not there yet.
    call = call.replace("{user}", repr("a-new-one" if one.id == "PO002" else user))
    models = scalingo if one.id in SCALINGOS else digitalocean
    opened: Any = sandbox.scalingo() if one.id in SCALINGOS else sandbox.digitalocean()

    async with opened as client:
        names = {**vars(models), "client": client}
        for code in statements(call):
            result = eval(code, names)
            if isawaitable(result):
                await result

    assert {request.status for request in sandbox.requests} <= {200, 201, 204}
    assert sandbox.requests
