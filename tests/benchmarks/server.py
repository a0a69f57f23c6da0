"""A server of ready-made answers by path, which keeps books: it runs as a process of its own.

All answers are made before the first request. `/report` answers with the books, and is not in them.
"""

import asyncio
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from random import Random
from typing import Final, cast

import orjson

from dbusers.testing.digitalocean.fleet import ClusterSeed, with_users
from dbusers.testing.digitalocean.views import cluster_view, user_view
from tests.users_as_answered import KINDS, USER

DATABASES: Final = 1_000  # in the fleet, and in lists of the users of many
USERS: Final = 10  # of each database
ENOUGH: Final = DATABASES * 2  # clusters to choose from: some engines have no users
MYSQL_USER: Final = USER | KINDS[0]
# The limit is that of the longer window which our client is given: it knows which one is told of.
HEAD: Final = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    "ratelimit-limit: 1000000000\r\nratelimit-remaining: 1000000000\r\n"
    f"ratelimit-reset: {time.time() + 3600:.0f}\r\n"
    "x-request-id: 515850a0-a812-50bf-aa3c-d0d21d287e40\r\nContent-Length: %d\r\n\r\n"
)
AUTHORIZATION: Final = re.compile(rb"^authorization: ([^\r]*)", re.I | re.M)

Answers = Callable[[bytes], bytes]


class Books:
    """What was asked of the server, by whom, over how many connections, and what that took."""

    def __init__(self) -> None:
        self.requests: Counter[bytes] = Counter()  # by method, path and Authorization header
        self.connections: Counter[bytes] = Counter()  # by the same header of their first request
        self.start = time.process_time()

    def report(self) -> bytes:
        """Return the books as an answer."""
        cpu = time.process_time() - self.start
        counts = {
            name: {key.decode(): number for key, number in counter.items()}
            for name, counter in (("requests", self.requests), ("connections", self.connections))
        }
        return answer({"cpu": cpu, **counts})


class Serving(asyncio.Protocol):
    """One connection: answers the heads of requests that have no body."""

    transport: asyncio.Transport
    tail = b""
    unused = True

    def __init__(self, answers: Answers, books: Books) -> None:
        self.answers = answers
        self.books = books

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is of no such class

    def data_received(self, data: bytes) -> None:
        *heads, self.tail = (self.tail + data).split(b"\r\n\r\n")
        self.transport.write(b"".join(map(self._answer, heads)))

    def _answer(self, head: bytes) -> bytes:
        line, _, headers = head.partition(b" HTTP/1.1\r\n")
        path = line.rpartition(b" ")[2]
        if path == b"/report":
            return self.books.report()
        found = AUTHORIZATION.search(headers)
        by = found[1] if found else b"nobody"
        self.books.requests[line + b" " + by] += 1
        if self.unused:
            self.books.connections[by] += 1
            self.unused = False
        return self.answers(path)


def answer(document: object) -> bytes:
    """Return the whole answer with `document` in it."""
    body = orjson.dumps(document)
    return (HEAD % len(body)).encode() + body


def users() -> Answers:
    """Return answers with the same ten users for every database, or one of them."""
    one = answer({"user": MYSQL_USER})
    ten = answer({"users": [{**MYSQL_USER, "name": f"app-{n:02}"} for n in range(USERS)]})
    return lambda path: ten if path.endswith(b"/users") else one


def fleet() -> Answers:
    """Return answers for the databases of a fleet, and for the users of each.

    It is the sandbox's, of every engine that has users, the same every time, as a token sees it
    that sees no credentials.
    """
    seed = ClusterSeed(Random(4))
    clusters = with_users(seed.clusters(ENOUGH))[:DATABASES]
    made = {}
    for cluster in clusters:
        seed.add_users(cluster, USERS)
        views = [user_view(u, cluster, sees_credentials=False) for u in cluster.users.values()]
        made[f"/v2/databases/{cluster['id']}/users".encode()] = answer({"users": views})
    databases = [cluster_view(each, sees_credentials=False) for each in clusters]
    made[b"/v2/databases"] = answer({"databases": databases})
    return made.__getitem__


ANSWERS: Final = {"users": users, "fleet": fleet}


async def _serve(answers: Answers) -> None:
    books = Books()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Serving(answers, books), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    # uvloop is there on neither Windows nor PyPy.
    fast = import_module("uvloop").new_event_loop if find_spec("uvloop") else None
    with asyncio.Runner(loop_factory=fast) as runner:
        runner.run(_serve(ANSWERS[sys.argv[1]]()))
