"""A server that answers for a fleet: its list of clusters, and the users of each by path.

All answers are made before the first request. Like the static server it runs in a process of its
own, so that its CPU time is not the client's.
"""

import asyncio
import sys
from random import Random
from typing import Final

from dbusers.testing.digitalocean.fleet import ClusterSeed, with_users
from dbusers.testing.digitalocean.views import cluster_view, user_view
from tests.benchmarks.static_server import answer

DATABASES: Final = 1_000
USERS: Final = 10  # of each database
ENOUGH: Final = DATABASES * 2  # clusters to choose from: some engines have no users

Answers = dict[bytes, bytes]


class ByPath(asyncio.Protocol):
    """Answers each request with the bytes that are there for its path."""

    transport: asyncio.Transport
    tail = b""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self.tail = (self.tail + data).split(b"\r\n\r\n")
        self.transport.write(b"".join(self.answers[each.split(b" ", 2)[1]] for each in requests))


def answers(*, sees_credentials: bool) -> Answers:
    """Return the answer for each path; the fleet is the same every time."""
    seed = ClusterSeed(Random(4))
    clusters = with_users(seed.clusters(ENOUGH))[:DATABASES]
    made: Answers = {}
    for cluster in clusters:
        seed.add_users(cluster, USERS)
        users = [
            user_view(user, cluster, sees_credentials=sees_credentials)
            for user in cluster.users.values()
        ]
        made[f"/v2/databases/{cluster['id']}/users".encode()] = answer({"users": users})
    views = [cluster_view(each, sees_credentials=sees_credentials) for each in clusters]
    made[b"/v2/databases"] = answer({"databases": views})
    return made


async def _serve(found: Answers) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: ByPath(found), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(answers(sees_credentials="credentials" in sys.argv)))
