"""Finding a planted secret in whatever an error, a log or a repr shows."""

import traceback
from collections.abc import Iterable, Iterator

from dbusers import DbusersError

TOKEN = "canary-token-9a41"
PASSWORD = "canary password \\ 5e7b é"
GENERATED = "canary-generated-31cd"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\ncanary-cert-77f0"
MARK = "canary-"  # all but PASSWORD, whose own mark is below
PASSWORD_MARK = "canary password"


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and everything that hangs on it, suppressed contexts included."""
    waiting, seen = [error], set[int]()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        linked = [current.__cause__, current.__context__]
        waiting += [each for each in linked if each is not None]
        if isinstance(current, BaseExceptionGroup):
            waiting += current.exceptions


def shown_by(error: BaseException) -> str:
    """Return all that a careful reporter would print: messages, facts, frames and their locals."""
    parts: list[str] = []
    for each in chain_of(error):
        printed = traceback.TracebackException.from_exception(each, capture_locals=True)
        parts += printed.format(chain=False)
        parts += [str(each), repr(each), repr(each.args)]
        if isinstance(each, DbusersError):
            parts.append(repr(vars(each)))
    return "\n".join(parts)


def leaks(texts: Iterable[str]) -> list[str]:
    """Return the lines that show a planted secret."""
    return [
        line
        for text in texts
        for line in text.splitlines()
        if MARK in line or PASSWORD_MARK in line or "canary\\u0020" in line
    ]
