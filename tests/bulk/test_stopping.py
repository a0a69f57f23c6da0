import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress

import pytest

from dbusers import ConfigurationError, ServerError, Unauthorized
from dbusers.bulk import Bulk, Done, Failed, HookFailed, Interrupted, NotStarted, Result, Summary
from dbusers.deadline import Progress, progress
from tests.bulk.work import Work, broken, one_by_one, other_tasks, settled


async def left_in(bulk: Bulk[str, str]) -> list[Result[str, str]]:
    return [result async for result in bulk]


async def cancelled(bulk: Bulk[str, str]) -> None:
    """Cancel the reader when the run has come as far as it can by itself."""
    reader = asyncio.create_task(bulk.collect())
    await settled()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader


async def read_into(
    read: list[Result[str, str]], bulk: Bulk[str, str], then: Callable[[], object]
) -> None:
    """Read the whole run, and do something after each result."""
    async with bulk as results:
        async for result in results:
            read.append(result)
            then()


def ends(results: list[Result[str, str]]) -> dict[str, str]:
    return {result.item: type(result).__name__ for result in results}


# The sink


async def test_a_result_is_in_the_sink_before_another_call_takes_its_place() -> None:
    events: list[str] = []

    async def call(item: str) -> str:
        events.append(f"call {item}")
        await asyncio.sleep(0)
        return item

    async def sink(result: Done[str, str] | Failed[str]) -> None:
        await settled()
        events.append(f"kept {result.item}")

    await Bulk("abc", call, concurrency=1, sink=sink).collect()

    assert events == ["call a", "kept a", "call b", "kept b", "call c", "kept c"]


async def test_a_result_is_in_the_sink_before_it_is_read() -> None:
    kept: list[str] = []

    async with Bulk("abc", Work().call, sink=lambda result: kept.append(result.item)) as results:
        async for result in results:
            assert result.item in kept


async def test_hooks_run_one_at_a_time() -> None:
    running = 0

    async def hook(_: object) -> None:
        nonlocal running
        running += 1
        assert running == 1
        await settled()
        running -= 1

    results = await Bulk("abcdef", Work().call, on_start=hook, sink=hook).collect()

    assert {type(result) for result in results} == {Done}


async def test_when_the_sink_fails_no_further_call_starts_and_those_under_way_go_to_it() -> None:
    work = Work(waits="bc")
    kept: list[str] = []

    async def sink(result: Done[str, str] | Failed[str]) -> None:
        if result.item == "a":
            raise OSError("the disk is full")
        kept.append(result.item)

    bulk = Bulk("abcdef", work.call, concurrency=3, sink=sink)
    read: list[Result[str, str]] = []
    with pytest.raises(HookFailed) as raised:
        await read_into(read, bulk, work.gate.set)

    assert work.called == list("abc")
    assert kept == ["b", "c"]
    assert raised.value.unsaved == (Done("a", "A"),)
    assert isinstance(raised.value.__cause__, OSError)
    assert ends(read) == dict.fromkeys("abc", "Done") | dict.fromkeys("def", "NotStarted")
    assert bulk.summary == Summary(done=3, not_started=3)
    assert not work.cancelled


async def test_a_sink_that_fails_at_the_last_result_is_not_overlooked() -> None:
    def sink(_: object) -> None:
        raise OSError("the disk is full")

    with pytest.raises(HookFailed, match="`sink` raised OSError") as raised:
        await Bulk("a", Work().call, sink=sink).collect()

    assert raised.value.unsaved == (Done("a", "A"),)


async def test_what_the_sink_says_of_a_secret_is_not_repeated() -> None:
    def sink(_: object) -> None:
        raise OSError("cannot write canary-password")

    with pytest.raises(HookFailed) as raised:
        await Bulk("a", Work().call, sink=sink).collect()

    assert "canary" not in str(raised.value) + repr(raised.value)


async def test_a_failed_sink_is_raised_though_the_reader_has_left() -> None:
    def sink(_: object) -> None:
        raise OSError("the disk is full")

    work = Work(waits="b")

    def leave() -> None:
        work.gate.set()
        raise KeyError("the reader's own")

    with pytest.raises(HookFailed) as raised:
        await read_into([], Bulk("ab", work.call, sink=sink), leave)

    assert {result.item for result in raised.value.unsaved} == {"a", "b"}
    assert isinstance(raised.value.__context__, KeyError)


