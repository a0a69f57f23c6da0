"""Lists of a thousand users: time and memory of typed models, beside the least there is."""

import time
import tracemalloc
from collections.abc import Callable
from typing import Any, Final

import attrs
import orjson

from dbusers.digitalocean import DatabaseUser, MySQLSettings
from tests.benchmarks import peers
from tests.benchmarks.rounds import Quartiles, Sample, interleaved
from tests.benchmarks.rows import FLOOR, OURS, Findings, Row
from tests.users_as_answered import KINDS, USER

USERS: Final = 1_000  # in a list
ROUNDS: Final = 40
KEPT: Final = 100  # lists in memory

Decode = Callable[[bytes], object]


def listed(*kinds: dict[str, Any]) -> bytes:
    """Return the body of a list of users, of these kinds by turns."""
    users = [
        USER | {"name": f"app-{n:04}", "password": f"jge5lfxtzhx{n:05}"} | kinds[n % len(kinds)]
        for n in range(USERS)
    ]
    return orjson.dumps({"users": users})


def measure(share: float) -> Findings:
    """Return the rows of time and of memory."""
    return Findings([_time(share), _memory(share)])


def _time(share: float) -> Row:
    content = listed(*KINDS)
    samples = {name: _sample(peer.decode, content) for name, peer in peers.found().items()}
    costs = interleaved(samples, ROUNDS, share, pairs=[(FLOOR, OURS)])
    return Row(
        f"read {USERS:,} users of four engines",
        {name: costs.ratio(name, FLOOR) for name in samples if name != FLOOR},
        floor=f"{costs.typical(FLOOR) * 1e3:.2f} ms",
        ours=f"{costs.typical(OURS) * 1e3:.2f} ms",
        goal=3,
    )


def _sample(decode: Decode, content: bytes) -> Sample:
    def sample() -> float:
        start = time.process_time()
        decode(content)
        return time.process_time() - start

    return sample


class HandUser:
    """A user by hand: its fields, and nothing that checks or hides them."""

    __slots__ = tuple(field.name for field in attrs.fields(DatabaseUser))

    def __init__(self, document: dict[str, Any]) -> None:
        for name in self.__slots__:
            setattr(self, name, document.get(name))
        settings = document.get("mysql_settings")
        if settings is not None:
            self.mysql_settings: HandSettings = HandSettings(settings)


class HandSettings:
    """A user's settings by hand."""

    __slots__ = tuple(field.name for field in attrs.fields(MySQLSettings))

    def __init__(self, document: dict[str, Any]) -> None:
        for name in self.__slots__:
            setattr(self, name, document.get(name))


def _by_hand(content: bytes) -> list[HandUser]:
    return [HandUser(document) for document in orjson.loads(content)["users"]]


def _memory(share: float) -> Row:
    lists = max(1, round(KEPT * share))
    floor = _size(_by_hand, lists)
    sizes = {name: _size(peer.decode, lists) for name, peer in peers.found().items()}
    return Row(
        f"memory of {USERS * lists:,} users, beside slots by hand",
        {name: Quartiles.exactly(size / floor) for name, size in sizes.items() if name != FLOOR},
        floor=f"{floor / 1e6:.1f} MB",
        ours=f"{sizes[OURS] / 1e6:.1f} MB",
        goal=1.3,
    )


def _size(decode: Decode, lists: int) -> int:
    content = listed(KINDS[0])
    decode(content)  # constructors are made here
    tracemalloc.start()
    kept = [decode(content) for _ in range(lists)]
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(kept) == lists
    return size
