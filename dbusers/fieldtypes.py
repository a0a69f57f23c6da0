"""What a model's annotation says of a field: its type, and whether it may be null."""

from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from dbusers.absent import Absent
from dbusers.model import Model
from dbusers.openenum import OpenEnum


def members(cls: Any) -> tuple[Any, ...]:
    """Return the types of a union, none for any other type."""
    return get_args(cls) if get_origin(cls) in (Union, UnionType) else ()


def is_maybe(cls: Any) -> bool:
    """Tell whether it is a `Maybe[T]`."""
    return Absent in members(cls)


def is_optional(cls: Any) -> bool:
    """Tell whether it may be null."""
    return NoneType in members(cls)


def values(cls: Any) -> tuple[Any, ...]:
    """Return the types that a value has where there is one."""
    return tuple(m for m in members(cls) or (cls,) if m not in (NoneType, Absent))


def is_text(cls: Any) -> bool:
    """Tell whether each value is a string, with or without known ones among them."""
    found = values(cls)
    return str in found and all(m is str or _is_open_enum(m) for m in found)


def is_text_of_known_values(cls: Any) -> bool:
    """Tell whether it is `SomeEnum | str`."""
    found = members(cls)
    return len(found) == 2 and str in found and any(map(_is_open_enum, found))


def is_object(cls: Any) -> bool:
    """Tell whether it is a JSON object that no model describes."""
    return bool(cls == dict[str, Any])


def is_list(cls: Any) -> bool:
    """Tell whether it is a list or a tuple of items of one type."""
    return get_origin(cls) in (list, tuple)


def is_tuple(cls: Any) -> bool:
    """Tell which of the two it is."""
    return get_origin(cls) is tuple


def item_of(cls: Any) -> Any:
    """Return the type of a list's items."""
    return get_args(cls)[0]


def is_model(cls: Any) -> bool:
    """Tell whether it is a model."""
    return isinstance(cls, type) and issubclass(cls, Model)


def _is_open_enum(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, OpenEnum)
