"""How a command ends: its exit code, and one line that says what to do.

The facts of an error that the line leaves out are logged, and so shown by `--verbose`.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from enum import IntEnum
from typing import Any, Final, NoReturn, TypeVar

import typer

from dbusers.cli.output import printable
from dbusers.errors import (
    ConfigurationError,
    ConnectionFailed,
    DbusersError,
    Forbidden,
    InvalidRequest,
    NotFound,
    RateLimited,
    RequestTimedOut,
    ServerError,
    Unauthorized,
    UnexpectedBody,
)

T = TypeVar("T")
LOG: Final = logging.getLogger(__name__)
MAYBE_DONE: Final = "it may have been done all the same: look before you repeat it"
FACTS: Final = (
    "status",
    "request_id",
    "attempts",
    "retries",
    "gave_up",
    "phase",
    "sent",
    "retry_after",
    "retryable",
)


class ExitCode(IntEnum):
    """What the command says to the shell."""

    OK = 0
    FAILED = 1
    USAGE = 2
    INCOMPLETE = 3
    INTERRUPTED = 130


def run(work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` does; an error of the SDK ends the command with one line on stderr."""
    try:
        return asyncio.run(work)
    except DbusersError as error:
        fail(error)
    except KeyboardInterrupt:
        end("interrupted", ExitCode.INTERRUPTED)


def fail(error: DbusersError) -> NoReturn:
    """End the command with an error: a line for each problem, and what to do."""
    LOG.debug("%s %s", type(error).__name__, " ".join(_facts(error)))
    *others, last = in_words(error).splitlines() or [type(error).__name__]
    for line in others:
        typer.echo(f"dbusers: {printable(line)}", err=True)
    end(last, exit_code(error))


def end(line: str, code: ExitCode) -> NoReturn:
    """End the command with a line on stderr."""
    typer.echo(f"dbusers: {printable(line)}", err=True)
    raise typer.Exit(code)


def exit_code(error: DbusersError) -> ExitCode:
    """Return the exit code for an error: 2 where the caller can put it right."""
    if isinstance(error, ConfigurationError | InvalidRequest | Unauthorized | Forbidden):
        return ExitCode.USAGE
    return ExitCode.FAILED


def in_words(error: DbusersError) -> str:
    """Return what went wrong, and what to do where something is known."""
    known = advice(error)
    return f"{error}; {known}" if known else str(error)


def advice(error: DbusersError) -> str | None:  # noqa: PLR0911  (a table)
    """Return what to do about an error, None where its message says all that is known."""
    match error:
        case Unauthorized():
            return "check the token"
        case Forbidden():
            return "the token lacks the scope for this call"
        case RateLimited():
            seconds = error.retry_after
            wait = "a minute" if seconds is None else f"{seconds:.0f} s"
            return f"too many requests with this token: try again in {wait}"
        case NotFound():
            return "`dbusers databases list` and `dbusers users list` show what there is"
        case ServerError() if error.retryable:
            return "the provider has a problem: try again later"
        case ServerError():
            return MAYBE_DONE
        case ConnectionFailed() | RequestTimedOut() if error.sent and not error.retryable:
            return MAYBE_DONE
        case ConnectionFailed():
            return "check the network and the URL; `dbusers doctor` says how far it gets"
        case RequestTimedOut():
            return "try again; `dbusers doctor` says how far it gets"
        case UnexpectedBody():
            return "a proxy may have answered, or a newer dbusers is needed"
        case _:
            return None


def _facts(error: DbusersError) -> Iterator[str]:
    for name in FACTS:
        value = getattr(error, name, None)
        if value not in (None, ()):
            yield f"{name}={value!r}"
