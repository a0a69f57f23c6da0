"""The search for secrets in whatever the run prints, logs or raises."""

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Final

from tests import canary

PEM: Final = "-----BEGIN"
# How the sandbox's secrets begin: DigitalOcean's passwords and tokens, PEM, Scalingo's API token
# (as it is, and in basic authentication), JWTs; and the passwords that the soak itself sets.
MARKS: Final = (
    "AVNS_",
    "dop_v1_",
    PEM,
    "tk-us-",
    b64encode(b":tk-us").decode(),
    "eyJhbGciOi",
    canary.MARK,
)
MARKED: Final = tuple(mark.encode() for mark in MARKS)
PASSWORD: Final = re.compile(rb'"password": ?"([^"]+)"')
PIECE: Final = 12  # characters of a secret that are enough to know it by
SHOWN: Final = 200  # characters of a line with a secret in it
RUN: Final = re.compile(rf"[\w-]{{{PIECE},}}")


class Leaks:
    """Knows the secrets, and keeps the lines in which one was found."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.searched = 0
        self._pieces: set[str] = set()

    def learn(self, body: bytes) -> None:
        """Take note of the passwords in an answer: Scalingo's have no mark."""
        for password in PASSWORD.findall(body):
            if not password.startswith(MARKED):
                self._pieces.add(password[:PIECE].decode())

    def search(self, text: str) -> None:
        """Keep the lines of the text that show a secret, without it."""
        self.searched += 1
        self.found += [_without_secrets(line) for line in text.splitlines() if self._shows(line)]

    def _shows(self, line: str) -> bool:
        if any(mark in line for mark in MARKS):
            return True
        return any(piece in self._pieces for run in RUN.findall(line) for piece in _pieces(run))


def _without_secrets(line: str) -> str:
    return RUN.sub("…", line.partition(PEM)[0])[:SHOWN]


def _pieces(run: str) -> Iterator[str]:
    return (run[start : start + PIECE] for start in range(len(run) - PIECE + 1))


def prove() -> Iterator[str]:
    """Yield what the search would not find."""
    password = "kX3-Qm_9ZtR7vLw0bYc2NdHs5JfGpAeU"
    for secret in (password, *MARKS):
        leaks = Leaks()
        leaks.learn(b'{"name": "app", "password": "%s"}' % password.encode())
        leaks.search(f"an error\nwith token={secret!r} in it")
        if len(leaks.found) != 1:
            yield "a planted secret was not found"
