"""What the Tab key offers as values; from this machine alone, and at once."""

import shlex
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
    """Return `complete` with every error taken for "nothing to offer".

    Nor is a value offered that a shell would read as more than a word: it comes from a file, which
    may be anyone's, and would stand in a prompt as it is.
    """

    @wraps(complete)  # the shell's word and context are passed by the names of its parameters
    def quietly(*arguments: Any, **keywords: Any) -> list[Candidate]:
        try:
            return [each for each in complete(*arguments, **keywords) if _is_one_word(each)]
        except Exception:  # whatever goes wrong, an error must not stand in somebody's prompt
            return []

    return quietly


def _is_one_word(candidate: Candidate) -> bool:
    value = candidate if isinstance(candidate, str) else candidate[0]
    return shlex.quote(value) == value