# The note before a call


async def test_the_intent_is_noted_before_the_call() -> None:
    work = Work()

    async def note(item: str) -> None:
        await settled()
        assert item not in work.called

    await Bulk("abc", work.call, on_start=note).collect()

    assert sorted(work.called) == list("abc")


async def test_a_call_whose_intent_cannot_be_noted_is_not_made() -> None:
    work = Work()

    def note(item: str) -> None:
        if item == "b":
            raise OSError("the disk is full")

    bulk = Bulk("abcd", work.call, concurrency=1, on_start=note)
    with pytest.raises(HookFailed, match="on_start") as raised:
        await bulk.collect()

    assert work.called == ["a"]
    assert raised.value.unsaved == ()
    assert bulk.summary == Summary(done=1, not_started=3)


async def test_a_call_that_was_announced_while_the_run_stopped_is_not_made() -> None:
    work = Work(a=ConfigurationError("closed"))

    async def note(item: str) -> None:
        if item == "b":
            await settled()  # a's call ends meanwhile

    results = await Bulk("ab", work.call, on_start=note, ordered=True).collect()

    assert work.called == ["a"]
    assert results[1] == NotStarted("b", "stopped")


# What stops a run


@pytest.mark.parametrize(
    "error", [Unauthorized("", status=401), ConfigurationError("closed"), KeyError("a defect")]
)
async def test_an_error_that_all_would_meet_stops_the_run(error: Exception) -> None:
    work = Work(b=error)
    bulk = Bulk("abcd", work.call, concurrency=1)

    results = await bulk.collect()

    assert work.called == ["a", "b"]
    assert results[2:] == [NotStarted("c", "stopped"), NotStarted("d", "stopped")]
    assert bulk.summary.not_started == 2


async def test_others_stop_nothing_unless_the_caller_says_so() -> None:
    work = Work(a=ServerError("", status=500))
    await Bulk("ab", work.call, concurrency=1).collect()
    assert work.called == ["a", "b"]

    again = Work(a=ServerError("", status=500))
    await Bulk("ab", again.call, concurrency=1, stop_on=lambda _: True).collect()
    assert again.called == ["a"]


async def test_a_predicate_that_fails_stops_the_run_and_the_result_is_kept_all_the_same() -> None:
    kept: list[str] = []

    def stop_on(_: Exception) -> bool:
        raise KeyError("a defect")

    with pytest.raises(HookFailed, match="stop_on"):
        await Bulk(
            "ab",
            Work(a=broken()).call,
            concurrency=1,
            stop_on=stop_on,
            sink=lambda result: kept.append(result.item),
        ).collect()

    assert kept == ["a"]


async def test_what_was_given_twice_is_not_called_undone_when_the_run_has_stopped() -> None:
    work = Work(b=ConfigurationError("closed"))

    results = await Bulk("abac", work.call, concurrency=1).collect()

    assert results[2:] == [NotStarted("a", "duplicate"), NotStarted("c", "stopped")]


async def test_an_asynchronous_iterable_is_not_asked_for_its_rest() -> None:
    asked = []

    async def items() -> AsyncIterator[str]:
        for item in "abcdef":
            asked.append(item)
            await asyncio.sleep(0)
            yield item

    results = await Bulk(items(), Work(a=KeyError("a")).call, concurrency=1).collect()

    assert asked == ["a"]
    assert len(results) == 1


async def test_a_run_stops_though_its_items_are_long_in_coming() -> None:
    async def items() -> AsyncIterator[str]:
        yield "a"
        await asyncio.get_running_loop().create_future()
        yield "never"

    results = await Bulk(items(), Work(a=KeyError("a")).call).collect()

    assert ends(results) == {"a": "Failed"}
    assert not other_tasks()


# Leaving early


async def test_leaving_early_lets_what_is_under_way_finish_and_hands_it_out_afterwards() -> None:
    work = Work(waits="bc")
    bulk = Bulk("abcde", work.call, concurrency=3)

    async with bulk as results:
        assert await anext(results) == Done("a", "A")
        work.gate.set()

    assert not other_tasks()
    assert ends(await left_in(bulk)) == {
        "b": "Done",
        "c": "Done",
        "d": "NotStarted",
        "e": "NotStarted",
    }
    assert work.called == list("abc")
    assert bulk.summary == Summary(done=3, not_started=2)


