"""The process behind `ready_python`: it has imported the command, and forks for each caller.

For a caller it forks a keeper, and that the program: somebody has to wait for the program, and to
watch whether its caller is still there.
"""

import ast
import gc
import os
import runpy
import select
import signal
import socket
import sys
import traceback
import warnings
from typing import NoReturn

from typer.testing import CliRunner

from dbusers.cli.app import app


def wait_for_callers(address: str) -> None:
    """Fork for each caller, until standard input ends."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen()
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the keepers
    while listening.fileno() in select.select([listening.fileno(), 0], [], [])[0]:
        connection, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            keep(connection)
        connection.close()
    listening.close()


def keep(connection: socket.socket) -> NoReturn:
    """Fork the program that the caller wants, and tell how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, *_ = socket.recv_fds(connection, 1, 3)
    with connection.makefile() as sent:
        arguments, folder, environment = ast.literal_eval(sent.readline())
    ends, _open_while_it_runs = os.pipe()
    program = os.fork()
    if program == 0:
        connection.close()
        os.setsid()
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        adopt(streams)
        end(run_to_its_end(arguments))
    for stream in (*streams, _open_while_it_runs):
        os.close(stream)
    if connection.fileno() in select.select([connection.fileno(), ends], [], [])[0]:
        os.kill(program, signal.SIGKILL)  # as its caller was
    else:
        connection.sendall(b"%d\n" % os.waitpid(program, 0)[1])
    os._exit(0)


def adopt(streams: list[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = os.fdopen(0, closefd=False)
    buffering = 1 if os.isatty(1) else -1  # lines for people
    sys.stdout = os.fdopen(1, "w", buffering, closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, errors="backslashreplace", closefd=False)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def run_to_its_end(arguments: list[str]) -> object:
    """Return the program's exit code, as it gives it to `sys.exit`."""
    try:
        run(arguments)
    except SystemExit as ended:
        return ended.code
    except BaseException:  # what an interpreter does with whatever a program raises
        traceback.print_exc()
        return 1
    return None


def end(code: object) -> NoReturn:
    """End the process without freeing what was imported, which takes longer than most programs."""
    if isinstance(code, str):
        print(code, file=sys.stderr)
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else code is not None)


def run(arguments: list[str]) -> None:
    """Do what Python does with these arguments."""
    if arguments[:2] == ["-W", "error"]:
        warnings.simplefilter("error")
        del arguments[:2]
    sys.path[0] = os.getcwd()
    match arguments:
        case ["-m", module, *_]:
            sys.argv = arguments[1:]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case ["-c", program, *rest]:
            sys.argv = ["-c", *rest]
            exec(compile(program, "<string>", "exec"), {"__name__": "__main__"})
        case [file, *_]:
            sys.argv = arguments
            runpy.run_path(file, run_name="__main__")
        case _:
            sys.argv = [""]
            exec(compile(sys.stdin.read(), "<stdin>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    CliRunner().invoke(app, ["audit", "checks"])  # for what is imported on first use
    gc.freeze()  # nothing of it is looked at again by each program's collections
    wait_for_callers(sys.argv[1])
