"""`Model`: what every model of a provider's wire has in common."""

from collections.abc import Mapping
from typing import Any

import attrs

from dbusers.absent import ABSENT


@attrs.frozen(repr=False)
class Model:
    """A frozen value read from JSON, or to be written as JSON.

    `additional_data` holds the fields that the class does not name; they are written back. The
    repr shows the named fields that are there: an unknown one may be a secret.
    """

    additional_data: Mapping[str, Any] = attrs.field(factory=dict, hash=False, kw_only=True)

    def __repr__(self) -> str:
        shown = (
            f"{field.name}={value!r}"
            for field in attrs.fields(type(self))
            if field.repr
            and field.name != "additional_data"
            and (value := getattr(self, field.name)) is not ABSENT
        )
        return f"{type(self).__name__}({', '.join(shown)})"
