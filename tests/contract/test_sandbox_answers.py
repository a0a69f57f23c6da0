"""Whatever the sandbox answers is what the description has for that operation and status.

The requests are raw, made from the description: the SDK has no part in them.
"""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from yarl import URL

from dbusers.testing import Fault, Sandbox
from tests.contract.calling import (
    Caller,
    Callers,
    bearer,
    body_for,
    cluster_of,
    credentials,
    place,
)
from tests.contract.description import DESCRIPTIONS, DIGITALOCEAN, SCALINGO, Example, Operation

SCOPES = frozenset(
    {"database:read", "database:create", "database:update", "database:delete"}
    | {"database:view_credentials"}
)
NOWHERE = "00000000-0000-4000-8000-000000000000"
# The engine that an example of a body is for; the others are for any.
ENGINES = {
    "mysql": "mysql",
    "kafka": "kafka",
    "opensearch": "opensearch",
    "mongodb": "mongodb",
    "mongodb_readonly": "mongodb",
}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(databases=60, users=400, limits=False) as running:
        yield running


@pytest.fixture
def digitalocean(sandbox: Sandbox, session: aiohttp.ClientSession) -> Caller:
    return Caller(DIGITALOCEAN, sandbox, session)


@pytest.fixture
def scalingo(sandbox: Sandbox, session: aiohttp.ClientSession) -> Caller:
    return Caller(SCALINGO, sandbox, session)


@pytest.fixture
def callers(digitalocean: Caller, scalingo: Caller) -> Callers:
    return Callers(digitalocean, scalingo)


each_operation = pytest.mark.parametrize(
    "operation", [pytest.param(o, id=o.id) for d in DESCRIPTIONS for o in d.operations]
)


@pytest.mark.parametrize("scopes", [SCOPES, {"database:read"}], ids=["all", "read"])
async def test_every_read_of_every_cluster_is_as_described(
    scopes: frozenset[str], sandbox: Sandbox, digitalocean: Caller
) -> None:
    token = bearer(sandbox.add_digitalocean_token(scopes))
    read = set()
    for cluster in (await digitalocean("databases_list_clusters", token, {})).document["databases"]:
        at = {"database_cluster_uuid": cluster["id"]}
        await digitalocean("databases_get_cluster", token, at)
        reply = await digitalocean("databases_list_users", token, at)
        for user in reply.document["users"] if reply.status == 200 else ():
            at_user = {**at, "username": user["name"]}
            assert (await digitalocean("databases_get_user", token, at_user)).status == 200
            read.add(cluster["engine"])

    assert read == set(DIGITALOCEAN.schemas["Engine"]["x-open-enum"]) - {"redis", "valkey"}


async def test_every_page_of_digitalocean_is_as_described(session: aiohttp.ClientSession) -> None:
    found = []
    async with Sandbox(limits=False, page_size=4) as sandbox:
        call = Caller(DIGITALOCEAN, sandbox, session)
        query: str | None = ""
        while query is not None:
            reply = await call(
                "databases_list_clusters", bearer(sandbox.digitalocean_token), {}, query=query
            )
            found += [cluster["id"] for cluster in reply.document["databases"]]
            following = reply.document["links"].get("pages", {}).get("next")
            query = f"?{URL(following).query_string}" if following else None

    assert found == [cluster["id"] for cluster in sandbox.fleet.digitalocean]


async def test_every_read_of_scalingo_is_as_described(sandbox: Sandbox, scalingo: Caller) -> None:
    token = (await credentials(scalingo, {}))["bearer"]
    await scalingo("regions_list", token, {})
    await scalingo("dedicated_databases_list", token, {})
    await scalingo("apps_list", token, {}, query="?page=2&per_page=3")
    statuses = set()
    for app in (await scalingo("apps_list", token, {})).document["apps"]:
        for addon in (await scalingo("addons_list", token, {"app": app["name"]})).document[
            "addons"
        ]:
            at_addon = {"app": app["id"], "addon_id": addon["id"]}
            answer = await scalingo("addon_token_create", token, at_addon)
            owner = bearer(answer.document["addon"]["token"])
            await scalingo("database_get", owner, {"db": addon["id"]})
            reply = await scalingo("database_users_list", owner, {"db": addon["id"]})
            statuses.add(reply.status)

    assert statuses == {200, 400}  # some databases have no users