async def test_a_cancellation_lets_what_is_under_way_finish_and_reach_the_sink() -> None:
    work = Work(waits="abc")
    kept: list[str] = []
    bulk = Bulk("abcdef", work.call, concurrency=3, sink=lambda result: kept.append(result.item))
    reader = asyncio.create_task(bulk.collect())
    await settled()

    reader.cancel()
    await settled()
    assert not reader.done()
    work.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await reader

    assert kept == work.called == list("abc")
    assert not other_tasks()
    assert ends(await left_in(bulk)) == dict.fromkeys("abc", "Done") | dict.fromkeys(
        "def", "NotStarted"
    )


async def test_what_is_not_over_within_the_grace_is_cut_off() -> None:
    work = Work(waits="ab")
    kept: list[str] = []
    bulk = Bulk("abc", work.call, concurrency=2, grace=0.01, sink=lambda r: kept.append(r.item))

    await cancelled(bulk)

    assert work.cancelled == ["a", "b"]
    a, b, c = await left_in(bulk)
    for result in (a, b):
        assert isinstance(result, Failed)
        assert isinstance(result.error, Interrupted)
        assert result.maybe_done
    assert c == NotStarted("c", "stopped")
    assert not kept
    assert not other_tasks()


async def test_a_second_cancellation_cuts_off_at_once() -> None:
    work = Work(waits="ab")
    bulk = Bulk("ab", work.call, grace=None)
    reader = asyncio.create_task(bulk.collect())
    await settled()
    reader.cancel()
    await settled()
    assert not work.cancelled

    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader

    assert work.cancelled == ["a", "b"]
    assert not other_tasks()
    assert bulk.summary == Summary(failed=2, maybe_done=2)


async def test_who_is_cancelled_again_and_again_leaves_no_call_behind() -> None:
    bulk = Bulk("ab", slow_to_end, grace=None)
    reader = asyncio.create_task(bulk.collect())
    await settled()

    for _ in range(5):  # as anyio's cancel scopes do, at every wait
        reader.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await reader

    assert not other_tasks()
    assert bulk.summary == Summary(failed=2, maybe_done=2)


async def slow_to_end(item: str) -> str:
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        await settled()
    return item


async def test_a_call_that_has_not_begun_when_it_is_cut_off_is_not_started() -> None:
    gate = asyncio.Event()
    work = Work()
    bulk = Bulk("ab", work.call, grace=0, on_start=lambda _: gate.wait())

    await cancelled(bulk)

    assert ends(await left_in(bulk)) == {"a": "NotStarted", "b": "NotStarted"}
    assert not work.called


async def test_a_result_whose_sink_is_cut_off_is_handed_out_and_said_to_be_unsaved() -> None:
    async def sink(_: object) -> None:
        await asyncio.get_running_loop().create_future()

    bulk = Bulk("a", Work().call, grace=0, sink=sink)

    await cancelled(bulk)

    assert await anext(bulk) == Done("a", "A")
    with pytest.raises(HookFailed, match="cut off") as raised:
        await anext(bulk)
    assert raised.value.unsaved == (Done("a", "A"),)


async def test_what_is_unsaved_is_told_though_the_items_fail_as_well() -> None:
    broken_list = KeyError("the list is broken")

    async def sink(_: object) -> None:
        await asyncio.get_running_loop().create_future()

    bulk = Bulk(FailsAfter("a", broken_list), Work().call, concurrency=1, grace=0, sink=sink)

    await cancelled(bulk)

    assert await anext(bulk) == Done("a", "A")
    with pytest.raises(HookFailed) as raised:
        await anext(bulk)
    assert raised.value.unsaved == (Done("a", "A"),)
    assert raised.value.__cause__ is broken_list
    assert await left_in(bulk) == []


class FailsAfter(Iterator[str]):
    """One item, and from then on nothing but an error."""

    def __init__(self, item: str, error: BaseException) -> None:
        self._items = [item]
        self._error = error

    def __next__(self) -> str:
        if not self._items:
            raise self._error
        return self._items.pop()


class NoException(BaseException):
    """Such as `pytest.fail` raises."""


async def test_what_is_no_exception_stops_the_run_and_is_raised_when_all_calls_have_ended() -> None:
    work = Work(waits="b", a=NoException())

    bulk = Bulk("abc", work.call, concurrency=2)
    read: list[Result[str, str]] = []
    with pytest.raises(NoException):
        await read_into(read, bulk, work.gate.set)

    assert ends(read) == {"a": "Failed", "b": "Done", "c": "NotStarted"}
    assert work.called == ["a", "b"]


