"""What a doctor finds: one `Finding` for each thing that was looked at."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import attrs

from dbusers.cli.exits import ExitCode

NO_FACTS: Final[Mapping[str, Any]] = MappingProxyType({})


class State(StrEnum):
    """How a thing is; `unknown` where it cannot be told without changing something."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@attrs.frozen
class Finding:
    """What was found of one thing.

    - `account`: whose token it is about, None for what is common to all.
    - `check`: "configuration", "host", "answer", "token", "scope", "limit" or "clock".
    - `subject`: the host or the scope; None where `check` says it all.
    - `advice`: what to do, None where nothing is to be done or nobody knows what.
    - `facts`: the same for programs; which ones depends on `check`.
    - `ends`: the exit code if it has failed.
    """

    account: str | None
    check: str
    state: State
    found: str
    advice: str | None = None
    subject: str | None = None
    facts: Mapping[str, Any] = NO_FACTS
    ends: ExitCode = ExitCode.FAILED


def exit_code(findings: list[Finding]) -> ExitCode:
    """Return 2 if the configuration or a token has failed, 1 if anything else has, else 0."""
    codes = {finding.ends for finding in findings if finding.state is State.FAILED}
    return ExitCode.USAGE if ExitCode.USAGE in codes else max(codes, default=ExitCode.OK)
