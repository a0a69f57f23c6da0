"""`Selection`: which databases of an account are audited."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

import attrs

from dbusers.audit import patterns
from dbusers.audit.records import DatabaseRecord

# What can be selected by, and its values of a database; None is unknown.
FIELDS: Final[Mapping[str, Callable[[DatabaseRecord], Iterable[str] | None]]] = MappingProxyType(
    {
        "name": lambda database: (database.name,),
        "tag": lambda database: database.tags,
        "engine": lambda database: _one(database.engine),
        "region": lambda database: _one(database.region),
    }
)


@attrs.frozen
class Selection:
    """Databases by patterns (`*` and `?`) of their name, tags, engine or region.

    A database is taken if for each field of `include` one of its values matches one of the
    patterns, and for no field of `exclude` one does. What is unknown of a database never leaves it
    out: an audit rather reads one too many.
    """

    include: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    exclude: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def takes(self, database: DatabaseRecord) -> bool:
        """Tell whether the database is audited."""
        return all(
            _matches(FIELDS[field](database), wanted, unknown=True)
            for field, wanted in self.include.items()
        ) and not any(
            _matches(FIELDS[field](database), wanted, unknown=False)
            for field, wanted in self.exclude.items()
        )


EVERYTHING: Final = Selection()


def _one(value: str | None) -> Iterable[str] | None:
    return None if value is None else (value,)


def _matches(values: Iterable[str] | None, wanted: Iterable[str], *, unknown: bool) -> bool:
    if values is None:
        return unknown
    return any(patterns.matches(pattern, value) for value in values for pattern in wanted)
