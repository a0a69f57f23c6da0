"""How a command ends: its exit code, and one line that says what to do."""

import asyncio
from collections.abc import Coroutine
from enum import IntEnum
from typing import Any, NoReturn, TypeVar

import typer

from dbusers.cli.output import printable
from dbusers.errors import (
    ConfigurationError,
    ConnectionFailed,
    DbusersError,
    Forbidden,
    InvalidRequest,
    RateLimited,
    RequestTimedOut,
    Unauthorized,
)

T = TypeVar("T")


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
        end(_line(error), exit_code(error))
    except KeyboardInterrupt:
        end("interrupted", ExitCode.INTERRUPTED)


def end(line: str, code: ExitCode) -> NoReturn:
    """End the command with a line on stderr."""
    typer.echo(f"dbusers: {printable(line)}", err=True)
    raise typer.Exit(code)


def exit_code(error: DbusersError) -> ExitCode:
    """Return the exit code for an error: 2 where the caller can put it right."""
    if isinstance(error, ConfigurationError | InvalidRequest | Unauthorized | Forbidden):
        return ExitCode.USAGE
    return ExitCode.FAILED


def _line(error: DbusersError) -> str:
    advice = _advice(error)
    return f"{error}; {advice}" if advice else str(error)


def _advice(error: DbusersError) -> str | None:
    match error:
        case Unauthorized():
            return "check the token in the environment"
        case Forbidden():
            return "the token lacks the scope for this call"
        case RateLimited():
            seconds = error.retry_after
            wait = "a minute" if seconds is None else f"{seconds:.0f} s"
            return f"too many requests with this token: try again in {wait}"
        case ConnectionFailed():
            return "check the network and the URL"
        case RequestTimedOut() if error.sent and not error.retryable:
            return "it may have been done all the same: look before you repeat it"
        case _:
            return None
