"""A clock that stands still until a test moves it."""

import asyncio


class ManualClock:
    """Time that passes only when a test says so, or when somebody sleeps on it.

    `Sandbox(clock=clock)` takes it, to cross the end of a rate-limit window or of a bearer's hour
    without waiting; the SDK's clients take it too (`sandbox.digitalocean(clock=clock)`), and then
    wait for a rate limit or a retry in no time: their `sleep` moves the clock on and returns.
    """

    def __init__(self, start: float = 1_767_225_600.0) -> None:
        """Start at `start`, in seconds since the epoch (2026-01-01T00:00:00Z unless given)."""
        self._now = start

    def __call__(self) -> float:
        """Return the present, in seconds since the epoch."""
        return self._now

    def __repr__(self) -> str:
        return f"ManualClock({self._now!r})"

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass; raises `ValueError` when they are negative."""
        if seconds < 0:
            raise ValueError("a clock goes forward only")
        self._now += seconds

    def time(self) -> float:
        """Return the present, in seconds since the epoch."""
        return self._now

    def monotonic(self) -> float:
        """Return the same as `time`: this clock is never set back."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Move the clock on by `seconds` without waiting; those who sleep together overlap."""
        wake_at = self._now + seconds
        await asyncio.sleep(0)
        self._now = max(self._now, wake_at)
