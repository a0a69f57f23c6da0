"""The sandboxes, in a process of their own.

It writes one line of JSON with where they are, and on a line that it reads, or when there is
nothing left to read, another one with what was done in them. Then it ends.
"""

import argparse
import asyncio
import logging
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

import attrs
import orjson

from dbusers.testing import RecordedRequest, Sandbox
from tests.soak import plan
from tests.soak.clock import FastClock

ENGINES: Final = ("pg", "kafka", "opensearch")  # whose users can also be changed
TYPES: Final = ("postgresql", "mysql", "mongodb")
RESET: Final = re.compile(r"/users/([^/]+)/reset_(?:auth|password)$")
MISHAPS_KEPT: Final = 3
FOLDING: Final = 0.1  # seconds between two looks at what has come
ALL: Final = ("database:read", "database:create", "database:update", "database:delete")


class Ledger(dict[str, Any]):
    """A database's users, and how often each was added and removed."""

    def __init__(self, users: dict[str, Any]) -> None:
        super().__init__(users)
        self.seeded = frozenset(users)
        self.added: Counter[str] = Counter()
        self.removed: Counter[str] = Counter()

    def __setitem__(self, name: str, user: Any) -> None:
        self.added[name] += 1
        super().__setitem__(name, user)

    def __delitem__(self, name: str) -> None:
        self.removed[name] += 1
        super().__delitem__(name)


@attrs.define
class Census:
    """What came, counted; the requests themselves would fill the memory."""

    requests: int = 0
    bearers: int = 0
    statuses: Counter[str] = attrs.field(factory=Counter)
    resets: Counter[str] = attrs.field(factory=Counter)

    def fold(self, requests: list[RecordedRequest]) -> None:
        """Count what has been answered, and take it out of the list."""
        under_way = [request for request in requests if request.status is None]
        for request in requests:
            if request.status is not None:
                self._count(request, request.status)
        requests[:] = under_way

    def _count(self, request: RecordedRequest, status: int) -> None:
        self.requests += 1
        self.statuses[str(status)] += 1
        if not 200 <= status < 300 or request.method != "POST":
            return
        self.bearers += request.path.endswith(("/tokens/exchange", "/token"))
        reset = RESET.search(request.path)
        if reset is not None:
            self.resets[reset[1]] += 1


class Mishaps(logging.Handler):
    """Keeps what goes wrong in the sandboxes themselves: it would be taken for a fault."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.lines) < MISHAPS_KEPT:
            self.lines.append(self.format(record))


class Site:
    """One sandbox: an account at Scalingo, and some tokens of DigitalOcean."""

    def __init__(self, number: int, seed: str, attempt: float, clock: FastClock) -> None:
        self.number = number
        self.hits: Counter[str] = Counter()
        self.census = Census()
        self.sandbox = Sandbox(seed=number, databases=24, users=40, clock=clock)
        self.homes = {home["id"]: Ledger(home.users) for home in self._databases()}
        for home in self._databases():
            home.users = self.homes[home["id"]]
        for fault in plan.faults(f"{seed} {number}", attempt, self.hits):
            self.sandbox.inject(fault)

    def address(self) -> dict[str, Any]:
        """Where it is, and with which credentials what can be reached."""
        tokens = range(self.number, plan.DIGITALOCEAN_TOKENS, plan.SCALINGO_ACCOUNTS)
        fleet = self.sandbox.fleet
        return {
            "url": self.sandbox.url,
            "digitalocean_tokens": [
                self.sandbox.add_digitalocean_token((*ALL, "database:view_credentials"))
                for _ in tokens
            ],
            "scalingo_token": self.sandbox.scalingo_token,
            "clusters": [
                (cluster["id"], cluster["engine"])
                for cluster in fleet.digitalocean
                if cluster["engine"] in ENGINES and cluster["status"] == "online"
            ],
            "databases": [
                (database["id"], database["app_name"])
                for database in fleet.scalingo.databases
                if database["type_name"] in TYPES
            ],
        }

    def done(self) -> dict[str, Any]:
        """What was done in it."""
        self.census.fold(self.sandbox.requests)
        # What has no status now was cut off before it was processed.
        self.census.requests += len(self.sandbox.requests)
        return {
            "faults": self.hits,
            "users": dict(_users(self.homes)),
            **attrs.asdict(self.census),
        }

    def _databases(self) -> Iterable[Any]:
        fleet = self.sandbox.fleet
        return (*fleet.digitalocean, *fleet.scalingo.databases)


def _users(homes: Mapping[str, Ledger]) -> Iterator[tuple[str, dict[str, Any]]]:
    for database, home in homes.items():
        for name in (home.keys() | home.added.keys() | home.removed.keys()) - home.seeded:
            yield (
                f"{database}/{name}",
                {
                    "added": home.added[name],
                    "removed": home.removed[name],
                    "present": name in home,
                },
            )


async def _serve(epoch: float, speed: float, attempt: float, seed: str) -> None:
    mishaps = Mishaps()
    logging.basicConfig(handlers=[mishaps])
    clock = FastClock(epoch, speed)
    sites = [Site(number, seed, attempt, clock) for number in range(plan.SCALINGO_ACCOUNTS)]
    async with AsyncExitStack() as running:
        for site in sites:
            await running.enter_async_context(site.sandbox)
        _write([site.address() for site in sites])
        revocations = [
            (epoch + after, site) for after, site in zip(plan.REVOKED_AT, sites, strict=False)
        ]
        stopping = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
        while not stopping.done():
            await asyncio.wait([stopping], timeout=FOLDING)
            for site in sites:
                site.census.fold(site.sandbox.requests)
            while revocations and clock() >= revocations[0][0]:
                revocations.pop(0)[1].sandbox.revoke_bearers()
    # Closed now: what was still held up by a fault is not processed any more.
    _write({"sites": [site.done() for site in sites], "mishaps": mishaps.lines})


def _write(value: object) -> None:
    sys.stdout.write(orjson.dumps(value).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("epoch", type=float)
    parser.add_argument("speed", type=float)
    parser.add_argument("attempt", type=float)
    parser.add_argument("seed")
    asyncio.run(_serve(**vars(parser.parse_args())))
