"""`served`: the server as a process, and what its books say at the end."""

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
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Server(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.kill()
