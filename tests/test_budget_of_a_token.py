"""One token's budget on simulated time: what its provider sees, and how long it takes.

The provider counts as the API reference says: a sliding log of each window, every request from its
arrival on. It is the sandbox's own log, which knows nothing of the client's.
"""

import asyncio
from collections.abc import Callable
from email.utils import formatdate
from random import Random
from typing import Final

import pytest
from attrs import define, field
from multidict import CIMultiDict, CIMultiDictProxy

from dbusers import ConfigurationError, RateLimit, Response, Window
from dbusers.digitalocean.client import WINDOWS as DIGITALOCEAN
from dbusers.ratelimit import LOOK_AGAIN
from dbusers.scalingo.client import WINDOWS as SCALINGO
from dbusers.testing.limits import Budget
from dbusers.testing.limits import Window as Log
from dbusers.windows import LATENCY, MARGIN, OVERTAKEN, SlidingWindows
from tests.clocks import SimulatedClock

Latency = Callable[[float], float]
"""Seconds that a request takes to arrive, and its answer back, by the seconds since the start."""


@define
class Provider:
    """Counts what arrives, and tells what is left of the longest window, as DigitalOcean does."""

    clock: SimulatedClock
    budget: Budget
    tells: bool
    refused: int = 0

    def answer(self) -> Response:
        now = self.clock.time()
        wait = self.budget.spend(now)
        log = self.budget.windows[-1]
        headers = CIMultiDict({"date": formatdate(now, usegmt=True)})
        if self.tells:
            headers["ratelimit-limit"] = str(log.limit)
            headers["ratelimit-remaining"] = str(0 if wait else log.remaining(now))
            headers["ratelimit-reset"] = str(int(log.frees_at(now)) + 1)
        if wait:
            self.refused += 1
            headers["retry-after"] = str(wait)
        return Response(429 if wait else 200, CIMultiDictProxy(headers))


@define
class Token:
    """A token with its provider, and the budget that a client keeps for it."""

    clock: SimulatedClock
    windows: tuple[Window, ...] = DIGITALOCEAN
    latency: Latency = lambda _: 0.0
    tells: bool = True
    reserve: float = 0.0
    provider: Provider = field(init=False)
    limit: RateLimit = field(init=False)
    start: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        logs = (Log(window.requests, window.seconds) for window in self.windows)
        self.provider = Provider(self.clock, Budget(*logs), self.tells)
        self.limit = RateLimit(self.windows, reserve=self.reserve, clock=self.clock)
        self.start = self.clock.now

    async def call(self) -> Response:
        counted = await self.limit.acquire()
        there = self.latency(self.clock.now - self.start)
        await self.clock.sleep(there)
        response = self.provider.answer()
        await self.clock.sleep(there)
        self.limit.learn(response)
        self.limit.settle(counted)
        return response

    async def calls(self, number: int) -> float:
        """Make so many at once; return the seconds until the last one is answered."""
        before = self.clock.now
        tasks = [asyncio.create_task(self.call()) for _ in range(number)]
        await self.clock.run()
        await asyncio.gather(*tasks)
        return self.clock.now - before

    async def calls_of_others(self, number: int, every: float) -> list[int]:
        """Make so many calls past the budget; return the statuses of their answers."""
        statuses = []
        for _ in range(number):
            await self.clock.sleep(every)
            statuses.append(self.provider.answer().status)
        return statuses


