"""Raw requests to the sandbox, each held to the description of the operation it is for."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
import attrs
from yarl import URL

from dbusers.testing import Sandbox
from dbusers.testing.digitalocean.fleet import Cluster
from dbusers.testing.wire import Hidden
from tests.contract.description import (
    DIGITALOCEAN,
    Answer,
    Description,
    Example,
    Operation,
)


@attrs.frozen
class Reply:
    """A status and the body that came with it, both found to be as described."""

    status: int
    document: Any = attrs.field(repr=False)


@attrs.frozen
class Caller:
    """Sends a request for an operation, and holds the answer to the description of it."""

    description: Description
    sandbox: Sandbox
    session: aiohttp.ClientSession

    async def __call__(
        self,
        operation_id: str,
        credential: str | None,
        path: Mapping[str, str],
        body: Any = None,
        *,
        query: str = "",
        content: bytes | None = None,
        from_a_fault: bool = False,
    ) -> Reply:
        operation = self.description.operation(operation_id)
        segments = {name: quote(value, safe="") for name, value in path.items()}
        url = URL(self.sandbox.url + operation.path.format(**segments) + query, encoded=True)
        headers = {"Authorization": credential} if credential else {}
        if body is not None or content is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode() if content is None else content
        async with self.session.request(
            operation.method, url, headers=headers, data=content
        ) as reply:
            answer = operation.answer(reply.status)
            assert answer.status == str(reply.status), f"{reply.status} is not listed"
            # A fault answers like something in front of the API, which knows of no budget.
            if not from_a_fault:
                missing = answer.headers.keys() - {name.lower() for name in reply.headers}
                assert missing <= {"retry-after"}, f"{missing} are missing from {reply.status}"
            return Reply(reply.status, await self._document(answer, reply))

    async def _document(self, answer: Answer, reply: aiohttp.ClientResponse) -> Any:
        text = await reply.text()
        if not answer.schemas:
            assert not text, f"{reply.status} has a body"
            return None
        schema = answer.schemas[reply.content_type]
        document = json.loads(text) if reply.content_type == "application/json" else text
        problems = self.description.problems(document, schema)
        assert not problems, f"{reply.status}: {problems}"
        return document


@attrs.frozen
class Callers:
    """The callers of both providers."""

    digitalocean: Caller
    scalingo: Caller

    def of(self, operation: Operation) -> Caller:
        """Return the caller of the provider that has the operation."""
        if operation in DIGITALOCEAN.operations:
            return self.digitalocean
        return self.scalingo


def bearer(token: str) -> str:
    return Hidden(f"Bearer {token}")


def cluster_of(sandbox: Sandbox, engine: str) -> Cluster:
    return next(
        c for c in sandbox.fleet.digitalocean if c["engine"] == engine and c["status"] == "online"
    )


def place(sandbox: Sandbox, operation: Operation) -> dict[str, str]:
    """Return path parameters of an operation that lead somewhere, to a user that can be changed."""
    cluster = cluster_of(sandbox, "pg")
    database = next(d for d in sandbox.fleet.scalingo.databases if d["type_name"] == "postgresql")
    is_cluster = "database_cluster_uuid" in operation.path_parameters
    users = cluster.users if is_cluster else database.users
    values = {
        "database_cluster_uuid": cluster["id"],
        "username": list(users)[-1],
        "app": database["app_name"],
        "addon_id": database["id"],
        "db": database["id"],
    }
    return {name: values[name] for name in operation.path_parameters}


async def credentials(caller: Caller, path: Mapping[str, str]) -> dict[str, str]:
    """Return what each security scheme wants, with every right there is."""
    if caller.description is DIGITALOCEAN:
        return {"bearer": bearer(caller.sandbox.digitalocean_token)}
    pair = b64encode(f":{caller.sandbox.scalingo_token}".encode()).decode()
    basic = Hidden(f"Basic {pair}")
    exchanged = await caller("tokens_exchange", basic, {})
    return {
        "api_token": basic,
        "bearer": bearer(exchanged.document["token"]),
        "database_bearer": bearer(caller.sandbox.database_token(path["db"]))
        if "db" in path
        else "",
    }


def body_for(operation: Operation, path: Mapping[str, str], example: Example) -> Any:
    """Return the example with the database of the path, which a body may have to name too."""
    if operation.id.startswith("databases_"):
        return example.value
    return {"database_user": {**example.value["database_user"], "database_id": path["db"]}}
