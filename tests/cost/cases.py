"""The calls whose cost is counted, with everything on but the socket.

A transport that answers at once stands in for the real one: what lies behind `Transport.exchange`
costs nothing here.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

import attrs
import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from dbusers import DigitalOceanClient, RateLimit, Window
from dbusers.response import Response
from dbusers.transport import Transport
from tests.users_as_answered import KINDS, USER

ANSWERS: Final = 200  # of one client: the windows below are never used up, so nothing waits
HEADERS: Final = CIMultiDictProxy(
    CIMultiDict(
        {
            "content-type": "application/json",
            "ratelimit-limit": "5000",
            "ratelimit-remaining": "4999",  # so nobody else uses the token
            "ratelimit-reset": "1795298546",
        }
    )
)


@attrs.frozen
class Case:
    """A call, and the document that it is answered with."""

    call: Callable[[DigitalOceanClient], Awaitable[object]]
    document: Mapping[str, Any]

    @contextmanager
    def client(self, **options: Any) -> Iterator[DigitalOceanClient]:
        """Yield a client for `ANSWERS` calls."""
        # Made beforehand, and one for each call: it keeps what was read from it.
        content = orjson.dumps(self.document)
        answers = iter([Response(200, HEADERS, content) for _ in range(ANSWERS)])

        async def exchange(*_: object, **__: object) -> Response:
            return next(answers)

        with patch.object(Transport, "exchange", exchange):
            limit = RateLimit([Window(250, 60), Window(5000, 3600)])
            yield DigitalOceanClient("token", rate_limit=limit, **options)


async def _chain(client: DigitalOceanClient) -> object:
    return client.databases.by_id("c-1").users.by_username("app-01")


def _one(client: DigitalOceanClient) -> Awaitable[object]:
    return client.databases.by_id("c-1").users.by_username("app-01").get()


def _all(client: DigitalOceanClient) -> Awaitable[object]:
    return client.databases.by_id("c-1").users.get()


CASES: Final[Mapping[str, Case]] = {
    "a chain of builders": Case(_chain, {}),
    "one user": Case(_one, {"user": USER | KINDS[0]}),
    "ten users": Case(_all, {"users": [USER | KINDS[0]] * 10}),
    "a hundred users of four engines": Case(_all, {"users": [USER | kind for kind in KINDS] * 25}),
}
