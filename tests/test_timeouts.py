"""One timer for all attempts: each ends when its own time is up, and nobody else's."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from dbusers.timeouts import Timeouts


class Hours:
    """The running loop's time, which moves only when it is told to, and what timers were set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loop = asyncio.get_running_loop()
        self.now = 1000.0
        self.timers: list[float] = []
        set_timer = self.loop.call_at

        def call_at(
            when: float, callback: Callable[..., None], *args: Any, **keywords: Any
        ) -> asyncio.TimerHandle:
            self.timers.append(when)
            return set_timer(when, callback, *args, **keywords)

        monkeypatch.setattr(self.loop, "time", lambda: self.now)
        monkeypatch.setattr(self.loop, "call_at", call_at)

    async def pass_until(self, now: float) -> None:
        self.now = now
        for _ in range(5):  # the loop looks at its timers in each
            await asyncio.sleep(0)


@pytest.fixture
async def hours(monkeypatch: pytest.MonkeyPatch) -> Hours:
    return Hours(monkeypatch)


class Attempt:
    """A task that waits for good, within so many seconds."""

    def __init__(self, timeouts: Timeouts, hours: Hours, seconds: float) -> None:
        self.alone: bool | None = None
        self.still_cancelled = 0
        self.task = asyncio.create_task(self._wait(timeouts, hours, seconds))

    async def _wait(self, timeouts: Timeouts, hours: Hours, seconds: float) -> None:
        timeout = timeouts.start(hours.loop, seconds)
        try:
            await hours.loop.create_future()
        except asyncio.CancelledError:
            self.alone = timeout.is_alone()
        finally:
            timeouts.end(timeout)
            self.still_cancelled = self.task.cancelling()

    @classmethod
    async def begun(cls, timeouts: Timeouts, hours: Hours, seconds: float) -> "Attempt":
        attempt = cls(timeouts, hours, seconds)
        await asyncio.sleep(0)
        return attempt

    async def finish(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


async def test_an_attempt_ends_when_its_time_is_up(hours: Hours) -> None:
    attempt = await Attempt.begun(Timeouts(), hours, 30)

    await hours.pass_until(1029.9)
    assert not attempt.task.done()
    await hours.pass_until(1030)
    assert attempt.task.done()
    assert attempt.alone
    assert attempt.still_cancelled == 0  # and the task goes on as if nothing had been


async def test_attempts_of_one_length_share_a_timer(hours: Hours) -> None:
    timeouts = Timeouts()
    attempts = [await Attempt.begun(timeouts, hours, 30) for _ in range(100)]
    await hours.pass_until(1010)
    attempts += [await Attempt.begun(timeouts, hours, 30) for _ in range(100)]
    await hours.pass_until(1030)

    assert [attempt.task.done() for attempt in attempts] == [True] * 100 + [False] * 100
    assert hours.timers == [1030, 1040]
    await hours.pass_until(1040)
    assert all(attempt.alone for attempt in attempts)


async def test_a_shorter_attempt_ends_before_those_that_began_earlier(hours: Hours) -> None:
    timeouts = Timeouts()
    long = await Attempt.begun(timeouts, hours, 30)
    short = await Attempt.begun(timeouts, hours, 2)

    await hours.pass_until(1002)
    assert (short.alone, long.task.done()) == (True, False)
    await hours.pass_until(1030)
    assert long.alone


async def test_what_has_ended_is_left_alone(hours: Hours) -> None:
    timeouts = Timeouts()
    timeouts.end(timeouts.start(hours.loop, 30))

    await hours.pass_until(1031)
    await hours.pass_until(1100)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert hours.timers == [1030]  # and none is set again for nothing


async def test_a_cancellation_by_somebody_else_is_not_taken_for_the_timeout(hours: Hours) -> None:
    attempt = await Attempt.begun(Timeouts(), hours, 30)
    await hours.pass_until(1010)

    await attempt.finish()
    assert attempt.alone is False
    assert attempt.still_cancelled == 1


async def test_a_cancellation_beside_the_timeout_is_kept(hours: Hours) -> None:
    attempt = await Attempt.begun(Timeouts(), hours, 30)
    await hours.pass_until(1010)
    hours.loop.call_at(1030, attempt.task.cancel)

    await hours.pass_until(1030)
    assert attempt.alone is False
    assert attempt.still_cancelled == 1  # of two


async def test_closing_leaves_no_timer_behind(hours: Hours) -> None:
    timeouts = Timeouts()
    timeouts.end(timeouts.start(hours.loop, 30))
    timer = timeouts._timer
    assert timer is not None

    timeouts.close()
    assert timer.cancelled()


async def test_an_attempt_that_outlives_the_client_still_ends_in_time(hours: Hours) -> None:
    # Of a session that was passed in, say, which nobody closes.
    timeouts = Timeouts()
    attempt = await Attempt.begun(timeouts, hours, 30)
    timeouts.close()

    await hours.pass_until(1030)
    assert attempt.alone
    assert timeouts._timer is None


async def test_the_timer_does_not_keep_what_the_first_caller_knew(hours: Hours) -> None:
    class State:
        pass

    known: ContextVar[State] = ContextVar("known")

    async def first_caller() -> weakref.ref[State]:
        known.set(State())
        timeouts.end(timeouts.start(hours.loop, 30))
        return weakref.ref(known.get())

    timeouts = Timeouts()
    state = await asyncio.create_task(first_caller())
    later = await Attempt.begun(timeouts, hours, 60)
    await hours.pass_until(1030)

    assert hours.timers == [1030, 1060]
    gc.collect()
    assert state() is None
    await later.finish()


async def test_without_an_end_no_timer_is_set(hours: Hours) -> None:
    attempt = await Attempt.begun(Timeouts(), hours, float("inf"))

    await hours.pass_until(1_000_000)
    assert not attempt.task.done()
    assert hours.timers == []
    await attempt.finish()
