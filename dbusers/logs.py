"""What the SDK logs, by logger and level; without a program that sets up logging, nothing.

    dbusers.http        DEBUG    each attempt that came to an end, also those that fetch bearers
    dbusers.retry       INFO     each repetition, before its delay
    dbusers.ratelimit   INFO     a wait of a second or more for a token's budget, when it begins
                        WARNING  one that the minute's window does not explain; a 429

A line has the method, the template of the URL, the status, times, and the headers of the answer
that `SHOWN_HEADERS` allows: no URL, query or body, and no name of a database or user.
"""

import logging
from collections.abc import Iterator
from typing import Final

from dbusers.deadline import Progress
from dbusers.errors import DbusersError
from dbusers.request import RequestInformation
from dbusers.response import Response

# Else Python prints warnings to stderr where nobody has set up logging.
logging.getLogger("dbusers").addHandler(logging.NullHandler())
HTTP_LOG: Final = logging.getLogger("dbusers.http")

SHOWN_HEADERS: Final = (
    "x-request-id",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "content-type",
)


def log_attempt(
    request: RequestInformation, outcome: Response | DbusersError, at: Progress, seconds: float
) -> None:
    """Log one attempt that took so many seconds; for callers that have asked for the level."""
    if isinstance(outcome, Response):
        ended = " ".join([str(outcome.status), *_shown(outcome)])
    else:
        ended = type(outcome).__name__
    HTTP_LOG.debug(
        "%s %s: attempt %d, waited %.3f s, took %.3f s: %s",
        request.method,
        request.route or "a raw URL",
        at.attempts,
        at.waited,
        seconds,
        ended,
    )


def _shown(response: Response) -> Iterator[str]:
    for name in SHOWN_HEADERS:
        value = response.printable(response.headers.get(name))
        if value is not None:
            yield f"{name}={value!r}"
