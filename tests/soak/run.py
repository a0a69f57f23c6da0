"""The run: the server's process, a short run that warms up, the long one, and what came of it."""

import asyncio
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import Any, Final

import attrs
import orjson

from dbusers import (
    ConnectionFailed,
    DbusersError,
    OnResponse,
    RequestTimedOut,
    Response,
    TimeoutOption,
)
from tests.canary import shown_by
from tests.soak import plan
from tests.soak.accounts import Opening
from tests.soak.books import Book, is_expected
from tests.soak.clock import FastClock
from tests.soak.leaks import Leaks
from tests.soak.watch import Sample

WARMING_UP: Final = 0.05  # of the calls
SAMPLES: Final = 10
SHOWN: Final = 25  # every so many errors and values are searched for secrets, frames and all
HOURS: Final = 24 * 3600.0  # seconds of the fast clock: longer than any wait for a limit
SETTLING: Final = 0.05  # seconds until the sockets of closed connections are gone


@attrs.frozen
class Settings:
    """What can be chosen."""

    requests: int
    concurrency: int
    speed: float
    """How many times as fast as the machine's clock the providers' and the clients' run."""
    attempt: float
    """The timeout of an attempt, in real seconds."""
    seed: int


@attrs.define
class Outcomes:
    """How the calls ended."""

    leaks: Leaks
    calls: int = 0
    values: int = 0
    errors: Counter[str] = attrs.field(factory=Counter)
    retries: Counter[str] = attrs.field(factory=Counter)
    surprises: list[str] = attrs.field(factory=list)

    def ended(self, outcome: object) -> None:
        """Enter what a call returned or raised."""
        self.calls += 1
        if not isinstance(outcome, Exception):
            self.values += 1
            if self.values % SHOWN == 0:
                self.leaks.search(repr(outcome))
            return
        self.errors[type(outcome).__name__] += 1
        if isinstance(outcome, ConnectionFailed | RequestTimedOut):
            self.retries.update(outcome.retries)  # there was no answer to say so
        self.leaks.search(f"{outcome}\n{outcome!r}")
        if self.errors.total() % SHOWN == 0:
            self.leaks.search(shown_by(outcome))
        if not isinstance(outcome, DbusersError) or not is_expected(outcome):
            self.surprises.append("".join(traceback.format_exception(outcome)))

    def answered(self, response: Response) -> None:
        """Enter the answer that a call ended with, before it is read."""
        self.retries.update(response.retries)
        self.leaks.learn(response.content)


@attrs.frozen
class Findings:
    """What was measured."""

    outcomes: Outcomes
    books: Sequence[Book]
    before: Sample
    samples: Sequence[Sample]
    after: Sample
    sites: Sequence[Mapping[str, Any]]
    """What was done in each sandbox, see `server.Site`."""
    mishaps: Sequence[str]
    """What went wrong in them that was no fault."""
    seconds: float


@contextmanager
def serving(settings: Settings, epoch: float) -> Iterator[subprocess.Popen[bytes]]:
    """Run the sandboxes in a process of their own."""
    arguments = [epoch, settings.speed, settings.attempt, settings.seed]
    command = [sys.executable, "-m", "tests.soak.server", *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        try:
            yield server
        finally:
            server.kill()


def soak(settings: Settings, leaks: Leaks) -> Findings:
    """Make the calls, and return what was measured."""
    epoch = time.time()
    with serving(settings, epoch) as server:
        return asyncio.run(_soak(settings, leaks, server, FastClock(epoch, settings.speed)))


async def _soak(
    settings: Settings, leaks: Leaks, server: subprocess.Popen[bytes], clock: FastClock
) -> Findings:
    outcomes = Outcomes(leaks)
    options = [TimeoutOption(total=HOURS, attempt=settings.attempt), OnResponse(outcomes.answered)]
    warm_up = round(settings.requests * WARMING_UP)
    opening = Opening("warm", settings.seed, warm_up, _read(server), clock, options)
    books, _ = await _run(opening, settings.concurrency, outcomes)
    before = Sample.take()
    start = time.perf_counter()
    opening = attrs.evolve(opening, run="soak", requests=settings.requests - warm_up)
    more_books, samples = await _run(opening, settings.concurrency, outcomes)
    seconds = time.perf_counter() - start
    after = Sample.take()
    assert server.stdin is not None
    server.stdin.write(b"stop\n")
    server.stdin.flush()
    return Findings(
        outcomes=outcomes,
        books=books + more_books,
        before=before,
        samples=samples,
        after=after,
        seconds=seconds,
        **_read(server),
    )


def _read(server: subprocess.Popen[bytes]) -> Any:
    assert server.stdout is not None
    return orjson.loads(server.stdout.readline())


async def _run(
    opening: Opening, concurrency: int, outcomes: Outcomes
) -> tuple[list[Book], list[Sample]]:
    accounts = list(opening.accounts())
    samples: list[Sample] = []
    first = outcomes.calls

    def ended(outcome: object) -> None:
        outcomes.ended(outcome)
        if (outcomes.calls - first) * SAMPLES >= opening.requests * (len(samples) + 1):
            samples.append(Sample.take())

    async with AsyncExitStack() as opened, asyncio.TaskGroup() as working:
        for account, callers in zip(accounts, plan.shared_out(concurrency), strict=True):
            for client in account.clients:
                await opened.enter_async_context(client)
            for caller in range(max(1, callers)):
                verb = account.verbs[caller % len(account.verbs)]
                working.create_task(account.work(verb, ended))
    await asyncio.sleep(SETTLING)
    return [account.book for account in accounts], samples
