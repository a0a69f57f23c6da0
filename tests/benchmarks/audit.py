"""CPU of a whole audit beside aiohttp with orjson, which fetch the same and do nothing with it."""

import asyncio
import tempfile
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import aiohttp
import orjson

from dbusers import DigitalOceanClient, RateLimit
from dbusers.audit.accounts.account import Account
from dbusers.audit.accounts.metering import Meter
from dbusers.audit.accounts.opening import PATIENT
from dbusers.audit.checks import CHECKS
from dbusers.audit.run import Options, audit
from dbusers.audit.runner import CONCURRENCY, read_all
from dbusers.audit.store import Store
from dbusers.digitalocean.inventory import DigitalOceanInventory
from tests.benchmarks.peers.ours import unspent
from tests.benchmarks.rounds import Sample, interleaved
from tests.benchmarks.rows import FLOOR, OURS, Findings, Row
from tests.benchmarks.served import served

ROUNDS: Final = 9
GOAL: Final = 2.0  # for all of it
LIST: Final = "/v2/databases"
JUDGED: Final = "judging, findings and report"
NO_CHECKS: Final = Options(checks=())
ALL_CHECKS: Final = Options(checks=CHECKS)

Part = Callable[[str, str], Awaitable[object]]  # with a URL and a token


def measure(share: float) -> Findings:
    """Return what an audit costs for each database: a row for each part and all before it."""
    parts: dict[str, Part] = {
        FLOOR: _raw,
        "reading the users (`users.get()`)": _lists,
        "making the audit's records of them": _records,
        "keeping them in the store": lambda url, token: _audit(url, token, NO_CHECKS),
        JUDGED: lambda url, token: _audit(url, token, ALL_CHECKS),
    }
    with served("fleet") as server:
        tokens = {name: f"part-{number}" for number, name in enumerate(parts)}
        samples = {name: _sample(parts[name], server.url, tokens[name]) for name in parts}
        costs = interleaved(samples, ROUNDS, share)
        paths = asyncio.run(_raw(server.url, "at-the-end"))
        runs = len(costs.samples[FLOOR]) + 1  # one of them did not count
        asked = Counter(f"GET {path} Bearer at-the-end" for path in paths)
        for token in tokens.values():
            asked.update({f"GET {path} Bearer {token}": runs for path in paths})
        server.books().check(asked)
    rows = [
        Row(
            what,
            {OURS: costs.ratio(what, FLOOR)},
            floor=_for_each(costs.typical(FLOOR), paths),
            ours=_for_each(costs.typical(what), paths),
            goal=GOAL if what == JUDGED else None,
        )
        for what in parts
        if what != FLOOR
    ]
    return Findings(rows)


def _for_each(seconds: float, paths: list[str]) -> str:
    return f"{seconds / (len(paths) - 1) * 1e6:.0f} µs"


def _sample(part: Part, url: str, token: str) -> Sample:
    async def sample() -> float:
        start = time.process_time()
        await part(url, token)
        return time.process_time() - start

    return lambda: asyncio.run(sample())


async def _raw(url: str, token: str) -> list[str]:
    """Fetch what an audit fetches; return its paths, that of the list of databases first."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:

        async def get(path: str) -> dict[str, list[dict[str, str]]]:
            async with session.get(url + path) as answer:
                found: dict[str, list[dict[str, str]]] = orjson.loads(await answer.read())
                return found

        databases = (await get(LIST))["databases"]
        paths = [f"{LIST}/{each['id']}/users" for each in databases]
        await _side_by_side(get, paths)
    return [LIST, *paths]


async def _lists(url: str, token: str) -> None:
    async with _client(url, token, unspent()) as client:
        ids = [each.id for each in await client.databases.get()]
        await _side_by_side(lambda each: client.databases.by_id(each).users.get(), ids)


async def _records(url: str, token: str) -> None:
    async with _client(url, token, unspent()) as client:
        async for _ in read_all([DigitalOceanInventory(client)]):
            pass


async def _audit(url: str, token: str, options: Options) -> None:
    meter = Meter(unspent())
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "audit.db") as store:
        async with _client(url, token, meter) as client:
            account = Account("one", DigitalOceanInventory(client), meter=meter)
            report = await audit([account], store, options=options)
        deque(report.findings(), maxlen=0)
        assert report.complete, "not everything was read"


def _client(url: str, token: str, limit: RateLimit) -> DigitalOceanClient:
    return DigitalOceanClient(token, base_url=url, rate_limit=limit, options=PATIENT)


async def _side_by_side(call: Callable[[str], Awaitable[object]], each: list[str]) -> None:
    waiting = iter(each)

    async def worker() -> None:
        for one in waiting:
            await call(one)

    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
