"""`ABSENT`: the field was not in the answer, which is neither null nor empty.

A read that leaves `settings` out does not say that there are none, so every optional field of a
model is a `Maybe[T]`: a value, `None` (the answer said null) or `ABSENT` (it said nothing).
`ABSENT` is falsy, and a type checker narrows on `is ABSENT`.
"""

import enum
from typing import Final, Literal, TypeVar, Union

T = TypeVar("T")


class Absent(enum.Enum):
    """The type of `ABSENT`."""

    ABSENT = "absent"

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT

# `Union`, not `|`: a type variable on the left of `|` is not subscriptable in an alias on 3.11.
Maybe = Union[T, None, Absent]  # noqa: UP007
