"""CPU of the client for each request: the whole pipeline beside aiohttp with orjson."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Final

import aiohttp
import attrs
import orjson

from dbusers import DigitalOceanClient, RateLimit, Window

REQUESTS: Final = 2000  # in each round
ROUNDS: Final = 15
CLUSTER: Final = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
PATH: Final = f"/v2/databases/{CLUSTER}/users"

Call = Callable[[], Awaitable[object]]
Ours = Callable[[DigitalOceanClient], Awaitable[object]]


@attrs.frozen
class Case:
    """What is asked for, where, and how many of it at once."""

    what: str
    path: str
    ours: Ours
    concurrency: int


async def _one(client: DigitalOceanClient) -> object:
    return await client.databases.by_id(CLUSTER).users.by_username("app-01").get()


async def _ten(client: DigitalOceanClient) -> object:
    return await client.databases.by_id(CLUSTER).users.get()


CASES: Final = (
    Case("GET one user, 1 at once", f"{PATH}/app-01", _one, 1),
    Case("GET one user, 50 at once", f"{PATH}/app-01", _one, 50),
    Case("GET ten users, 50 at once", PATH, _ten, 50),
)


def measure(cases: tuple[Case, ...] = CASES) -> dict[str, tuple[float, float]]:
    """Return for each case the floor in µs of CPU for a request, and our ratio to it."""
    with static_server() as url:
        return {case.what: asyncio.run(_compare(url, case)) for case in cases}


@contextmanager
def static_server() -> Iterator[str]:
    """Run the static server in a process of its own; yield its URL."""
    command = [sys.executable, "-m", "tests.benchmarks.static_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


async def _compare(url: str, case: Case) -> tuple[float, float]:
    # A budget that is never used up: its bookkeeping is part of what is measured.
    limit = RateLimit([Window(10**9, 60)])
    async with (
        aiohttp.ClientSession() as session,
        DigitalOceanClient("token", base_url=url, rate_limit=limit) as client,
    ):
        headers = {"Authorization": "Bearer token"}

        async def floor() -> object:
            async with session.get(url + case.path, headers=headers) as answer:
                return orjson.loads(await answer.read())

        async def ours() -> object:
            return await case.ours(client)

        floors, ratios = [], []
        for call in (floor, ours):
            await _cpu(call, case.concurrency)  # connections, caches, constructors are made here
        for _ in range(ROUNDS):
            floors.append(await _cpu(floor, case.concurrency))
            ratios.append(await _cpu(ours, case.concurrency) / floors[-1])
        return median(floors) * 1e6, median(ratios)


async def _cpu(call: Call, concurrency: int) -> float:
    async def worker() -> None:
        for _ in range(REQUESTS // concurrency):
            await call()

    start = time.process_time()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    return (time.process_time() - start) / (REQUESTS // concurrency * concurrency)
