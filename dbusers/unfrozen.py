"""Frozen values made fast, where a hundred thousand of them are made.

A frozen class with slots takes ten times as long to set a field as one that is not: each goes
through `object.__setattr__`. So the object is made as one of a class with the same slots that is
not frozen, takes its fields by plain assignment, and gets its own class before anyone has it.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import attrs

P = ParamSpec("P")
T = TypeVar("T")


def unfrozen(cls: type[Any]) -> type[Any]:
    """Return a class whose objects become those of `cls` by `found.__class__ = cls`.

    Its `__init__` takes nothing; whoever makes an object sets all fields. It is a subclass that
    adds nothing to the slots of `cls`, which Python can tell faster than that two classes have the
    same ones.
    """
    return type(
        f"Unfrozen{cls.__name__}",
        (cls,),
        {
            "__slots__": (),
            "__init__": object.__init__,
            "__setattr__": object.__setattr__,
            "__delattr__": object.__delattr__,  # or Python would not take the fast way to both
        },
    )


def copier(cls: type[T]) -> Callable[[T], Any]:
    """Return a function that copies a `cls` into one that is not frozen; see `unfrozen`."""
    names = {"Unfrozen": unfrozen(cls)}
    fields = [field.name for field in attrs.fields(cast("type[Any]", cls))]
    lines = [
        "def copy(source):",
        " made = Unfrozen()",
        *(f" made.{name} = source.{name}" for name in fields),
        " return made",
    ]
    return cast("Callable[[T], Any]", _defined("copy", lines, names))


def maker(cls: Callable[P, T]) -> Callable[P, T]:
    """Return a function that makes a `cls` as `cls(…)` does, in a third of the time.

    Converters and validators are left out: it is for values that are known to be right. `cls` is as
    in `unfrozen`, with defaults that are values, not factories.
    """
    attributes = attrs.fields(cast("type[Any]", cls))
    names: dict[str, Any] = {"cls": cls, "Unfrozen": unfrozen(cast("type[Any]", cls))}
    parameters: list[str] = []
    for field in sorted(attributes, key=lambda field: field.kw_only):
        if isinstance(field.default, attrs.Factory):  # type: ignore[arg-type]  # a class in fact
            raise TypeError(f"{field.name} has a factory: it would be called once for all")
        if field.kw_only and "*" not in parameters:
            parameters.append("*")
        names[f"default_{field.name}"] = field.default
        if not field.init:
            continue
        default = "" if field.default is attrs.NOTHING else f"=default_{field.name}"
        parameters.append(f"{field.alias}{default}")
    lines = [
        f"def make({', '.join(parameters)}):",
        " made = Unfrozen()",
        *(
            f" made.{field.name} = {field.alias if field.init else f'default_{field.name}'}"
            for field in attributes
        ),
        " made.__class__ = cls",
        " return made",
    ]
    return cast("Callable[P, T]", _defined("make", lines, names))


def _defined(name: str, lines: list[str], names: dict[str, Any]) -> Any:
    exec("\n".join(lines), names)  # noqa: S102  (of our own fields' names, as attrs does it)
    return names[name]
