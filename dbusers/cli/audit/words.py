"""What the audit's commands tell people on standard error, and how they end with an error."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.text import Text

from dbusers.audit.plan import Plan
from dbusers.audit.report.text import duration
from dbusers.cli.exits import ExitCode, end, fail
from dbusers.cli.output import printable
from dbusers.errors import DbusersError


class Voice:
    """Says things on standard error, unless it is to be quiet."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.console: Console = Console(stderr=True, markup=False, highlight=False, emoji=False)

    @property
    def can_draw(self) -> bool:
        """Tell whether there is somebody to draw bars for; on a dumb terminal rich draws none."""
        return not self.quiet and self.console.is_terminal

    def say(self, line: str) -> None:
        """Say a line; above the bars, where there are some."""
        if not self.quiet:
            self.console.print(Text(printable(line)), soft_wrap=not self.console.is_terminal)


@contextmanager
def errors_in_lines() -> Iterator[None]:
    """End the command with a line for each problem where the SDK or the audit raises an error.

    SIGTERM, by which machines stop a program, is taken like Ctrl-C.
    """
    try:
        with _terminated_as_interrupted():
            yield
    except DbusersError as error:
        fail(error)
    except KeyboardInterrupt:
        end("interrupted", ExitCode.INTERRUPTED)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # where no handler can be set
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_: int, frame: FrameType | None) -> None:
    handler = signal.getsignal(signal.SIGINT)  # asyncio has its own, which cancels first
    if callable(handler):
        handler(signal.SIGINT, frame)
    else:  # ignored, as by the background jobs of a shell
        raise KeyboardInterrupt


def counted(number: int, noun: str) -> str:
    """Return "1 database" or "1,204 databases"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def plan_in_words(plan: Plan) -> str:
    """Return in one line what a plan comes to."""
    least = "" if plan.exact else "at least "
    said = (
        f"{counted(plan.databases, 'database')}, {least}{counted(plan.requests, 'request')} "
        f"with {counted(len(plan.tokens), 'token')}"
    )
    if plan.slowest is None or plan.floor == 0:
        return f"{said}, within the rate limits at once"
    whose = f", for {plan.slowest.name}" if len(plan.tokens) > 1 else ""
    return f"{said}, no less than {duration(plan.floor)} under the rate limits{whose}"
