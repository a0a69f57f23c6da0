"""Constructors: the fast way from JSON to models, as one generated function for each type.

    def construct(v0):
        if type(v0) is not list: raise Wrong
        items0 = []
        for v1 in v0:
            if type(v1) is not dict: raise Wrong
            found1 = UnfrozenDatabaseUser()
            v2 = v1['name']
            if type(v2) is not str: raise Wrong
            found1.name = v2
            known1 = 1; size1 = len(v1)
            while True:
                if 'role' in v1:
                    v2 = v1['role']
                    known1 += 1
                    if type(v2) is not str and v2 is not None: raise Wrong
                    found1.role = v2
                    if known1 == size1:
                        found1.password = found1.access_cert = … = ABSENT
                        found1.additional_data = NO_FIELDS
                        break
                else:
                    found1.role = ABSENT
                …
                found1.additional_data = NO_FIELDS if known1 == size1 else unknown(v1, names)
                break
            found1.__class__ = DatabaseUser
            v1 = found1
            items0.append(v1)
        v0 = items0
        return v0

It takes less than half the time of cattrs' hooks: they are a call for each value, where here types
are compared and models within models are read in place, and nothing is looked for any more once all
keys of an object are known. attrs' `__init__` is left out: its converters and validators are for
what callers pass; what is made here they would take as it is.

It knows how to read what is right, and no more than that something is wrong: `codec` has the hooks
read such a document once more, and say what and where. So the only mistake it can make is to accept
what they refuse, or to read it differently, and tests compare the two.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final

import attrs

from dbusers.absent import ABSENT
from dbusers.fieldtypes import is_list, is_model, is_optional, is_text, is_tuple, item_of, values
from dbusers.model import NO_FIELDS
from dbusers.secret import Secret
from dbusers.unfrozen import unfrozen

Constructor = Callable[[Any], Any]
HookOf = Callable[[Any], Callable[[Any, Any], Any]]

PLAIN: Final = (bool, int)  # JSON's own types that are taken as they come; `is_text` has the third


class Wrong(Exception):
    """Something in the document is not what the type says."""


@cache
def constructor(cls: Any, hook_of: HookOf) -> Constructor:
    """Return the function that makes a `cls` of JSON.

    It raises `Wrong`, or `KeyError` for a required field that is missing, or what a hook raises.
    `hook_of` is asked for the hooks of types for which there is no faster way.
    """
    return _Source(hook_of).function(cls)


def _unknown(document: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


class _Source:
    """Generates Python for values of types, and keeps what its names stand for.

    `v0` is the document, `v1` what stands in it, `v2` what stands in that. The lines for a type
    check such a variable, and put what the model holds in the place of what JSON has.
    """

    def __init__(self, hook_of: HookOf) -> None:
        self._hook_of = hook_of
        self._in_place: set[Any] = set()
        self._names: dict[str, Any] = {
            "Wrong": Wrong,
            "Secret": Secret,
            "new": object.__new__,
            "ABSENT": ABSENT,
            "NO_FIELDS": NO_FIELDS,
            "unknown": _unknown,
        }

    def function(self, cls: Any) -> Constructor:
        """Return the function that makes a `cls` of JSON."""
        lines = ["def construct(v0):", *_within(self._value(cls, 0)), " return v0"]
        # Of names of our own models' fields, as attrs and cattrs generate theirs: nothing that
        # came over the network is in it.
        exec("\n".join(lines), self._names)  # noqa: S102
        made: Constructor = self._names["construct"]
        return made

    def _value(self, cls: Any, depth: int) -> list[str]:
        v = f"v{depth}"
        types = values(cls)
        only = types[0] if len(types) == 1 else None
        lines: list[str] = []
        if is_text(cls):
            json = "str"
        elif only in PLAIN:
            json = only.__name__
        elif only is Secret:  # what `Secret(…)` does, without a call
            json, lines = "str", ["secret = new(Secret)", f"secret._text = {v}", f"{v} = secret"]
        elif only in self._in_place:  # called the next time, or a cluster's function is too long
            json, lines = "dict", [f"{v} = {self._named(constructor(only, self._hook_of))}({v})"]
        elif is_model(only):
            self._in_place.add(only)
            json, lines = "dict", self._model(only, depth)
        elif is_list(only):
            json, lines = "list", self._items(only, depth)
        else:
            return [f"{v} = {self._named(self._hook_of(cls))}({v}, None)"]
        if not is_optional(cls):
            return [f"if type({v}) is not {json}: raise Wrong", *lines]
        if not lines:
            return [f"if type({v}) is not {json} and {v} is not None: raise Wrong"]
        return [f"if type({v}) is {json}:", *_within(lines), f"elif {v} is not None: raise Wrong"]

    def _items(self, cls: Any, depth: int) -> list[str]:
        v, item, items = f"v{depth}", f"v{depth + 1}", f"items{depth}"
        return [
            f"{items} = []",
            f"for {item} in {v}:",
            *_within(self._value(item_of(cls), depth + 1)),
            f" {items}.append({item})",
            f"{v} = tuple({items})" if is_tuple(cls) else f"{v} = {items}",
        ]

    def _model(self, cls: Any, depth: int) -> list[str]:
        attrs.resolve_types(cls)
        fields = [field for field in attrs.fields(cls) if field.name != "additional_data"]
        names = self._named(frozenset(field.name for field in fields))
        required = [field for field in fields if field.default is attrs.NOTHING]
        optional = [field for field in fields if field.default is not attrs.NOTHING]
        v, found, known, size = (f"{name}{depth}" for name in ("v", "found", "known", "size"))
        if any(field.default is not ABSENT for field in optional):
            raise TypeError(f"{cls.__name__}: what may be absent is ABSENT by default")
        unread = [f"{found}.{field.name}" for field in optional]
        additional = f"{found}.additional_data = NO_FIELDS"
        lines = [f"{found} = {self._named(unfrozen(cls))}()"]
        for field in required:
            lines += self._field(field, depth)
        lines += [f"{known} = {len(required)}; {size} = len({v})", "while True:"]
        for place, field in enumerate(optional, start=1):
            read, *check_and_set = self._field(field, depth)
            # Counted in between: before or after, it takes 3 % longer on Python 3.11.
            counted = [read, f"{known} += 1", *check_and_set]
            lines += [f" if {field.name!r} in {v}:", *_within(counted, 2)]
            if unread[place:]:
                lines += [
                    f"  if {known} == {size}:",
                    f"   {' = '.join(unread[place:])} = ABSENT",
                    f"   {additional}",
                    "   break",
                ]
            lines += [" else:", f"  {unread[place - 1]} = ABSENT"]
        return [
            *lines,
            f" {additional} if {known} == {size} else unknown({v}, {names})",
            " break",
            f"{found}.__class__ = {self._named(cls)}",
            f"{v} = {found}",
        ]

    def _field(self, field: "attrs.Attribute[Any]", depth: int) -> list[str]:
        item = f"v{depth + 1}"
        return [
            f"{item} = v{depth}[{field.name!r}]",
            *self._value(field.type, depth + 1),
            f"found{depth}.{field.name} = {item}",
        ]

    def _named(self, thing: object) -> str:
        name = f"name_{len(self._names)}"
        self._names[name] = thing
        return name


def _within(lines: Iterable[str], levels: int = 1) -> list[str]:
    return [" " * levels + line for line in lines]
