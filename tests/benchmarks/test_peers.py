"""Each client of the benchmark reads the same users, by the requests it was asked for."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.benchmarks import peers
from tests.benchmarks.decoding import listed
from tests.benchmarks.peers import Peer
from tests.benchmarks.served import Server, served
from tests.users_as_answered import KINDS

PATH: Final = "/v2/databases/d-1/users"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served("users") as running:
        yield running


@pytest.fixture(params=peers.MODULES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def peer(name: str) -> Peer:
    try:
        return peers.peer(name)
    except ModuleNotFoundError as missing:
        pytest.skip(f"{missing.name}: only `make bench` installs it")


def inside(answer: Any, *keys: str) -> Any:
    """Return what stands in an answer under these keys; where it is a model, they are its fields.

    Ours is the user itself, or the list of them: the first key is not there.
    """
    for key in keys:
        answer = answer[key] if isinstance(answer, dict) else getattr(answer, key, answer)
    return answer


async def test_a_client_reads_users(name: str, peer: Peer, server: Server) -> None:
    async with peer.connected(server.url, name) as client:
        one = await client.user("d-1", "app-01")
        ten = await client.users("d-1")

    assert inside(one, "user", "name") == "app-01"
    assert inside(one, "user", "mysql_settings", "auth_plugin") == "caching_sha2_password"
    assert [inside(user, "name") for user in inside(ten, "users")] == [
        f"app-{number:02}" for number in range(10)
    ]
    books = server.books()
    by_it = {key for key in books.requests if key.endswith(f" Bearer {name}")}
    assert by_it == {f"GET {PATH}/app-01 Bearer {name}", f"GET {PATH} Bearer {name}"}
    assert books.connections[f"Bearer {name}"] == 1


def test_a_client_decodes_all_that_users_have(peer: Peer) -> None:
    users = inside(peer.decode(listed(*KINDS)), "users")

    assert len(users) == 1000
    assert inside(users[1], "settings", "pg_allow_replication") is True
    assert inside(inside(users[2], "settings", "acl")[1], "topic") == "invoices.*"
    assert inside(inside(users[3], "settings", "opensearch_acl")[0], "permission") == "read"


async def test_a_request_that_was_not_asked_for_is_found(server: Server) -> None:
    before = Counter(server.books().requests)

    async with peers.peer("floor").connected(server.url, "once-more") as client:
        await client.users("d-1")

    server.books().check(before + Counter({f"GET {PATH} Bearer once-more": 1}))
    with pytest.raises(AssertionError, match=r"1 requests .* once-more: 0, arrived 1"):
        server.books().check(before)