@pytest.mark.parametrize(
    ("operation", "example"),
    [
        pytest.param(operation, example, id=f"{operation.id}-{example.name}")
        for description in DESCRIPTIONS
        for operation in description.operations
        for example in operation.body_examples
    ],
)
async def test_every_described_body_is_accepted(
    operation: Operation, example: Example, sandbox: Sandbox, callers: Callers
) -> None:
    call = callers.of(operation)
    path = place(sandbox, operation)
    engine = ENGINES.get(example.name)
    if engine and "database_cluster_uuid" in path:
        cluster = cluster_of(sandbox, engine)
        path["database_cluster_uuid"] = cluster["id"]
        if "username" in path:
            path["username"] = list(cluster.users)[-1]
    allowed = await credentials(call, path)

    reply = await call(
        operation.id, allowed[operation.security], path, body_for(operation, path, example)
    )

    assert str(reply.status) == operation.success.status


@each_operation
async def test_every_operation_succeeds(
    operation: Operation, sandbox: Sandbox, callers: Callers
) -> None:
    call, path = callers.of(operation), place(sandbox, operation)
    allowed = await credentials(call, path)
    body = body_for(operation, path, operation.body_examples[0]) if operation.body else None

    reply = await call(operation.id, allowed[operation.security], path, body)

    assert str(reply.status) == operation.success.status


@each_operation
async def test_without_a_credential_every_operation_is_refused(
    operation: Operation, sandbox: Sandbox, callers: Callers
) -> None:
    for credential in (None, "Bearer nobody", "Basic bm9ib2R5Og=="):
        reply = await callers.of(operation)(operation.id, credential, place(sandbox, operation))

        assert reply.status == 401


@each_operation
async def test_what_is_not_there_is_not_found(
    operation: Operation, sandbox: Sandbox, callers: Callers
) -> None:
    call, path = callers.of(operation), place(sandbox, operation)
    allowed = (await credentials(call, path))[operation.security]
    body = body_for(operation, path, operation.body_examples[0]) if operation.body else None

    for name in path:
        reply = await call(operation.id, allowed, {**path, name: NOWHERE}, body)

        # A bearer is for one database, and says nothing of any other.
        assert reply.status in ((403, 404) if name == "db" else (404,))


@each_operation
async def test_a_body_that_cannot_be_read_is_refused(
    operation: Operation, sandbox: Sandbox, callers: Callers
) -> None:
    call, path = callers.of(operation), place(sandbox, operation)
    allowed = (await credentials(call, path))[operation.security]

    for content in (b"", b"{", b"[]", b"null", b'{"unknown": 1}') if operation.body else ():
        reply = await call(operation.id, allowed, path, content=content)

        assert reply.status in (400, 422)


@pytest.mark.parametrize("operation", [pytest.param(o, id=o.id) for o in DIGITALOCEAN.operations])
async def test_the_described_scopes_are_what_a_token_needs(
    operation: Operation, sandbox: Sandbox, digitalocean: Caller
) -> None:
    path = place(sandbox, operation)
    body = operation.body_examples[0].value if operation.body else None
    lacking = sandbox.add_digitalocean_token(SCOPES - set(operation.scopes))
    sufficient = sandbox.add_digitalocean_token(operation.scopes)

    refused = await digitalocean(operation.id, bearer(lacking), path, body)
    allowed = await digitalocean(operation.id, bearer(sufficient), path, body)

    assert refused.status == 403
    assert str(allowed.status) == operation.success.status


