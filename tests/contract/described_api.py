"""A provider's API made from its description alone: it checks requests and answers with examples.

It knows nothing of the SDK and nothing of the sandbox, so it shares no mistake with either.
"""

import json
from collections.abc import Mapping
from functools import partial
from types import TracebackType
from typing import Any, Self

import attrs
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.contract.description import Answer, Description, Example, Operation


@attrs.frozen
class Scripted:
    """What an operation answers: a status, the answer it is described by, and an example of it."""

    status: int
    answer: Answer
    example: Example | None


class DescribedAPI:
    """The API of `description`, each of its hosts on a local port of its own.

    `credentials` has the `Authorization` header that each security scheme wants. What a request
    does that the description does not have stands in `problems`, in words.
    """

    def __init__(self, description: Description, credentials: Mapping[str, str]) -> None:
        self.description = description
        self.problems: list[str] = []
        self.bodies: dict[str, Any] = {}
        """The last body of each operation that has one, by operation id."""
        self.called: list[str] = []
        """The operations that were called, by id, in order."""
        self._credentials = credentials
        self._scripted: dict[str, Scripted] = {}
        # The pages that answers linked to: such a link may hold what no parameter describes.
        self._pages: set[str] = set()
        self._servers: dict[str, TestServer] = {}

    async def __aenter__(self) -> Self:
        for host in {operation.server for operation in self.description.operations}:
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", partial(self._handle, host))
            self._servers[host] = TestServer(app)
            await self._servers[host].start_server()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for server in self._servers.values():
            await server.close()

    def url(self, host: str) -> str:
        """Return where the host of this URL in the description is played."""
        return str(self._servers[host].make_url("")).rstrip("/")

    def script(self, operation_id: str, status: int, example: Example | None) -> None:
        """Let an operation answer with this, and on further pages with its first success.

        Operations without a script answer with their first success everywhere.
        """
        answer = self.description.operation(operation_id).answer(status)
        self._scripted[operation_id] = Scripted(status, answer, example)

    async def _handle(self, host: str, request: web.Request) -> web.Response:
        path = request.raw_path.partition("?")[0]
        operation = self.description.operation_for(request.method, path)
        if operation is None or operation.server != host:
            self.problems.append(f"{request.method} {path} is not described for {host}")
            return web.Response(status=404)
        self.called.append(operation.id)
        self.problems += [
            f"{operation.id}: {p}" for p in await self._departures(operation, request)
        ]
        return self._respond(host, self._answer_to(operation, request))

    async def _departures(self, operation: Operation, request: web.Request) -> list[str]:
        found = []
        if request.headers.get("authorization") != self._credentials[operation.security]:
            found.append(f"not the credential of {operation.security}")
        if request.raw_path not in self._pages:
            unknown = request.query.keys() - operation.query_parameters
            found += [f"the query parameter {name} is not described" for name in sorted(unknown)]
        content = await request.read()
        if operation.body is None:
            return found + ["a body where none is described"] * bool(content)
        if request.content_type != "application/json":
            found.append(f"the body is announced as {request.content_type}")
        self.bodies[operation.id] = json.loads(content)
        return found + self.description.problems(self.bodies[operation.id], operation.body)

    def _answer_to(self, operation: Operation, request: web.Request) -> Scripted:
        scripted = self._scripted.get(operation.id)
        if scripted is None or "page" in request.query:
            success = operation.success
            return Scripted(int(success.status), success, next(iter(success.examples), None))
        return scripted

    def _respond(self, host: str, scripted: Scripted) -> web.Response:
        headers = dict(scripted.answer.headers)
        if scripted.example is None:
            return web.Response(status=scripted.status, headers=headers)
        headers["content-type"] = scripted.example.media_type
        if not scripted.example.media_type.endswith("json"):
            return web.Response(
                status=scripted.status, headers=headers, text=scripted.example.value
            )
        # Links in examples name the host of the description, and the client must stay on this one.
        text = json.dumps(scripted.example.value).replace(host, self.url(host))
        next_page = _next_page(json.loads(text))
        if next_page:
            self._pages.add(next_page.removeprefix(self.url(host)))
        return web.Response(status=scripted.status, headers=headers, text=text)


def _next_page(document: Any) -> str | None:
    pages = document.get("links", {}).get("pages", {})
    found: str | None = pages.get("next")
    return found
