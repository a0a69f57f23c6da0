"""What a type of the SDK and a schema of the description have in common: a name for what they hold.

Both sides are named alike: "string", "secret", "timestamp", "KafkaAcl", "list of KafkaAcl", …
"""

import types
import typing
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from dbusers.openenum import OpenEnum
from dbusers.secret import Secret
from tests.contract.description import Schema

SCALARS: Mapping[Any, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    datetime: "timestamp",
    Secret: "secret",
    types.NoneType: "nothing",
}
FORMATS = {"password": "secret", "date-time": "timestamp"}


def members(hint: Any) -> frozenset[Any]:
    """Return the members of a union, or the type itself as the only one."""
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return frozenset(typing.get_args(hint)) if is_union else frozenset({hint})


def kind_of_type(hint: Any) -> str:
    """Return the kind of a type; an open enumeration is typed as the union of its class and str."""
    alternatives = members(hint)
    for member in alternatives:
        if isinstance(member, type) and issubclass(member, OpenEnum):
            return member.__name__ if alternatives == {member, str} else f"closed {member.__name__}"
    (only,) = alternatives
    origin = typing.get_origin(only)
    if origin in (list, tuple):
        return f"list of {kind_of_type(typing.get_args(only)[0])}"
    if origin is dict:
        return "object"
    return only.__name__ if attrs.has(only) else SCALARS[only]


def kind_of_schema(schema: Schema) -> str:
    """Return the kind of a schema, whether or not it may also be null."""
    alternatives = [a for a in schema.get("anyOf", ()) if a != {"type": "null"}]
    if alternatives:
        (schema,) = alternatives
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    declared = schema["type"]
    (kind,) = {declared} if isinstance(declared, str) else set(declared) - {"null"}
    if kind == "array":
        return f"list of {kind_of_schema(schema['items'])}"
    return FORMATS.get(schema.get("format", ""), kind)


def may_be_null(schema: Schema) -> bool:
    """Tell whether a schema says that null is a value too."""
    return {"type": "null"} in schema.get("anyOf", ()) or "null" in schema.get("type", ())
