"""Constructors: the fast way from JSON to models, as one generated function for each type.

    def construct(document):
        found = Unfrozen()
        known = 0
        if 'role' in document:
            v = document['role']
            found.role = v if type(v) is str else None if v is None else wrong()
            known += 1
        else:
            found.role = ABSENT
        …
        found.additional_data = (
            NO_FIELDS if known == len(document)
            else {k: v for k, v in document.items() if k not in names}
        )
        found.__class__ = DatabaseUser
        return found

It takes less than half the time of cattrs' hooks: they are a call for each value, where types are
compared in place here, and attrs' `__init__` is left out. Its converters and validators are for
what callers pass; what is made here they would take as it is.

It knows how to read what is right, and no more than that something is wrong: `codec` has the hooks
read such a document once more, and say what and where. So the only mistake it can make is to accept
what they refuse, or to read it differently, and tests compare the two.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, NoReturn

import attrs

from dbusers.fieldtypes import is_list, is_model, is_optional, is_text, is_tuple, item_of, values
from dbusers.model import NO_FIELDS
from dbusers.secret import Secret
from dbusers.unfrozen import unfrozen

Constructor = Callable[[Any], Any]
HookOf = Callable[[Any], Callable[[Any, Any], Any]]

PLAIN: Final = (bool, int)  # JSON's own types that are taken as they come; `is_text` has the third


class Wrong(Exception):
    """Something in the document is not what the type says."""


def wrong() -> NoReturn:
    """Raise `Wrong`, as an expression."""
    raise Wrong


def constructor(cls: Any, hook_of: HookOf) -> Constructor:
    """Return the function that makes a `cls` of JSON; it raises `Wrong`, or what a hook raises.

    `hook_of` is asked for the hooks of types for which there is no faster way.
    """
    if is_model(cls):
        return _model_constructor(cls, hook_of)
    source = _Source(hook_of)
    return source.function(f"lambda v: {source.expression(cls)}")


class _Source:
    """Generates Python for values of types, and keeps what its names stand for."""

    def __init__(self, hook_of: HookOf) -> None:
        self._hook_of = hook_of
        self._names: dict[str, Any] = {"wrong": wrong, "Secret": Secret, "NO_FIELDS": NO_FIELDS}

    def function(self, expression: str, *statements: str) -> Constructor:
        """Return the function that `expression` is, after `statements`."""
        # Of names of our own models' fields, as attrs and cattrs generate theirs: nothing that
        # came over the network is in it.
        exec("\n".join(statements), self._names)  # noqa: S102
        made: Constructor = eval(expression, self._names)  # noqa: S307
        return made

    def expression(self, cls: Any) -> str:
        """Return an expression whose value is what `v` is as a `cls`, or that raises `Wrong`."""
        test, value = self._test_and_value(cls)
        otherwise = "None if v is None else wrong()" if is_optional(cls) else "wrong()"
        return f"{value} if {test} else {otherwise}"

    def _test_and_value(self, cls: Any) -> tuple[str, str]:
        if is_text(cls):
            return "type(v) is str", "v"
        types = values(cls)
        only = types[0] if len(types) == 1 else None
        if only in PLAIN:
            return f"type(v) is {only.__name__}", "v"
        if only is Secret:
            return "type(v) is str", "Secret(v)"
        if is_model(only):
            return "v is not None", f"{self._named(_model_constructor(only, self._hook_of))}(v)"
        if is_list(only):
            return "type(v) is list", self._items(only)
        return "v is not None", f"{self._named(self._hook_of(cls))}(v, None)"

    def _items(self, cls: Any) -> str:
        item = item_of(cls)
        if is_model(item):
            items = f"map({self._named(_model_constructor(item, self._hook_of))}, v)"
            return f"tuple({items})" if is_tuple(cls) else f"list({items})"
        items = f"[{self.expression(item)} for v in v]"
        return f"tuple({items})" if is_tuple(cls) else items

    def _named(self, thing: object) -> str:
        name = f"name_{len(self._names)}"
        self._names[name] = thing
        return name

    def model(self, cls: Any) -> Constructor:
        """Return the function that makes a model of a dictionary."""
        attrs.resolve_types(cls)
        fields = [field for field in attrs.fields(cls) if field.name != "additional_data"]
        names = self._named(frozenset(field.name for field in fields))
        lines = [
            "if type(document) is not dict: wrong()",
            f"found = {self._named(unfrozen(cls))}()",
            "known = 0",
        ]
        for field in fields:
            absent = "wrong()" if field.default is attrs.NOTHING else self._named(field.default)
            lines += [
                f"if {field.name!r} in document:",
                f" v = document[{field.name!r}]",
                f" found.{field.name} = {self.expression(field.type)}",
                " known += 1",
                "else:",
                f" found.{field.name} = {absent}",
            ]
        lines += [
            "found.additional_data = NO_FIELDS if known == len(document) else {",
            f" k: v for k, v in document.items() if k not in {names}",
            "}",
            f"found.__class__ = {self._named(cls)}",
            "return found",
        ]
        return self.function(
            "construct", "def construct(document):", *(f" {line}" for line in lines)
        )


@cache
def _model_constructor(cls: Any, hook_of: HookOf) -> Constructor:
    return _Source(hook_of).model(cls)
