"""What a policy file says, once it is read."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

import attrs

from dbusers.audit.accounts import selection
from dbusers.audit.findings import NO_POLICY, DatabasePolicy, Suppression
from dbusers.audit.patterns import is_wild, matches, unescaped
from dbusers.audit.records import DatabaseRecord

# What an entry can select databases by; None is unknown.
FIELDS: Final[Mapping[str, Callable[[DatabaseRecord], Iterable[str] | None]]] = MappingProxyType(
    {
        "provider": lambda database: (database.provider,),
        "account": lambda database: (database.account,),
        "id": lambda database: (database.id,),
        "version": lambda database: None if database.version is None else (database.version,),
        **selection.FIELDS,
    }
)

# The classes of users, from the one that may do least on: an earlier one wins where both fit.
CLASSES: Final = ("readers", "applications", "administrators")
# The class of a user whom only `required` names.
REQUIRED: Final = "required"


@attrs.frozen
class Selector:
    """Databases by patterns: one of each field has to match."""

    patterns: Mapping[str, tuple[str, ...]]

    def fits(self, database: DatabaseRecord) -> bool:
        """Tell whether this selects the database. What is unknown of it matches nothing."""
        return all(
            any(matches(each, value) for value in FIELDS[field](database) or () for each in wanted)
            for field, wanted in self.patterns.items()
        )

    @property
    def ids(self) -> tuple[str, ...] | None:
        """The ids of all databases that this can fit, None if there could be any."""
        wanted = self.patterns.get("id")
        if wanted is None or any(map(is_wild, wanted)):
            return None
        return tuple(map(unescaped, wanted))

    def __str__(self) -> str:
        said = (f"{field} {' or '.join(wanted)}" for field, wanted in self.patterns.items())
        return ", ".join(said) or "every database"


@attrs.frozen
class Entry:
    """One of `[[databases]]`: which databases it is about, and what holds for them."""

    selector: Selector
    policy: DatabasePolicy


@attrs.frozen
class Contents:
    """Everything in a policy file. `defaults` holds where no entry fits."""

    file: str = ""
    defaults: DatabasePolicy = NO_POLICY
    entries: tuple[Entry, ...] = ()
    suppressions: tuple[Suppression, ...] = ()


NOTHING: Final = Contents()
