"""`Stand`: a server, clients that are open side by side, and the CPU that their requests take."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from itertools import cycle, islice
from random import Random
from typing import Final
from uuid import UUID

import attrs

from tests.benchmarks.peers import Client, Peer
from tests.benchmarks.rounds import Sample
from tests.benchmarks.served import Books, Server, served

RANDOM: Final = Random(4)  # the same in every run
DATABASES: Final = tuple(str(UUID(int=RANDOM.getrandbits(128))) for _ in range(1_000))


@attrs.frozen
class Question:
    """What is asked for, of one database after the other."""

    path: str
    ask: Callable[[Client, str], Awaitable[object]]
    databases: tuple[str, ...]


ONE_USER: Final = Question(
    "/v2/databases/{}/users/app-01",
    lambda client, database: client.user(database, "app-01"),
    DATABASES[:1],
)
# A thousand URLs: more than any client's cache of them holds.
TEN_USERS: Final = Question(
    "/v2/databases/{}/users", lambda client, database: client.users(database), DATABASES
)


class Stand:
    """Opens clients at one server, and knows what they were asked to send."""

    def __init__(self, server: Server, runner: asyncio.Runner) -> None:
        self._server = server
        self._run = runner.run
        self._open = AsyncExitStack()
        self._asked: Counter[str] = Counter()

    def load(
        self, peer: Peer, token: str, question: Question, *, requests: int, concurrency: int
    ) -> Sample:
        """Return what sends so many requests of a client with this token, so many at once.

        It returns the seconds of CPU that each took this process, all its threads together.
        """
        connected = peer.connected(self._server.url, token)
        client = self._run(self._open.enter_async_context(connected))
        databases = cycle(question.databases)

        async def send() -> float:
            asked = list(islice(databases, requests))
            waiting = iter(asked)

            async def worker() -> None:
                for database in waiting:
                    await question.ask(client, database)

            start = time.process_time()
            await asyncio.gather(*(worker() for _ in range(concurrency)))
            taken = time.process_time() - start
            paths = (question.path.format(database) for database in asked)
            self._asked.update(f"GET {path} Bearer {token}" for path in paths)
            return taken / requests

        return lambda: self._run(send())

    def books(self) -> Books:
        """Return the server's books. Raises `AssertionError` if they do not say what was asked."""
        found = self._server.books()
        found.check(self._asked)
        return found

    def close(self) -> None:
        """Close all clients."""
        self._run(self._open.aclose())


@contextmanager
def stand() -> Iterator[Stand]:
    """Yield a stand with a server of its own."""
    with served("users") as server, asyncio.Runner() as runner:
        made = Stand(server, runner)
        try:
            yield made
        finally:
            made.close()
