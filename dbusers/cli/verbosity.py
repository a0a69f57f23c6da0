"""`--verbose`: the SDK's own log on standard error; it may stand before a command or after it."""

import logging
import sys
from contextlib import suppress
from typing import Final

import typer

from dbusers.cli.output import printable

VERBOSE: Final = ("--verbose", "-v")
LINE: Final = "%(asctime)s %(name)s %(message)s"


def verbose_first(words: list[str]) -> list[str]:
    """Return the words of a command line with `--verbose` in front, if it is among them.

    Behind `--` it is a name, and stays where it is.
    """
    end = words.index("--") if "--" in words else len(words)
    others = [word for word in words[:end] if word not in VERBOSE]
    return words if len(others) == end else [VERBOSE[0], *others, *words[end:]]


class _OnStandardError(logging.Handler):
    """Looks for the stream with each line: the bars of an audit put theirs in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the record. A stream that is closed is no reason for a call to fail."""
        with suppress(OSError):
            print(printable(self.format(record)), file=sys.stderr)


def log_to_standard_error(ctx: typer.Context) -> None:
    """Print everything that is logged under `dbusers` until the command ends."""
    log = logging.getLogger("dbusers")
    handler = _OnStandardError()
    handler.setFormatter(logging.Formatter(LINE, datefmt="%H:%M:%S"))
    level = log.level

    def end() -> None:
        log.removeHandler(handler)
        log.setLevel(level)

    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    ctx.call_on_close(end)
