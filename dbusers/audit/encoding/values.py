"""Taking plain JSON values for what they should be; `ValueError` says which key is not.

The value itself is never in the message: nobody knows what it is.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from math import inf
from typing import Any, Final, TypeVar

T = TypeVar("T")

NAMES: Final[Mapping[type, str]] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a whole number",
}


def instance(kind: type[T], value: object, key: str) -> T:
    """Return the value of `key`, which is a dict, list, str, bool or int."""
    if not isinstance(value, kind):
        raise ValueError(f"{key}: not {NAMES[kind]}")  # noqa: TRY004  (the data is wrong)
    return value


def text(value: object, key: str) -> str:
    """Return a text."""
    return instance(str, value, key)


def flag(value: object, key: str) -> bool:
    """Return true or false."""
    return instance(bool, value, key)


def whole(value: object, key: str) -> int:
    """Return a whole number that is not below 0."""
    number = instance(int, value, key)
    if isinstance(value, bool) or number < 0:  # to Python, true is 1
        raise ValueError(f"{key}: not a number of something")
    return number


def seconds(value: object, key: str) -> float:
    """Return a number of seconds that is not below 0."""
    if isinstance(value, float) and 0 <= value < inf:
        return value
    return float(whole(value, key))


def moment(value: object, key: str) -> datetime:
    """Return a date and time, from ISO 8601."""
    try:
        return datetime.fromisoformat(text(value, key))
    except ValueError:
        raise ValueError(f"{key}: not a date and time") from None


def maybe(known: Mapping[str, Any], key: str, read: Callable[[object, str], T]) -> T | None:
    """Return what `read` makes of the value of `key`, or None where that is null or not there."""
    value = known.get(key)
    return None if value is None else read(value, key)
