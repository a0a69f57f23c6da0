"""Scripted faults: what goes wrong, for which requests, how often."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from random import Random
from typing import Any, Literal, get_args

import orjson
from attrs import define, evolve, field, frozen

from dbusers.testing.wire import Answer, RecordedRequest

Cut = Literal["before", "after", "headers", "body"]


def _upper(method: str | None) -> str | None:
    return None if method is None else method.upper()


class FaultDoesNotFit(Exception):
    """A fault asks for something that the answer does not have."""


@frozen
class Fault:
    """Something that goes wrong for the requests it matches.

    `path` is a glob over the raw path, without the query; `*` matches slashes too, so
    `"/v2/*"` is all of one API and `"/v2/databases/*/users"` ends at the lists of users. The first
    `after` matching requests pass, the next `times` are hit (None: all of them). A `share` below 1
    hits so many of them only, in a random order that is the same for the same `seed`:
    `Fault("*", status=503, share=0.1, times=None)` fails one request in ten. Where several faults
    match, the one injected first acts until it is used up; a request that it lets pass goes on to
    the next.

    What happens, in this order; combine as needed:

    - `delay`: seconds to wait first, in real time whatever the sandbox's clock.
    - `cut="before"`: the connection is reset and the request is not processed.
    - `status`: answered instead of processing the request, with the provider's body for that
      status unless `body` is given. It does not count towards the rate limit. DigitalOcean's
      standard headers are there as on all its answers, a `retry-after` only if it is given.
    - `headers`, `body` without `status`: put into the real answer. A `body` of bytes or str is sent
      as it is, anything else as JSON.
    - `wrong_type`: the value at this place of the JSON answer becomes one of another type. The
      place is keys joined by dots, as in `"users"`, `"user.name"` or `"users.1.name"`; a name
      below a list means its first element.
    - `cut="after"`: the request is processed, then the connection is reset without an answer.
    - `cut="headers"`, `cut="body"`: the connection ends after the headers, or halfway in the body.

    A client may repeat a request by itself when a kept-alive connection is reset under it; aiohttp
    does so once for idempotent methods. `times=2` makes sure of the failure there.

    Raises `ValueError` for a fault that would do nothing or could never act.
    """

    path: str
    method: str | None = field(default=None, converter=_upper)
    times: int | None = field(default=1, kw_only=True)
    after: int = field(default=0, kw_only=True)
    share: float = field(default=1.0, kw_only=True)
    seed: int = field(default=0, kw_only=True)
    status: int | None = field(default=None, kw_only=True)
    headers: Mapping[str, str] = field(factory=dict, kw_only=True)
    body: Any = field(default=None, kw_only=True, repr=False)
    delay: float = field(default=0.0, kw_only=True)
    cut: Cut | None = field(default=None, kw_only=True)
    wrong_type: str | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.times is not None and self.times < 1:
            raise ValueError("times is at least 1, or None for always")
        if self.after < 0 or self.delay < 0:
            raise ValueError("after and delay are not negative")
        if not 0 < self.share <= 1:
            raise ValueError("share is more than 0 and at most 1, which is all of them")
        if self.cut is not None and self.cut not in get_args(Cut):
            raise ValueError(f"cut is one of {', '.join(get_args(Cut))}")
        does_something = self.headers or self.delay or self.cut or self.wrong_type
        if self.status is None and self.body is None and not does_something:
            raise ValueError("this fault does nothing: give a status, a body, a delay, a cut, ...")

    def matches(self, request: RecordedRequest) -> bool:
        """Whether the request is one of those that this fault is about."""
        right_method = self.method is None or self.method == request.method
        return right_method and fnmatchcase(request.path, self.path)

    def spoil(self, answer: Answer) -> Answer:
        """Return the answer with this fault's headers, body and wrong type in it."""
        if self.wrong_type is not None:
            answer = evolve(answer, content=_with_wrong_type(answer.content, self.wrong_type))
        if self.body is not None:
            raw = self.body.encode() if isinstance(self.body, str) else self.body
            content = raw if isinstance(raw, bytes) else orjson.dumps(raw)
            answer = evolve(answer, content=content)
        lowered = {name.lower(): value for name, value in self.headers.items()}
        return evolve(answer, headers={**answer.headers, **lowered})


@define
class _Armed:
    fault: Fault
    dice: Random
    passed: int = 0
    hits: int = 0

    def lets_pass(self) -> bool:
        """Count one matching request, and tell whether it goes unharmed."""
        if self.passed < self.fault.after:
            self.passed += 1
            return True
        if self.dice.random() >= self.fault.share:
            return True
        self.hits += 1
        return False

    @property
    def used_up(self) -> bool:
        return self.fault.times is not None and self.hits >= self.fault.times


class FaultScript:
    """The faults injected so far, each with its counts."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []

    def add(self, fault: Fault) -> None:
        """Arm a fault, behind those that are armed already."""
        dice = Random(fault.seed)  # noqa: S311  the same each time; nothing is protected by it
        self._armed.append(_Armed(fault, dice))

    def next_for(self, request: RecordedRequest) -> Fault | None:
        """Return the fault that hits this request, if any, and count the request."""
        for armed in self._armed:
            if not armed.fault.matches(request) or armed.lets_pass():
                continue
            if armed.used_up:
                self._armed.remove(armed)
            return armed.fault
        return None


def _with_wrong_type(content: bytes, place: str) -> bytes:
    try:
        whole = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise FaultDoesNotFit(f"wrong_type={place!r}: this answer is not JSON") from None
    holder = {"": whole}
    key: str | int = ""
    inner: Any = holder
    for name in place.split("."):
        inner, key = inner[key], name
        if isinstance(inner, list):
            if name.isdecimal():
                key = int(name)
            else:
                inner = inner[0] if inner else None
        present = key in inner if isinstance(inner, dict) else _has_index(inner, key)
        if not present:
            raise FaultDoesNotFit(f"wrong_type={place!r}: this answer has no {name!r} there")
    inner[key] = _of_another_type(inner[key])
    return orjson.dumps(holder[""])


def _has_index(value: object, key: str | int) -> bool:
    return isinstance(value, list) and isinstance(key, int) and key < len(value)


def _of_another_type(value: object) -> object:
    match value:
        case bool() | int() | float():
            return "neither a number nor a boolean"
        case list():
            return {"not": "a list"}
        case dict():
            return ["not an object"]
        case _:
            return 12345
