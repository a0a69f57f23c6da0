"""Lists of a thousand users: time and memory of typed models, beside the least there is."""

import time
import tracemalloc
from collections.abc import Callable
from statistics import median
from typing import Any, Final

import attrs
import orjson

from dbusers.digitalocean import DatabaseUser, MySQLSettings
from dbusers.response import Response

USERS: Final = 1000
ROUNDS: Final = 31
KINDS: Final = (  # the users of four engines, in equal parts
    {"mysql_settings": {"auth_plugin": "caching_sha2_password"}},
    {"settings": {"pg_allow_replication": True}},
    {
        "settings": {
            "acl": [
                {"id": "5a8b2c", "topic": "orders", "permission": "consume"},
                {"id": "5a8b2d", "topic": "invoices.*", "permission": "produce"},
            ]
        }
    },
    {"settings": {"opensearch_acl": [{"index": "logs-*", "permission": "read"}]}},
)
CONTENT: Final = orjson.dumps(
    [
        {"name": f"app-{n:04}", "role": "normal", "password": f"jge5lfxtzhx{n:05}"} | KINDS[n % 4]
        for n in range(USERS)
    ]
)
MYSQL: Final = orjson.dumps(
    [
        {"name": f"app-{n:04}", "role": "normal", "password": f"jge5lfxtzhx{n:05}"} | KINDS[0]
        for n in range(USERS)
    ]
)


def _decode(content: bytes) -> Any:
    users = Response(200, content=content).read(list[DatabaseUser])
    assert len(users) == USERS
    return users


def measure() -> tuple[float, float]:
    """Return the time of `orjson.loads` in ms of CPU, and the ratio of ours to it."""
    floors, ratios = [], []
    for _ in range(ROUNDS):
        floors.append(_cpu(orjson.loads))
        ratios.append(_cpu(_decode) / floors[-1])
    return median(floors) * 1e3, median(ratios)


def _cpu(decode: Callable[[bytes], Any]) -> float:
    start = time.process_time()
    for _ in range(10):
        decode(CONTENT)
    return (time.process_time() - start) / 10


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
    return [HandUser(document) for document in orjson.loads(content)]


def measure_memory() -> tuple[float, float]:
    """Return what a hundred thousand users take in slotted classes, in MB, and our ratio to it."""
    floor = _memory(_by_hand)
    return floor / 1e6, _memory(_decode) / floor


def _memory(decode: Callable[[bytes], Any]) -> int:
    decode(MYSQL)  # constructors are made here
    tracemalloc.start()
    kept = [decode(MYSQL) for _ in range(100)]
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(kept) == 100
    return size
