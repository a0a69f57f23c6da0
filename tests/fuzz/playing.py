"""A session that plays answers, with no network and no time between."""

import json
from typing import Any, Final

import attrs
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from tests.canary import TOKEN
from tests.contract.description import DESCRIPTIONS, Operation

REQUESTS: Final = 50  # for one call; more of them would be a loop without end

BEARERS: Final = {
    "tokens_exchange": {"token": TOKEN},
    "addon_token_create": {"addon": {"token": TOKEN}},
}


class EndlessRequests(Exception):
    """One call has made more requests than any call needs."""


@attrs.define
class Body:
    """What a session reads an answer's body from."""

    left: bytes = attrs.field(repr=False)

    async def readany(self) -> bytes:
        content, self.left = self.left, b""
        return content

    def at_eof(self) -> bool:
        return not self.left


@attrs.define
class Playing:
    """One answer, as aiohttp hands it out: read and released."""

    status: int
    headers: CIMultiDictProxy[str] = attrs.field(repr=False)
    content: Body

    @property
    def closed(self) -> bool:
        return self.content.at_eof()

    def close(self) -> None:
        self.content.left = b""

    release = close

    async def wait_for_close(self) -> None:
        self.close()


@attrs.define
class Session:
    """Answers the operation that is fuzzed with one answer, and all others as described."""

    operation_id: str
    status: int
    headers: CIMultiDict[str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    closed: bool = False
    requests: int = 0

    async def request(self, method: str, url: URL, **_: Any) -> Playing:
        self.requests += 1
        if self.requests > REQUESTS:
            raise EndlessRequests
        operation = _operation_for(method, url.raw_path)
        if operation is None or operation.id == self.operation_id:
            return Playing(self.status, CIMultiDictProxy(self.headers), Body(self.body))
        success = operation.success
        headers = CIMultiDictProxy(CIMultiDict(success.headers))
        return Playing(int(success.status), headers, Body(_described(operation)))


def _described(operation: Operation) -> bytes:
    if operation.id in BEARERS:
        # Each bearer is the planted token, so that an answer can quote what it was asked for with.
        return json.dumps(BEARERS[operation.id]).encode()
    examples = operation.success.examples
    return json.dumps(examples[0].value).encode() if examples else b""


def _operation_for(method: str, raw_path: str) -> Operation | None:
    found = (description.operation_for(method, raw_path) for description in DESCRIPTIONS)
    return next((operation for operation in found if operation), None)
