"""What the Tab key offers as values; from this machine alone, and at once."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Final

Candidate = str | tuple[str, str]
"""A value, or a value and what it means."""
Complete = Callable[..., list[Candidate]]

REGIONS: Final = ("osc-fr1", "osc-secnum-fr1")
MONGO_ROLES: Final = ("readOnly", "readWrite", "dbAdmin")
AUTH_PLUGINS: Final = ("caching_sha2_password", "mysql_native_password")


def one_of(values: Iterable[Candidate]) -> Complete:
    """Return what completes a value that is one of these."""
    return lambda: list(values)


def or_nothing(complete: Callable[..., Iterable[Candidate]]) -> Complete:
    """Return `complete` with every error taken for "nothing to offer"."""

    @wraps(complete)  # the shell's word and context are passed by the names of its parameters
    def quietly(*arguments: Any, **keywords: Any) -> list[Candidate]:
        try:
            return list(complete(*arguments, **keywords))
        except Exception:  # whatever goes wrong, an error must not stand in somebody's prompt
            return []

    return quietly
