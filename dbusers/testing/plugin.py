"""The fixtures for pytest, found by entry point: a sandbox, clients wired to it, and their clock.

None of them is a coroutine, so they work with any plug-in for asyncio, in any mode, and with none.
Override one in your `conftest.py` to have it differently: the others follow.
"""

from typing import TYPE_CHECKING

import pytest

from dbusers import testing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbusers.digitalocean.client import DigitalOceanClient
    from dbusers.scalingo.client import ScalingoClient

_LONGER_THAN_ANY_WINDOW = 86_400.0  # seconds


@pytest.fixture
def dbusers_clock() -> "Iterator[testing.ManualClock]":
    """Make the time of sandbox and clients, which jumps over waits: `dbusers_clock.advance(60)`.

    Rate limits, retries and the lives of bearers go by it, so nobody waits for them.
    """
    clock = testing.ManualClock()
    yield clock
    # The process remembers a token's budget until its last window is open again, on this clock.
    clock.advance(_LONGER_THAN_ANY_WINDOW)


@pytest.fixture
def dbusers_sandbox(dbusers_clock: "testing.ManualClock") -> "Iterator[testing.Sandbox]":
    """Serve both providers' APIs on a local port, with 20 databases and 200 users, for one test."""
    with testing.Sandbox(clock=dbusers_clock) as sandbox:
        yield sandbox


@pytest.fixture
def dbusers_environment(
    dbusers_sandbox: "testing.Sandbox", monkeypatch: pytest.MonkeyPatch
) -> "testing.Sandbox":
    """Have clients that the code makes for itself use the sandbox, by environment variables.

    Such clients go by the machine's clock, unless the code gives them another.
    """
    for name, value in dbusers_sandbox.environment.items():
        monkeypatch.setenv(name, value)
    return dbusers_sandbox


@pytest.fixture
def digitalocean_client(
    dbusers_sandbox: "testing.Sandbox", dbusers_clock: "testing.ManualClock"
) -> "DigitalOceanClient":
    """Make a `DigitalOceanClient` of the sandbox, for one event loop; it need not be closed."""
    return dbusers_sandbox.digitalocean(clock=dbusers_clock)


@pytest.fixture
def scalingo_client(
    dbusers_sandbox: "testing.Sandbox", dbusers_clock: "testing.ManualClock"
) -> "ScalingoClient":
    """Make a `ScalingoClient` of the sandbox, for one event loop; it need not be closed."""
    return dbusers_sandbox.scalingo(clock=dbusers_clock)
