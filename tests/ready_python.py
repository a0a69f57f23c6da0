"""A Python that has imported the command already, so that a program starts at once.

An interpreter takes a second to import the command, and tests of shells, of terminals and of
`kill -9` need dozens of processes. `ready_python()` is called as `python` is: with `-c`, with `-m`,
with a file or with a program on standard input, `-W error` before it. It hands over its arguments,
folder, environment and standard streams to one process that waits, which forks: that is the
program, in a session of its own. It ends as the program ends, and the program is killed where it
is killed.
"""

import atexit
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
CALLER: Final = """
import os, signal, socket, sys

signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
with socket.socket(socket.AF_UNIX) as waiting:
    waiting.connect(sys.argv[1])
    socket.send_fds(waiting, [b"."], [0, 1, 2])
    program = (sys.argv[2:], os.getcwd(), dict(os.environ))
    waiting.sendall(ascii(program).encode() + b"\\n")
    ended = os.waitstatus_to_exitcode(int(waiting.makefile().readline()))
if ended < 0:
    os.kill(os.getpid(), -ended)
sys.exit(ended)
"""


@cache
def ready_python() -> str:
    """Return the path of such a Python; it works for as long as this process lives."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    address, caller, python = (Path(folder.name, name) for name in ("socket", "caller", "python"))
    caller.write_text(CALLER)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS {caller} {address} "$@"\n')
    python.chmod(0o755)
    waiting = subprocess.Popen(
        [sys.executable, "-m", "tests.forking", address],
        # What the imported modules read from the environment must not come from whoever tests.
        env={"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    atexit.register(waiting.communicate)  # closes its input, which ends it
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == b"ready\n"
    return str(python)
