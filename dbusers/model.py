"""`Model`: what every model of a provider's wire has in common."""

from collections.abc import Mapping
from typing import Any, Final, NoReturn

import attrs

from dbusers.absent import ABSENT


class NoFields(dict[str, Any]):
    """An empty dictionary that stays empty, for all models that have no unknown fields.

    A dictionary, for it is copied, pickled and written as JSON where models are.
    """

    __slots__ = ()

    def __setitem__(self, *_: Any) -> NoReturn:
        raise _unchangeable()

    def __ior__(self, *_: Any) -> NoReturn:  # type: ignore[misc]  # unlike `|`, which is fine
        raise _unchangeable()

    def setdefault(self, *_: Any) -> NoReturn:
        """Refuse."""
        raise _unchangeable()

    def update(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse."""
        raise _unchangeable()


def _unchangeable() -> TypeError:
    return TypeError("a model is not changed: make another with attrs.evolve")


NO_FIELDS: Final = NoFields()


@attrs.frozen(repr=False)
class Model:
    """A frozen value read from JSON, or to be written as JSON.

    `additional_data` holds the fields that the class does not name; they are written back. The
    repr shows the named fields that are there: an unknown one may be a secret.
    """

    additional_data: Mapping[str, Any] = attrs.field(default=NO_FIELDS, hash=False, kw_only=True)

    def __repr__(self) -> str:
        shown = (
            f"{field.name}={value!r}"
            for field in attrs.fields(type(self))
            if field.repr
            and field.name != "additional_data"
            and (value := getattr(self, field.name)) is not ABSENT
        )
        return f"{type(self).__name__}({', '.join(shown)})"
