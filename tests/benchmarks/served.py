"""`served`: the server as a process, and what its books say at the end."""

import os
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import attrs
import orjson

TIMEOUT: Final = 10.0  # seconds, for the books


@attrs.frozen
class Books:
    """What the server was asked, each by its method, path and Authorization header."""

    cpu: float  # seconds, of the server's process
    requests: Mapping[str, int]
    connections: Mapping[str, int]  # by Authorization header

    @property
    def cpu_per_request(self) -> float:
        """The seconds of CPU that one answer took."""
        return self.cpu / sum(self.requests.values())

    def check(self, asked: Counter[str]) -> None:
        """Raise `AssertionError` unless exactly what was `asked` for arrived."""
        wrong = {
            key: (asked[key], self.requests.get(key, 0))
            for key in asked.keys() | self.requests.keys()
            if asked[key] != self.requests.get(key, 0)
        }
        if wrong:
            key, (times, arrived) = next(iter(wrong.items()))
            raise AssertionError(
                f"{len(wrong)} requests were not sent as asked; {key}: {times}, arrived {arrived}"
            )


@attrs.frozen
class Server:
    """A server that runs."""

    url: str

    def books(self) -> Books:
        """Return what it was asked until now."""
        with urllib.request.urlopen(f"{self.url}/report", timeout=TIMEOUT) as answer:
            said: dict[str, Any] = orjson.loads(answer.read())
        return Books(**said)


@contextmanager
def served(answers: str) -> Iterator[Server]:
    """Run a server that gives these `ANSWERS` of `server`."""
    command = [sys.executable, "-m", "tests.benchmarks.server", answers]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process, _apart(process):
        assert process.stdout is not None
        try:
            yield Server(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.kill()


@contextmanager
def _apart(process: subprocess.Popen[str]) -> Iterator[None]:
    """Keep the server off the core of this process, where the system can do that.

    By itself it wakes the server where the client runs: two of three requests were interrupted, and
    the floor took half as much again.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) < 2:
        yield
        return
    os.sched_setaffinity(process.pid, cores[1:])
    os.sched_setaffinity(0, cores[:1])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
