"""The command on a terminal: a pseudo-terminal with a person at it, who may answer."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
from collections.abc import Mapping
from typing import NamedTuple

from tests.ready_python import ready_python

SILENCE = 1  # seconds without a character, after which an answer is typed again
PATIENCE = 30  # seconds of silence in all, after which the command hangs
QUIET = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "TERM": "xterm-256color"}


COMMAND = """
from dbusers.cli import main
main()
"""
# The same rules and the same fleet, but answers that nobody has to wait for.
QUICK_DEMO = (
    """
import dbusers.cli.demo
from dbusers import RetryOption
dbusers.cli.demo.ANSWER_TIME = 0.001
dbusers.cli.demo.RETRY = RetryOption(max_retries=2, base_delay=0)
"""
    + COMMAND
)
# The terminal becomes the session's own, so that Ctrl-C is an interrupt.
LAUNCH = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
"""


class Screen(NamedTuple):
    """What the command wrote to its terminal, and how it ended."""

    text: str
    exit_code: int


def run_on_terminal(
    *arguments: str,
    program: str = COMMAND,
    environment: Mapping[str, str] | None = None,
    answer: tuple[str, str] | None = None,
    columns: int = 80,
) -> Screen:
    """Run the command; `answer` is what to wait for on the screen, and what to type then."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [ready_python(), "-c", LAUNCH + program, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**QUIET, **(environment or {})},
        start_new_session=True,
    )
    os.close(theirs)
    with process:
        try:
            text = _read_all(ours, answer)
        except TimeoutError:
            process.kill()
            raise
        finally:
            os.close(ours)
    return Screen(text.replace("\r\n", "\n"), process.returncode)


def _read_all(terminal: int, answer: tuple[str, str] | None) -> str:
    prompt, typed = answer or ("", "")
    seen = b""
    silences = 0
    asked = False
    while True:
        if not select.select([terminal], [], [], SILENCE)[0]:
            silences += 1
            if silences * SILENCE > PATIENCE:
                raise TimeoutError(f"the command hangs after {seen.decode(errors='replace')!r}")
            if asked:
                # An interrupt that comes just before `input()` begins to wait is not heard until it
                # returns; a person presses again.
                os.write(terminal, typed.encode())
            continue
        try:
            piece = os.read(terminal, 65_536)
        except OSError:  # how Linux tells that the other side has closed
            piece = b""
        if not piece:
            return seen.decode()
        seen += piece
        if typed and not asked and prompt.encode() in seen:
            asked = True
            os.write(terminal, typed.encode())
