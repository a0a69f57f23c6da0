"""CPU of a whole audit beside aiohttp with orjson, which fetch the same and do nothing with it.

The fleet is the sandbox's: 1,000 databases of every engine that has users, ten in each, read by a
token that sees no credentials, as an audit's should.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

import aiohttp
import attrs
import orjson

from dbusers import DigitalOceanClient, RateLimit, Window
from dbusers.audit.accounts.account import Account
from dbusers.audit.accounts.metering import Meter
from dbusers.audit.accounts.opening import PATIENT
from dbusers.audit.checks import CHECKS
from dbusers.audit.run import Options, audit
from dbusers.audit.runner import CONCURRENCY, read_all
from dbusers.audit.store import Store
from dbusers.digitalocean.inventory import DigitalOceanInventory

ROUNDS: Final = 7
NO_CHECKS: Final = Options(checks=())
ALL_CHECKS: Final = Options(checks=CHECKS)


@attrs.frozen
class AuditCost:
    """The floor in µs of CPU for a database, and the ratio to it of each part and all before it."""

    floor: float
    ratios: dict[str, float]


def measure(*, sees_credentials: bool = False) -> AuditCost:
    """Return what an audit costs; `sees_credentials`: passwords and keys are in the answers."""
    with _served_fleet(sees_credentials=sees_credentials) as url:
        return asyncio.run(_compare(url))


@contextmanager
def _served_fleet(*, sees_credentials: bool) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.audit_server"]
    command += ["credentials"] if sees_credentials else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


async def _compare(url: str) -> AuditCost:
    parts: dict[str, Callable[[str], Awaitable[object]]] = {
        "users.get()": _lists,
        "+ records": _records,
        "+ store": lambda url: _audit(url, NO_CHECKS),
        "+ judging, findings": lambda url: _audit(url, ALL_CHECKS),
    }
    floors: list[float] = []
    ratios: dict[str, list[float]] = {name: [] for name in parts}
    for part in (_raw, *parts.values()):
        await part(url)  # caches and compiled hooks are made here
    for _ in range(ROUNDS):
        floors.append(await _cpu(_raw, url))
        for name, part in parts.items():
            ratios[name].append(await _cpu(part, url) / floors[-1])
    databases = await _raw(url)
    return AuditCost(
        median(floors) * 1e6 / databases, {name: median(each) for name, each in ratios.items()}
    )


async def _cpu(part: Callable[[str], Awaitable[object]], url: str) -> float:
    start = time.process_time()
    await part(url)
    return time.process_time() - start


async def _raw(url: str) -> int:
    """Fetch what an audit fetches; return how many databases there are."""
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer token"}) as session:

        async def get(path: str) -> dict[str, list[dict[str, str]]]:
            async with session.get(url + path) as answer:
                found: dict[str, list[dict[str, str]]] = orjson.loads(await answer.read())
                return found

        ids = [each["id"] for each in (await get("/v2/databases"))["databases"]]
        await _side_by_side(lambda each: get(f"/v2/databases/{each}/users"), ids)
    return len(ids)


async def _lists(url: str) -> None:
    async with _client(url, RateLimit([Window(10**9, 60)])) as client:
        ids = [each.id for each in await client.databases.get()]
        await _side_by_side(lambda each: client.databases.by_id(each).users.get(), ids)


async def _records(url: str) -> None:
    async with _client(url, RateLimit([Window(10**9, 60)])) as client:
        async for _ in read_all([DigitalOceanInventory(client)]):
            pass


async def _audit(url: str, options: Options) -> None:
    # A budget that is never used up: its bookkeeping is part of what is measured.
    meter = Meter(RateLimit([Window(10**9, 60)]))
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "audit.db") as store:
        async with _client(url, meter) as client:
            account = Account("one", DigitalOceanInventory(client), meter=meter)
            report = await audit([account], store, options=options)
        deque(report.findings(), maxlen=0)
        assert report.complete, "not everything was read"


def _client(url: str, limit: RateLimit) -> DigitalOceanClient:
    return DigitalOceanClient("token", base_url=url, rate_limit=limit, options=PATIENT)


async def _side_by_side(call: Callable[[str], Awaitable[object]], ids: list[str]) -> None:
    waiting = iter(ids)

    async def worker() -> None:
        for each in waiting:
            await call(each)

    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))


if __name__ == "__main__":
    cost = measure(sees_credentials="credentials" in sys.argv)
    print(f"{cost.floor:.1f} µs CPU a database")
    for name, ratio in cost.ratios.items():
        print(f"{ratio:.2f} x   {name}")
