"""What the pipeline itself costs, counted rather than timed: it does not grow unnoticed.

Counted are the function calls that the package's own code makes for one request, those into C
included, with no socket behind it. A machine's mood does not change them, and a new link, lookup or
copy does. Who adds one for a good reason raises the number here; docs/performance.md says what it
costs in time.
"""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

import orjson
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

import dbusers
from dbusers import DigitalOceanClient, RateLimit, Window
from dbusers.response import Response
from dbusers.transport import Transport

PACKAGE: Final = str(Path(dbusers.__file__).parent)
GENERATED: Final = ("<string>", "<attrs generated")  # constructors, and attrs' own methods
INLINED: Final = ("<listcomp>", "<dictcomp>", "<setcomp>")  # no calls any more from 3.12 on
TOLERANCE: Final = 0.05

CALLS_FOR_ONE_USER: Final = 92
CALLS_FOR_TEN_USERS: Final = 141
CALLS_FOR_A_CHAIN: Final = 8

USER: Final = {
    "name": "app-01",
    "role": "normal",
    "password": "jge5lfxtzhx42iff",
    "mysql_settings": {"auth_plugin": "caching_sha2_password"},
}
HEADERS: Final = CIMultiDictProxy(
    CIMultiDict(
        {
            "content-type": "application/json",
            "ratelimit-limit": "5000",
            "ratelimit-remaining": "4816",
            "ratelimit-reset": "1795298546",
        }
    )
)


class Counter:
    """Counts the calls of functions that the package makes, between `start` and `stop`."""

    calls = 0

    def start(self) -> None:
        self.calls = 0
        sys.setprofile(self._count)

    def stop(self) -> int:
        sys.setprofile(None)
        return self.calls

    def _count(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        own = code.co_filename.startswith((PACKAGE, *GENERATED))
        if (
            own
            and event in ("call", "c_call")
            and not (event == "call" and code.co_name in INLINED)
        ):
            self.calls += 1


async def calls_of(operation: Callable[[], Awaitable[object]]) -> int:
    for _ in range(3):
        await operation()  # caches are filled and constructors made
    counter = Counter()
    counter.start()
    await operation()
    return counter.stop()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> DigitalOceanClient:
    """Return a client whose transport answers at once, by path."""
    one, ten = orjson.dumps({"user": USER}), orjson.dumps({"users": [USER] * 10})

    async def exchange(_: object, request: Any, *__: object) -> Response:
        return Response(200, HEADERS, ten if request.url.endswith("/users") else one)

    monkeypatch.setattr(Transport, "exchange", exchange)
    # A budget with the provider's windows, which are never used up: all is reckoned.
    limit = RateLimit([Window(250, 60), Window(5000, 3600)])
    return DigitalOceanClient("token", rate_limit=limit)


def within_tolerance(calls: int, budget: int) -> bool:
    return calls <= budget * (1 + TOLERANCE)


async def test_one_user_costs_no_more_calls_than_before(client: DigitalOceanClient) -> None:
    user = client.databases.by_id("c-1").users.by_username("app-01")

    assert within_tolerance(await calls_of(user.get), CALLS_FOR_ONE_USER)


async def test_ten_users_cost_no_more_calls_than_before(client: DigitalOceanClient) -> None:
    users = client.databases.by_id("c-1").users

    assert within_tolerance(await calls_of(users.get), CALLS_FOR_TEN_USERS)


async def test_a_chain_of_builders_costs_no_more_calls_than_before(
    client: DigitalOceanClient,
) -> None:
    async def chain() -> object:
        return client.databases.by_id("c-1").users.by_username("app-01")

    assert within_tolerance(await calls_of(chain), CALLS_FOR_A_CHAIN)
