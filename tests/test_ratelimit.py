"""A token's budget, on a simulated clock: what is sent when, and to whom the waits go."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbusers import (
    ConfigurationError,
    DigitalOceanClient,
    RateLimit,
    RequestConfiguration,
    RetryOption,
    Window,
)
from dbusers.ratelimit import PAUSE
from dbusers.response import RateLimitState
from dbusers.windows import MARGIN
from tests.clocks import START, JumpingClock, SimulatedClock, StuckClock
from tests.raw_server import RawServer, answer

DIGITALOCEAN = (Window(250, 60), Window(5000, 3600))  # API introduction, "Rate limit"
SCALINGO = (Window(60, 60),)


class Senders:
    """Tasks that ask one budget for their turn, and when each of them had it."""

    def __init__(self, clock: SimulatedClock, *windows: Window) -> None:
        self.clock = clock
        self.limit = RateLimit(windows, clock=clock)
        self.sent: list[tuple[float, str]] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def add(self, *names: str) -> None:
        for name in names:
            self.tasks[name] = asyncio.create_task(self._send(name))

    async def _send(self, name: str) -> None:
        await self.limit.acquire()
        self.sent.append((self.clock.now - START, name))

    @property
    def times(self) -> list[float]:
        return [moment for moment, _ in self.sent]

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.sent]


@pytest.fixture
def simulated() -> SimulatedClock:
    return SimulatedClock()


def most_in_any(times: Sequence[float], seconds: float) -> int:
    """Return how many requests lie in the fullest window, whose ends do not both belong to it."""
    return max(sum(1 for moment in times if start <= moment < start + seconds) for start in times)


# The windows


async def test_a_free_budget_makes_nobody_wait(simulated: SimulatedClock) -> None:
    senders = Senders(simulated, Window(3, 60))
    senders.add("a", "b", "c")
    await simulated.settle()

    assert senders.times == [0, 0, 0]


async def test_the_next_waits_until_the_first_has_left_the_window(
    simulated: SimulatedClock,
) -> None:
    senders = Senders(simulated, Window(2, 60))
    senders.add("a")
    await simulated.run(until=START + 20)
    senders.add("b", "c", "d")
    await simulated.run()

    # Not at 60 and 60, as a counter that starts anew each minute would have it.
    assert senders.sent == [(0, "a"), (20, "b"), (60 + MARGIN, "c"), (80 + MARGIN, "d")]


@pytest.mark.parametrize(
    ("windows", "requests"),
    [(DIGITALOCEAN, 1300), (SCALINGO, 400)],
    ids=["digitalocean", "scalingo"],
)
async def test_the_providers_limits_hold_in_any_window(
    simulated: SimulatedClock, windows: tuple[Window, ...], requests: int
) -> None:
    senders = Senders(simulated, *windows)
    senders.add(*map(str, range(requests)))
    await simulated.run()

    assert len(senders.sent) == requests
    for window in windows:
        assert most_in_any(senders.times, window.seconds) <= window.requests


async def test_the_budget_is_used_up_and_not_only_kept(simulated: SimulatedClock) -> None:
    # The time floor for N requests is ceil(N / 250) - 1 minutes.
    senders = Senders(simulated, *DIGITALOCEAN)
    senders.add(*map(str, range(1001)))
    await simulated.run()

    assert 4 * 60 <= senders.times[-1] <= 4 * (60 + MARGIN) + 1


async def test_the_hour_holds_where_the_minute_would_not(simulated: SimulatedClock) -> None:
    senders = Senders(simulated, Window(10, 60), Window(25, 3600))
    senders.add(*map(str, range(60)))
    await simulated.run()

    assert most_in_any(senders.times, 3600) <= 25
    assert most_in_any(senders.times, 60) <= 10
    assert 2 * 3600 <= senders.times[-1] <= 2 * 3600 + 60


@settings(max_examples=50)
@given(st.lists(st.floats(0, 200), min_size=1, max_size=60), st.integers(1, 8))
def test_no_arrival_pattern_breaks_a_window(arrivals: list[float], allowed: int) -> None:
    async def play() -> Senders:
        clock = SimulatedClock()
        senders = Senders(clock, Window(allowed, 30), Window(allowed * 3, 200))
        for number, arrival in enumerate(sorted(arrivals)):
            await clock.run(until=START + arrival)
            senders.add(str(number))
        await clock.run()
        return senders

    senders = asyncio.run(play())
    assert senders.names == [str(number) for number in range(len(arrivals))]
    assert most_in_any(senders.times, 30) <= allowed
    assert most_in_any(senders.times, 200) <= allowed * 3


# Whose turn it is


async def test_who_asked_first_goes_first(simulated: SimulatedClock) -> None:
    senders = Senders(simulated, Window(3, 60))
    names = [f"{number:03}" for number in range(30)]
    senders.add(*names)
    await simulated.run()

    assert senders.names == names


async def test_who_gives_up_gives_the_turn_back(simulated: SimulatedClock) -> None:
    senders = Senders(simulated, Window(1, 60))
    senders.add("a", "gone")
    await simulated.settle()
    senders.tasks["gone"].cancel()
    await simulated.settle()

    senders.add("b")
    await simulated.run()
    assert senders.sent == [(0, "a"), (60 + MARGIN, "b")]


async def test_who_gives_up_never_makes_the_others_break_the_window(
    simulated: SimulatedClock,
) -> None:
    senders = Senders(simulated, Window(4, 60))
    names = [f"{number:03}" for number in range(60)]
    senders.add(*names)
    await simulated.settle()
    gone = set(random.Random(7).sample(names[4:], 25))  # the first four have gone already
    for name in gone:
        senders.tasks[name].cancel()
    senders.add("late")
    await simulated.run()

    assert senders.names == [*(name for name in names if name not in gone), "late"]
    assert most_in_any(senders.times, 60) <= 4


async def test_a_turn_that_is_given_back_is_used(simulated: SimulatedClock) -> None:
    # A thousand give up: who asks next is not to wait behind them.
    senders = Senders(simulated, Window(1, 60))
    names = [f"{number:03}" for number in range(1000)]
    senders.add("first", *names)
    await simulated.settle()
    for name in names:
        senders.tasks[name].cancel()
    await simulated.settle()
    senders.add("last")
    await simulated.run()

    assert senders.sent == [(0, "first"), (60 + MARGIN, "last")]


async def test_the_queue_moves_up_when_somebody_in_it_gives_up(
    simulated: SimulatedClock,
) -> None:
    senders = Senders(simulated, Window(1, 60))
    senders.add("a", "gone", "gone too", "b")
    await simulated.settle()
    for name in ("gone", "gone too"):
        senders.tasks[name].cancel()
    await simulated.run()

    assert senders.names == ["a", "b"]
    assert 60 < senders.times[1] < 62


# 429


async def test_a_429_pauses_everyone_for_as_long_as_it_says(simulated: SimulatedClock) -> None:
    senders = Senders(simulated, Window(2, 60), Window(1000, 3600))
    senders.add("a", "b", "c", "d")
    await simulated.settle()
    senders.limit.pause(RateLimitState(retry_after=300))
    senders.add("e")
    await simulated.run()

    assert senders.names == ["a", "b", "c", "d", "e"]
    assert senders.times[:2] == [0, 0]
    assert all(moment >= 300 for moment in senders.times[2:])
    assert most_in_any(senders.times, 60) <= 2


@pytest.mark.parametrize(
    ("windows", "seconds"),
    [
        ([Window(60, 60)], 60),
        ([Window(250, 60), Window(5000, 3600)], 60),
        ([Window(10, 1), Window(100, 60)], 1),
        ([Window(5000, 3600)], PAUSE),
    ],
)
async def test_a_429_that_does_not_say_how_long_pauses_until_a_window_must_be_free(
    simulated: SimulatedClock, windows: list[Window], seconds: float
) -> None:
    senders = Senders(simulated, *windows)
    senders.limit.pause(None)
    senders.add("a")
    await simulated.run()

    assert senders.times == [seconds]


async def test_of_two_pauses_the_longer_counts(simulated: SimulatedClock) -> None:
    senders = Senders(simulated, Window(100, 60))
    senders.limit.pause(RateLimitState(retry_after=50))
    senders.limit.pause(RateLimitState(retry_after=10))
    senders.add("a")
    await simulated.run()

    assert senders.times == [50]


async def test_a_pause_that_outlasts_ones_patience_ends_the_wait(
    simulated: SimulatedClock,
) -> None:
    limit = RateLimit([Window(1, 60)], clock=simulated)
    await limit.acquire()
    waiting = asyncio.create_task(limit.acquire(within=70))
    await simulated.run(until=START + 50)

    limit.pause(RateLimitState(retry_after=60))
    await simulated.run(until=START + 90)

    assert isinstance(waiting.exception(), TimeoutError)
    assert limit.delay() == pytest.approx(20)  # and nothing was counted


async def test_a_budget_on_pause_is_in_use(simulated: SimulatedClock) -> None:
    limit = RateLimit([Window(1, 60)], clock=simulated)
    limit.pause(RateLimitState(retry_after=30))
    assert not limit.is_unused()

    await simulated.run(until=START + 31)
    assert limit.is_unused()


async def test_no_answer_can_stop_a_token_for_years(simulated: SimulatedClock) -> None:
    # Whatever fills a window has left it when the longest has passed.
    senders = Senders(simulated, Window(10, 60), Window(100, 3600))
    senders.limit.pause(RateLimitState(retry_after=999_999_999))
    senders.add("a")
    await simulated.run()

    assert senders.times[0] <= 3600 + MARGIN


async def test_a_429_on_one_call_delays_the_others(server: RawServer, clock: JumpingClock) -> None:
    server.plays(answer(429, headers={"Retry-After": "40"}), answer(200, {"databases": None}))
    never = RequestConfiguration(options=[RetryOption(max_retries=0)])

    async with DigitalOceanClient("paused-token", base_url=server.url, clock=clock) as client:
        with pytest.raises(Exception, match="429"):
            await client.databases.get(never)
        await client.databases.get(never)
    assert sum(clock.sleeps) == pytest.approx(40)


# Making one


@pytest.mark.parametrize(("requests", "seconds"), [(0, 60), (-1, 60), (5, 0), (5, -1)])
def test_a_window_without_room_is_refused(requests: int, seconds: float) -> None:
    with pytest.raises(ConfigurationError):
        Window(requests, seconds)


def test_a_limit_without_windows_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="rate_limit=None"):
        RateLimit([])


@pytest.mark.parametrize(
    "windows",
    [[Window(1, 1)], [Window(1, 1), Window(30, 60)]],
    ids=["more waits than frames", "places reached on many ways"],
)
async def test_thousands_may_wait(windows: list[Window], simulated: SimulatedClock) -> None:
    limit = RateLimit(windows, clock=simulated)
    waiting = [asyncio.create_task(limit.acquire(within=86400)) for _ in range(1200)]
    await asyncio.sleep(0)

    assert [task for task in waiting if task.done()] == waiting[:1]
    with pytest.raises(TimeoutError):
        await limit.acquire(within=1200)

    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_deadline_holds_behind_one_who_sleeps_for_longer_than_planned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dbusers.ratelimit.MARGIN", 0)
    limit = RateLimit([Window(1, 0.02)], clock=StuckClock())
    await limit.acquire()
    in_front = asyncio.create_task(limit.acquire())  # sleeps for good
    await asyncio.sleep(0)

    with pytest.raises(TimeoutError):
        await limit.acquire(within=0.05)  # the third of one in 0.02 s each would be in time

    in_front.cancel()
