"""`OpenEnum`: the known values of a field that may grow.

Providers add values, and spell known ones in several ways (`produceconsume`, `produce_consume`,
`PRODUCECONSUME`). Fields therefore keep the text as it came; `SomeEnum.of(text)` tells which known
value is meant, or None.
"""

from enum import StrEnum
from typing import Self, cast


class OpenEnum(StrEnum):
    """The known values of an enumeration to which the provider may add."""

    @classmethod
    def of(cls, text: str) -> Self | None:
        """Return the known value that `text` spells, whatever its case and separators."""
        known = cls._value2member_map_.get(text)
        if known is not None:
            return cast("Self", known)  # as nearly every value is spelled
        wanted = normal_form(text)
        return next((member for member in cls if normal_form(member) == wanted), None)


def normal_form(text: str) -> str:
    """Return `text` without case, spaces, hyphens and underscores: what comparisons go by."""
    return text.casefold().replace("_", "").replace("-", "").replace(" ", "").strip()