def digitalocean_floor(number: int) -> float:
    """Return the seconds that so many requests take at least, by the API reference."""
    hours, rest = divmod(number - 1, 5000)
    return hours * 3600 + (-(-(rest + 1) // 250) - 1) * 60


def scalingo_floor(number: int) -> float:
    return (-(-number // 60) - 1) * 60


def varied(most: float) -> Latency:
    random = Random(f"seconds up to {most}")
    return lambda _: random.uniform(0.0, most)


LATENCIES: Final[dict[str, Latency]] = {
    "none": lambda _: 0.0,
    "varied": varied(0.2),
    "slow at first": lambda passed: 0.5 if passed < 5 else 0.01,
}


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.mark.parametrize("latency", LATENCIES)
@pytest.mark.parametrize(
    ("windows", "floor", "number"),
    [
        (DIGITALOCEAN, digitalocean_floor, 1),
        (DIGITALOCEAN, digitalocean_floor, 250),
        (DIGITALOCEAN, digitalocean_floor, 251),
        (DIGITALOCEAN, digitalocean_floor, 1_234),
        (DIGITALOCEAN, digitalocean_floor, 5_000),
        (DIGITALOCEAN, digitalocean_floor, 5_001),
        (SCALINGO, scalingo_floor, 61),
        (SCALINGO, scalingo_floor, 600),
    ],
)
async def test_no_window_is_broken_and_next_to_no_time_is_lost(
    clock: SimulatedClock,
    windows: tuple[Window, ...],
    floor: Callable[[int], float],
    number: int,
    latency: str,
) -> None:
    token = Token(clock, windows, LATENCIES[latency])

    took = await token.calls(number)

    assert token.provider.refused == 0
    assert floor(number) <= took <= floor(number) * 1.02 + 1.0  # on the way there and back


async def test_twenty_thousand_requests_at_once_keep_to_the_floor(clock: SimulatedClock) -> None:
    token = Token(clock, latency=LATENCIES["varied"])

    took = await token.calls(20_000)

    floor = digitalocean_floor(20_000)
    assert token.provider.refused == 0
    assert floor <= took <= floor * 1.02 + 1.0


async def test_an_answer_that_took_long_is_counted_from_when_it_came(clock: SimulatedClock) -> None:
    token = Token(clock, latency=lambda passed: 4.0 if passed < 5 else 0.01)

    await token.calls(1_000)

    assert token.provider.refused == 0


def test_an_answer_that_took_long_holds_its_windows_open_no_longer_than_needed() -> None:
    log = SlidingWindows([Window(1, 60)], reserve=0)
    log.count(100)

    log.recount(made=100, now=130)

    assert log.moment(len(log), 0) == 130 + 60  # it arrived before it was answered: no margin


def test_an_answer_that_took_long_keeps_the_order_of_the_log() -> None:
    log = SlidingWindows([Window(1, 60)], reserve=0)
    for made in (100, 140):
        log.count(made)

    log.recount(made=100, now=140.2)

    assert log.moment(len(log), 0) == 140 + 60 + MARGIN


def test_what_was_on_its_way_for_longer_than_a_window_still_counts_when_it_arrives() -> None:
    log = SlidingWindows([Window(2, 60)], reserve=0)
    for made in (0, 60 + LATENCY + 5):  # at the second, nobody expects the first to arrive
        log.count(made)

    log.recount(made=0, now=60 + LATENCY + 6)

    assert len(log) == 2
    assert log.moment(len(log), 0) > 120


def test_an_answer_that_took_long_is_moved_among_the_requests_of_others_too() -> None:
    log = SlidingWindows([Window(2, 60)], reserve=0)
    log.count(100)
    log.learn(limit=2, remaining=0, now=101, first_expires_in=lambda: 60)

    log.recount(made=100, now=110)

    assert log.moment(len(log), 0) == 101 + 60 + MARGIN  # the other one is the oldest now


def test_requests_of_others_in_a_short_window_are_told_from_own_ones_before_it() -> None:
    log = SlidingWindows([Window(2, 60), Window(100, 3600)], reserve=0)
    for made in (0, 1):
        log.count(made)

    log.learn(limit=2, remaining=0, now=1000, first_expires_in=lambda: 60)

    assert log.moment(len(log), 0) == 1000 + 60 + MARGIN


def test_a_log_is_empty_when_the_provider_must_have_forgotten_all_of_it() -> None:
    log = SlidingWindows([Window(1, 60)], reserve=0)
    log.count(100)

    assert not log.is_empty(100 + 60 + MARGIN / 2)
    assert log.is_empty(100 + 60 + MARGIN * 2)


@pytest.mark.parametrize("windows", [[Window(2, 60)], [Window(2, 60), Window(100, 3600)]])
def test_an_own_request_that_was_slow_is_not_taken_for_somebody_elses(
    windows: list[Window],
) -> None:
    log = SlidingWindows(windows, reserve=0)
    for made in (0, 65):
        log.count(made)

    # The first arrived at 8: its provider counts it until 68.
    log.learn(limit=2, remaining=0, now=65, first_expires_in=lambda: 3)

    assert log.moment(len(log), 65) == 65


async def test_what_others_used_before_is_not_used_again(clock: SimulatedClock) -> None:
    token = Token(clock, latency=varied(0.2))
    for _ in range(20):  # an earlier run of the same program
        for _ in range(200):
            assert token.provider.budget.spend(clock.now) == 0
        clock.now += 60
    began = clock.now

    took = await token.calls(1_500)

    assert token.provider.refused == 0
    # 1,000 are left; of the 200 that were made each minute, the first expire 40 minutes from now.
    assert 42 * 60 <= took <= 45 * 60
    assert clock.now == began + took


async def test_without_headers_what_others_used_is_found_out_by_a_429(
    clock: SimulatedClock,
) -> None:
    token = Token(clock, tells=False)
    for _ in range(250):
        token.provider.budget.spend(clock.now)

    await token.calls(1)

    assert token.provider.refused == 1
    assert token.limit.delay() == 60


async def test_a_reserve_is_kept_free_for_others(clock: SimulatedClock) -> None:
    token = Token(clock, reserve=0.1)
    others = asyncio.create_task(token.calls_of_others(200, every=5.0))

    await token.calls(2_000)

    assert token.provider.refused == 0
    assert set(await others) == {200}


async def test_a_reserve_takes_its_share_of_the_time(clock: SimulatedClock) -> None:
    took = await Token(clock, reserve=0.2).calls(1_000)

    assert 4 * 60 <= took <= 4 * 60 * 1.02  # 200 a minute


async def test_others_that_are_gone_are_forgotten(clock: SimulatedClock) -> None:
    token = Token(clock)
    for _ in range(4_900):
        token.provider.budget.windows[-1].add(clock.now)
    await token.calls(1)
    clock.now += 3_700
    await token.calls(1)

    assert await token.calls(248) == 0
    assert token.provider.refused == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"ratelimit-limit": "77", "ratelimit-remaining": "0"},  # a window that is not ours
        {"ratelimit-remaining": "0"},
        {"ratelimit-limit": "5000"},
        {"ratelimit-limit": "5000", "ratelimit-remaining": "9999"},
        {"ratelimit-limit": "x", "ratelimit-remaining": "-5", "ratelimit-reset": "nan"},
    ],
)
async def test_headers_that_say_nothing_change_nothing(
    clock: SimulatedClock, headers: dict[str, str]
) -> None:
    limit = RateLimit(DIGITALOCEAN, clock=clock)

    limit.learn(Response(200, CIMultiDictProxy(CIMultiDict(headers))))

    assert limit.delay() == 0


async def test_an_answer_that_was_overtaken_takes_nothing_back(clock: SimulatedClock) -> None:
    limit = RateLimit([Window(10, 60)], clock=clock)

    def told(remaining: int) -> Response:
        texts = {"ratelimit-limit": "10", "ratelimit-remaining": str(remaining)}
        return Response(200, CIMultiDictProxy(CIMultiDict(texts)))

    await limit.acquire()
    limit.learn(told(0))
    limit.learn(told(9))  # counted before the other, and came after it

    assert limit.delay() > 50


async def test_who_waits_is_told_when_the_budget_turns_out_to_be_free(
    clock: SimulatedClock,
) -> None:
    limit = RateLimit([Window(10, 3600)], clock=clock)

    def told(remaining: int) -> Response:
        texts = {"ratelimit-limit": "10", "ratelimit-remaining": str(remaining)}
        return Response(200, CIMultiDictProxy(CIMultiDict(texts)))

    await limit.acquire()
    limit.learn(told(0))
    waiting = asyncio.create_task(limit.acquire())
    await clock.run(until=clock.now + OVERTAKEN + 1)
    limit.learn(told(9))
    await clock.run(until=clock.now + LOOK_AGAIN)

    assert waiting.done()


async def test_the_delay_is_that_of_who_asks_now(clock: SimulatedClock) -> None:
    limit = RateLimit([Window(2, 60)], clock=clock)
    assert limit.delay() == 0

    waiting = [asyncio.create_task(limit.acquire()) for _ in range(4)]
    await clock.settle()

    assert 120 <= limit.delay() <= 122  # two have gone, two are in front
    await clock.run()
    await asyncio.gather(*waiting)


async def test_thousands_who_wait_cost_little(clock: SimulatedClock) -> None:
    limit = RateLimit([Window(250, 60)], clock=clock)
    loop = asyncio.get_running_loop()
    scheduled = 0
    call_soon_threadsafe = loop.call_soon_threadsafe

    def counting(*arguments: object) -> asyncio.Handle:
        nonlocal scheduled
        scheduled += 1
        return call_soon_threadsafe(*arguments)  # type: ignore[arg-type]  # passed on as they came

    loop.call_soon_threadsafe = counting  # type: ignore[method-assign, assignment]  # to be counted
    waiting = [asyncio.create_task(limit.acquire()) for _ in range(2_000)]
    await clock.run()
    await asyncio.gather(*waiting)

    assert scheduled <= 2_000  # each is woken once


@pytest.mark.parametrize("reserve", [-0.1, 1.0, float("nan")])
def test_a_reserve_that_is_no_share_is_refused(reserve: float) -> None:
    with pytest.raises(ConfigurationError, match="reserve"):
        RateLimit(DIGITALOCEAN, reserve=reserve)
