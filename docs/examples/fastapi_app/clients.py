"""The clients that the app opens, and what each of its workers may send."""

import os
from collections.abc import Iterable

from dbusers import (
    DigitalOceanClient,
    RateLimit,
    RetryOption,
    ScalingoClient,
    TimeoutOption,
    Window,
)
from dbusers.digitalocean.client import WINDOWS as DIGITALOCEAN_WINDOWS
from dbusers.scalingo.client import WINDOWS as SCALINGO_WINDOWS

# Somebody waits for the answer: two repetitions, and no attempt of half a minute.
OPTIONS = (TimeoutOption(attempt=8), RetryOption(max_retries=2))


def digitalocean() -> DigitalOceanClient:
    """Make the client of this worker; its token is in the environment."""
    return DigitalOceanClient(options=OPTIONS, rate_limit=share_of(DIGITALOCEAN_WINDOWS))


def scalingo() -> ScalingoClient:
    """Make the client of this worker; its token is in the environment."""
    return ScalingoClient(options=OPTIONS, rate_limit=share_of(SCALINGO_WINDOWS))


def share_of(windows: Iterable[Window]) -> RateLimit:
    """Return this worker's share of a token's budget: each process counts for itself alone.

    `WEB_CONCURRENCY` is the number of workers, to uvicorn and gunicorn too.
    """
    workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
    return RateLimit([Window(max(1, w.requests // workers), w.seconds) for w in windows])
