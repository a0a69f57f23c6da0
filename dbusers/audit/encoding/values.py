"""Taking plain JSON values for what they should be; `ValueError` says which key is not.

The value itself is never in the message: nobody knows what it is.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

T = TypeVar("T")

NAMES: Final[Mapping[type, str]] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
}


def instance(kind: type[T], value: object, key: str) -> T:
    """Return the value of `key`, which is a dict, list, str or bool."""
    if not isinstance(value, kind):
        raise ValueError(f"{key}: not {NAMES[kind]}")  # noqa: TRY004  (the data is wrong)
    return value


def text(value: object, key: str) -> str:
    """Return a text."""
    return instance(str, value, key)


def flag(value: object, key: str) -> bool:
    """Return true or false."""
    return instance(bool, value, key)


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
