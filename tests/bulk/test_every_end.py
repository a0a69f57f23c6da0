"""Whatever goes wrong, and whenever it is left: each item has exactly one end, and it is true."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Literal

from attrs import define, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from dbusers import ConfigurationError
from dbusers.bulk import Bulk, Done, Failed, HookFailed, Interrupted, NotStarted, Result, Summary
from tests.bulk.work import broken, one_by_one, other_tasks

NAMES = "abcdefghij"
Outcome = Literal["value", "error", "hopeless"]


@frozen
class Plan:
    """A run, what its calls come to and how long they take, and when it is left."""

    items: str
    outcomes: Mapping[str, Outcome]
    ticks: Mapping[str, int]
    concurrency: int
    ordered: bool
    asynchronous: bool
    sink_fails_for: frozenset[str]
    note_fails_for: frozenset[str]
    leave_after: int | None  # results
    cancel_after: tuple[int, ...]  # ticks, from one cancellation to the next
    grace: float | None


def some_of(names: str) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(names), max_size=2)


def for_each_name(values: st.SearchStrategy[object]) -> st.SearchStrategy[Mapping[str, object]]:
    return st.fixed_dictionaries(dict.fromkeys(NAMES, values))


# Faults are rare, so that runs get somewhere.
PLANS = st.builds(
    Plan,
    items=st.text(NAMES, max_size=20),
    outcomes=for_each_name(st.sampled_from([*["value"] * 6, *["error"] * 2, "hopeless"])),
    ticks=for_each_name(st.integers(0, 6)),
    concurrency=st.integers(1, 4),
    ordered=st.booleans(),
    asynchronous=st.booleans(),
    sink_fails_for=st.just(frozenset()) | some_of(NAMES),
    note_fails_for=st.just(frozenset()) | some_of(NAMES),
    leave_after=st.none() | st.integers(1, 10),
    cancel_after=st.just(()) | st.tuples(st.integers(0, 40)) | st.tuples(*[st.integers(0, 40)] * 2),
    grace=st.sampled_from([0.0, None]),
)


@define
class Run:
    """What happened: seen from the operation, from the hooks and from the reader."""

    plan: Plan
    called: list[str] = field(factory=list)
    cancelled: list[str] = field(factory=list)
    running: int = 0
    most_running: int = 0
    noted: list[str] = field(factory=list)
    kept: list[str] = field(factory=list)
    read: list[Result[str, str]] = field(factory=list)
    unsaved: tuple[Done[str, str] | Failed[str], ...] = ()
    summary: Summary = field(factory=Summary)

    async def call(self, item: str) -> str:
        self.called.append(item)
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        try:
            for _ in range(self.plan.ticks[item]):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled.append(item)
            raise
        finally:
            self.running -= 1
        match self.plan.outcomes[item]:
            case "error":
                raise broken()
            case "hopeless":
                raise ConfigurationError("closed")
        return item.upper()

    async def note(self, item: str) -> None:
        await asyncio.sleep(0)
        if item in self.plan.note_fails_for:
            raise OSError
        self.noted.append(item)

    async def keep(self, result: Done[str, str] | Failed[str]) -> None:
        await asyncio.sleep(0)
        if result.item in self.plan.sink_fails_for:
            raise OSError
        self.kept.append(result.item)

    async def reader(self, bulk: Bulk[str, str]) -> None:
        async with bulk:
            async for result in bulk:
                self.read.append(result)
                if len(self.read) == self.plan.leave_after:
                    break

    async def play(self) -> None:
        plan = self.plan
        bulk = Bulk(
            one_by_one(plan.items) if plan.asynchronous else plan.items,
            self.call,
            concurrency=plan.concurrency,
            ordered=plan.ordered,
            on_start=self.note,
            sink=self.keep,
            grace=plan.grace,
        )
        reader = asyncio.create_task(self.reader(bulk))
        await asyncio.sleep(0)  # who is cancelled before has not begun
        for ticks in plan.cancel_after:
            for _ in range(ticks):
                await asyncio.sleep(0)
            reader.cancel()
        (error,) = await asyncio.gather(reader, return_exceptions=True)
        try:
            async for result in bulk:
                self.read.append(result)
        except HookFailed as later:
            error = later
        if isinstance(error, HookFailed):
            self.unsaved = error.unsaved
        self.summary = bulk.summary
        assert not other_tasks()


@settings(max_examples=60)
@given(PLANS)
def test_each_item_has_exactly_one_end_and_it_is_true(plan: Plan) -> None:
    run = Run(plan)
    asyncio.run(run.play())

    ended = [result for result in run.read if not isinstance(result, NotStarted)]
    stopped = [r.item for r in run.read if isinstance(r, NotStarted) and r.reason == "stopped"]
    repeated = [r.item for r in run.read if isinstance(r, NotStarted) and r.reason == "duplicate"]

    # One end for each; an asynchronous iterable keeps what it was not asked for.
    given_ = Counter(plan.items)
    read = Counter(result.item for result in run.read)
    assert read <= given_ if plan.asynchronous else read == given_
    if plan.ordered:
        assert [result.item for result in run.read] == list(plan.items)[: len(run.read)]

    # Nothing twice, nothing unknown, and what is called undone was not called.
    first_of_each = Counter(run.called)
    assert max(first_of_each.values(), default=1) == 1
    assert sorted(result.item for result in ended) == sorted(run.called)
    assert set(repeated) <= set(run.called) | set(stopped)
    assert set(run.called) <= set(run.noted)
    assert run.most_running <= plan.concurrency

    # Each end is what happened.
    for result in ended:
        was_cancelled = result.item in run.cancelled
        if isinstance(result, Done):
            assert (result.value, plan.outcomes[result.item]) == (result.item.upper(), "value")
        else:
            assert isinstance(result.error, Interrupted) is was_cancelled

    # The sink has it, or the caller is told.
    in_sink = Counter([*run.kept, *(result.item for result in run.unsaved)])
    assert in_sink == Counter(result.item for result in ended if result.item not in run.cancelled)

    assert run.summary == Summary(
        done=sum(isinstance(result, Done) for result in ended),
        failed=sum(isinstance(result, Failed) for result in ended),
        maybe_done=sum(isinstance(r, Failed) and r.maybe_done for r in ended),
        not_started=len(stopped),
        duplicates=len(repeated),
    )
