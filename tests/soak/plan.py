"""What goes wrong, how often, and what is called: drawn by chance from one seed."""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from attrs import field, frozen

from dbusers.testing import Fault, RecordedRequest

SCALINGO_ACCOUNTS: Final = 3  # each in a sandbox of its own, which has one
DIGITALOCEAN_TOKENS: Final = 16  # shared out among these sandboxes
# At 60 requests a minute for an account, against 5,000 an hour for a token, both then end together.
SCALINGO_SHARE: Final = 0.13
FAULT_SHARE: Final = 0.107  # a tenth, as some faults are for a part of the requests only
TOO_SLOW: Final = 1.25  # times the timeout of an attempt
# When the bearers of an account are revoked, in seconds of the fast clock. Those of the third one
# come to their regular end.
REVOKED_AT: Final = (900.0, 1800.0)
CALLS: Final = {"create": 25, "get": 22, "list": 3, "change": 13, "reset": 12, "delete": 25}
IMPATIENT_SHARE: Final = 0.02  # of the calls, which give up after a few seconds

PAGE: Final = "<!doctype html><title>Sign in</title><h1>Your session has ended</h1>"
HTML: Final = {"content-type": "text/html"}
LONG_AGO: Final = "Wed, 21 Oct 2015 07:28:00 GMT"

# For requests of every kind. Those with a status are not processed; the rest are, but for the cut.
ANYWHERE: Final[dict[str, dict[str, Any]]] = {
    "500": {"status": 500},
    "502, HTML": {"status": 502, "body": PAGE, "headers": HTML},
    "503": {"status": 503},
    "503, retry-after": {"status": 503, "headers": {"retry-after": "1"}},
    "408": {"status": 408},
    "429": {"status": 429},
    "429, retry-after": {"status": 429, "headers": {"retry-after": "3"}},
    "429, retry-after a date": {"status": 429, "headers": {"retry-after": LONG_AGO}},
    "200, HTML": {"status": 200, "body": PAGE, "headers": HTML},
    "HTML in place of JSON": {"body": PAGE, "headers": HTML},
    "JSON that breaks off": {"body": b'{"user": {"name": "so'},
    "not UTF-8": {"body": b'{"user": "\xff\xfe"}'},
    "nested deeply": {"body": b'{"user":' * 3000},
    "another document": {"body": [[], {}]},
    "empty": {"body": b""},
    "unreadable limits": {
        "headers": {"ratelimit-remaining": "many", "ratelimit-reset": "soon", "retry-after": "?"}
    },
    "cut before": {"cut": "before"},
    "cut after": {"cut": "after"},
    "cut after the headers": {"cut": "headers"},
    "cut in the body": {"cut": "body"},
    "slow": {"delay": 0.05},
}
WRONG_TYPES: Final = (
    ("GET", "/v2/databases/*/users", "users"),
    ("GET", "/v2/databases/*/users", "users.name"),
    ("POST", "/v2/databases/*/users", "user.name"),
    ("GET", "/v2/databases/*/users/*", "user"),
    ("PUT", "/v2/databases/*/users/*", "user.role"),
    ("POST", "/v2/databases/*/reset_auth", "user.password"),
    ("GET", "/api/databases/*/users", "database-users"),
    ("POST", "/api/databases/*/users", "database_user.name"),
    ("PATCH", "/api/databases/*/users/*", "database_user.password"),
    ("POST", "/api/databases/*/reset_password", "database_user"),
    ("POST", "/v1/tokens/exchange", "token"),
    ("POST", "/v1/apps/*/token", "addon.token"),
)
KINDS_PER_REQUEST: Final = len(ANYWHERE) + 2  # too slow, and a wrong type


@frozen
class Chance(Fault):
    """A fault that hits each request it is about with the same probability, again and again."""

    name: str = field(kw_only=True)
    probability: float = field(kw_only=True)
    dice: Random = field(kw_only=True, repr=False)
    hits: Counter[str] = field(kw_only=True, repr=False)

    def matches(self, request: RecordedRequest) -> bool:
        if self.dice.random() >= self.probability or not super().matches(request):
            return False
        self.hits[self.name] += 1
        return True


def faults(seed: object, attempt: float, hits: Counter[str]) -> Iterator[Fault]:
    """Yield what goes wrong in one sandbox; `hits` counts how often it did, by name.

    `attempt` is the timeout of an attempt, in real seconds whatever the clock: it is aiohttp's.
    """

    def chance(name: str, path: str = "*", **what: Any) -> Fault:
        return Chance(
            path,
            times=None,
            name=name,
            probability=FAULT_SHARE / KINDS_PER_REQUEST,
            dice=Random(f"{seed} {name} {path} {what}"),
            hits=hits,
            **what,
        )

    for name, what in ANYWHERE.items():
        yield chance(name, **what)
    yield chance("too slow", delay=attempt * TOO_SLOW)
    for method, path, place in WRONG_TYPES:
        yield chance("wrong type", path, method=method, wrong_type=place)


def calls(seed: object, count: int) -> Iterator[tuple[str, bool]]:
    """Yield so many calls: what is called, and whether it gives up soon."""
    chance = Random(f"{seed} calls")
    kinds, weights = list(CALLS), list(CALLS.values())
    for _ in range(count):
        yield chance.choices(kinds, weights)[0], chance.random() < IMPATIENT_SHARE


def shared_out(whole: int) -> list[int]:
    """Share out calls or callers: to each DigitalOcean token, then to each Scalingo account."""
    scalingo = _parts(round(whole * SCALINGO_SHARE), SCALINGO_ACCOUNTS)
    return [*_parts(whole - sum(scalingo), DIGITALOCEAN_TOKENS), *scalingo]


def _parts(whole: int, count: int) -> list[int]:
    return [(whole + number) // count for number in range(count)]