@pytest.mark.parametrize("hook", ["sink", "on_start"])
async def test_what_is_no_exception_of_a_hook_is_raised_too(hook: str) -> None:
    def failing(_: object) -> None:
        raise NoException

    with pytest.raises((NoException, HookFailed)) as raised:
        await Bulk("a", Work().call, **{hook: failing}).collect()  # type: ignore[arg-type]  # one of two of its names

    assert NoException in (type(raised.value), type(raised.value.__cause__))


async def test_items_that_raise_what_is_no_exception_are_not_taken_for_complete() -> None:
    with pytest.raises(NoException):
        await Bulk(FailsAfter("a", NoException()), Work().call).collect()


async def test_an_operation_that_cancels_itself_is_one_failure() -> None:
    work = Work(a=asyncio.CancelledError())

    results = await Bulk("ab", work.call, ordered=True).collect()

    assert ends(results) == {"a": "Failed", "b": "Done"}


async def test_items_that_end_in_a_cancellation_are_not_taken_for_complete() -> None:
    async def items() -> AsyncIterator[str]:
        yield "a"
        raise asyncio.CancelledError

    with pytest.raises(Interrupted):
        await Bulk(items(), Work().call).collect()


async def test_a_cancellation_while_an_item_is_awaited_loses_none() -> None:
    waiting: asyncio.Queue[str] = asyncio.Queue()

    async def items() -> AsyncIterator[str]:
        while True:
            yield await waiting.get()

    reader = asyncio.create_task(Bulk(items(), Work().call).collect())
    await settled()
    reader.cancel()
    with suppress(asyncio.CancelledError):
        await reader
    waiting.put_nowait("a")

    assert waiting.qsize() == 1
    assert not other_tasks()


async def test_the_rest_may_be_read_as_far_as_one_likes() -> None:
    def endless() -> Iterator[str]:
        number = 0
        while True:
            yield str(number)
            number += 1

    bulk = Bulk(endless(), Work().call, concurrency=1)
    async with bulk as results:
        await anext(results)

    rest = [await anext(bulk) for _ in range(10)]

    assert rest[-1] == NotStarted("10", "stopped")


async def test_a_run_that_was_left_before_it_began_has_started_nothing() -> None:
    work = Work()
    bulk = Bulk(one_by_one("ab"), work.call)
    async with bulk:
        pass

    assert await left_in(bulk) == []
    assert not work.called


async def test_what_a_call_further_out_has_sent_says_nothing_of_this_one() -> None:
    task = asyncio.current_task()
    assert task is not None
    work = Work(waits="a")
    bulk = Bulk("a", work.call, grace=0)
    outer = progress.set(Progress(task))  # as in a hook of another call
    reader = asyncio.create_task(bulk.collect())
    progress.reset(outer)
    await settled()

    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader

    assert bulk.summary == Summary(failed=1, maybe_done=1)


async def test_the_first_of_several_failures_is_told_and_all_of_what_is_unsaved() -> None:
    first, second = OSError("the disk is full"), OSError("and still is")
    errors = iter([first, second])

    def sink(_: object) -> None:
        raise next(errors)

    with pytest.raises(HookFailed) as raised:
        await Bulk("ab", Work().call, sink=sink).collect()

    assert raised.value.__cause__ is first
    assert raised.value.unsaved == (Done("a", "A"), Done("b", "B"))


async def test_no_intent_is_noted_once_the_run_has_stopped() -> None:
    noted = []

    async def note(item: str) -> None:
        noted.append(item)
        await settled()
        raise OSError("the disk is full")

    with pytest.raises(HookFailed):
        await Bulk("abc", Work().call, on_start=note).collect()

    assert noted == ["a"]


@pytest.mark.parametrize("hook", ["sink", "on_start"])
async def test_a_hook_that_cancels_itself_has_failed(hook: str) -> None:
    async def cancelled(_: object) -> None:
        raise asyncio.CancelledError

    work = Work()
    with pytest.raises(HookFailed, match=hook):
        await Bulk("abc", work.call, concurrency=1, **{hook: cancelled}).collect()  # type: ignore[arg-type]  # one of two of its names

    assert work.called == (["a"] if hook == "sink" else [])