@pytest.mark.parametrize("engine", ["redis", "valkey"])
async def test_engines_without_users_refuse_as_described(
    engine: str, sandbox: Sandbox, digitalocean: Caller
) -> None:
    token = bearer(sandbox.digitalocean_token)
    at = {"database_cluster_uuid": cluster_of(sandbox, engine)["id"], "username": "app-01"}

    for operation in DIGITALOCEAN.operations:
        if "/users" in operation.path:
            path = {name: at[name] for name in operation.path_parameters}
            body = operation.body_examples[0].value if operation.body else None
            assert (await digitalocean(operation.id, token, path, body)).status == 412


async def test_a_name_that_is_taken_is_refused_as_described(
    sandbox: Sandbox, digitalocean: Caller, scalingo: Caller
) -> None:
    add = DIGITALOCEAN.operation("databases_add_user")
    path = place(sandbox, add)
    token = bearer(sandbox.digitalocean_token)
    await digitalocean(add.id, token, path, {"name": "twice"})
    create = SCALINGO.operation("database_user_create")
    db = place(sandbox, create)
    owner = bearer(sandbox.database_token(db["db"]))
    body = {"database_user": {"database_id": db["db"], "name": "twice-01"}}
    await scalingo(create.id, owner, db, body)

    assert (await digitalocean(add.id, token, path, {"name": "twice"})).status == 409
    assert (await scalingo(create.id, owner, db, body)).status in (409, 422)


async def test_the_built_in_users_refuse_as_described(
    sandbox: Sandbox, digitalocean: Caller, scalingo: Caller
) -> None:
    token = bearer(sandbox.digitalocean_token)
    delete = DIGITALOCEAN.operation("databases_delete_user")
    update = DIGITALOCEAN.operation("databases_update_user")
    at = {**place(sandbox, delete), "username": "doadmin"}
    for operation_id in ("database_user_update", "database_user_delete"):
        operation = SCALINGO.operation(operation_id)
        path = place(sandbox, operation)
        database = next(d for d in sandbox.fleet.scalingo.databases if d["id"] == path["db"])
        path["username"] = next(u["name"] for u in database.users.values() if u["protected"])
        body = body_for(operation, path, operation.body_examples[0]) if operation.body else None
        owner = bearer(sandbox.database_token(path["db"]))

        assert (await scalingo(operation_id, owner, path, body)).status == 403

    assert (await digitalocean(delete.id, token, at)).status == 422
    assert (await digitalocean(update.id, token, at, {"settings": {}})).status == 422


async def test_the_limits_refuse_as_described(session: aiohttp.ClientSession) -> None:
    async with Sandbox(clock=lambda: 1_800_000_000.0) as sandbox:
        clusters = Caller(DIGITALOCEAN, sandbox, session)
        apps = Caller(SCALINGO, sandbox, session)
        token = bearer(sandbox.digitalocean_token)
        headers = {"Authorization": token}
        for _ in range(249):  # alike, as one of them shows: they are not held to the description
            async with session.get(f"{sandbox.url}/v2/databases", headers=headers) as reply:
                assert reply.status == 200
        first = [(await clusters("databases_list_clusters", token, {})).status for _ in range(2)]
        second = [(await apps("apps_list", None, {})).status for _ in range(61)]

    assert first == [200, 429]
    assert second == [401] * 60 + [429]


@each_operation
async def test_a_scripted_fault_answers_as_described(
    operation: Operation, sandbox: Sandbox, callers: Callers
) -> None:
    path = place(sandbox, operation)
    call = callers.of(operation)
    allowed = await credentials(call, path)
    for answer in operation.answers:
        # What a gateway answers is nobody's to describe.
        if answer.is_success or answer.status in ("default", "502", "503", "504"):
            continue
        sandbox.inject(Fault("*", status=int(answer.status)))

        credential = allowed[operation.security]
        reply = await call(operation.id, credential, path, from_a_fault=True)

        assert reply.status == int(answer.status)
