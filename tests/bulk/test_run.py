import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from attrs import define

from dbusers import DigitalOceanClient
from dbusers.bulk import Bulk, Done, Failed, HookFailed, NotStarted, Summary
from tests.bulk.work import Work, broken, one_by_one, other_tasks, settled


async def test_each_item_comes_to_its_end_and_a_failure_stops_no_other() -> None:
    work = Work(c=broken())

    results = await Bulk("abcd", work.call, concurrency=2).collect()

    done = {result.item: result.value for result in results if isinstance(result, Done)}
    (failed,) = (result for result in results if isinstance(result, Failed))
    assert done == {"a": "A", "b": "B", "d": "D"}
    assert (failed.item, failed.error) == ("c", work.errors["c"])
    assert len(results) == 4


async def test_results_come_as_they_finish() -> None:
    work = Work(waits="a")

    read = []
    async with Bulk("abcd", work.call, concurrency=2) as results:
        async for result in results:
            read.append(result.item)
            if read == list("bcd"):
                work.gate.set()

    assert read == list("bcda")


async def test_or_in_the_order_of_the_items() -> None:
    work = Work(waits="a")
    bulk = Bulk("abcd", work.call, ordered=True, concurrency=2)
    reader = asyncio.create_task(bulk.collect())
    await settled()
    assert work.ended == list("bcd")

    work.gate.set()

    assert [result.item for result in await reader] == list("abcd")


@pytest.mark.parametrize("ordered", [False, True])
async def test_no_more_than_concurrency_calls_are_under_way(ordered: bool) -> None:
    work = Work()

    await Bulk(map(str, range(30)), work.call, concurrency=4, ordered=ordered).collect()

    assert work.most_running == 4


@pytest.mark.parametrize("ordered", [False, True])
async def test_a_slow_reader_holds_the_calls_back(ordered: bool) -> None:
    work = Work()

    async with Bulk(map(str, range(100)), work.call, concurrency=3, ordered=ordered) as results:
        await anext(results)
        await settled()

        assert len(work.called) == 1 + 2 * 3  # what was read, and the room for what was not


async def test_one_that_takes_long_holds_up_the_order_but_not_without_end() -> None:
    work = Work(waits=["0"])
    bulk = Bulk(map(str, range(100)), work.call, concurrency=3, ordered=True)
    reader = asyncio.create_task(bulk.collect())

    await settled()

    assert len(work.ended) == 2 * 3 - 1
    work.gate.set()
    assert len(await reader) == 100


async def test_items_are_taken_when_there_is_room_for_them() -> None:
    taken: list[None] = []

    def endless() -> Iterator[str]:
        while True:
            taken.append(None)
            yield str(len(taken))

    async with Bulk(endless(), Work().call, concurrency=2) as results:
        await settled()
        assert not taken, "before the first result was asked for"
        await anext(results)
        await settled()

        assert len(taken) == 1 + 2 * 2


async def test_items_may_come_asynchronously() -> None:
    results = await Bulk(one_by_one("abc"), Work().call).collect()

    assert sorted(result.item for result in results) == list("abc")


async def test_a_result_does_not_wait_for_the_next_item() -> None:
    more = asyncio.Event()

    async def slowly() -> AsyncIterator[str]:
        yield "a"
        await more.wait()
        yield "b"

    async with Bulk(slowly(), Work().call) as results:
        assert (await anext(results)).item == "a"
        more.set()
        assert (await anext(results)).item == "b"


@pytest.mark.parametrize("ordered", [False, True])
async def test_an_item_that_came_before_is_not_started_again(ordered: bool) -> None:
    work = Work()

    results = await Bulk("abaca", work.call, ordered=ordered).collect()

    assert sorted(work.called) == list("abc")
    repeated = [result for result in results if isinstance(result, NotStarted)]
    assert repeated == [NotStarted("a", "duplicate")] * 2
    assert len(results) == 5


async def test_two_builders_of_one_user_are_one_item() -> None:
    called = []

    async def reset(user: object) -> None:
        called.append(user)

    async with DigitalOceanClient("a-token") as client, DigitalOceanClient("another") as second:
        users = client.databases.by_id("c-1").users
        there = [
            users.by_username("app"),
            second.databases.by_id("c-1").users.by_username("app"),
            users.by_username("other"),
            users.by_username("other").with_url("https://api.digitalocean.com/v2/elsewhere"),
            client.databases.by_id("c-2").users.by_username("app"),
        ]
        results = await Bulk(there, reset, ordered=True).collect()

    assert called == [there[0], there[2], there[3], there[4]]
    assert results[1] == NotStarted(there[1], "duplicate")


async def test_a_builder_that_addresses_nothing_fails_by_itself() -> None:
    async with DigitalOceanClient("a-token") as client:
        users = client.databases.by_id("c-1").users
        (result,) = await Bulk([users.by_username("..")], lambda user: user.get()).collect()

    assert isinstance(result, Failed)
    assert not result.maybe_done


@define
class Row:
    name: str
    number: int


async def test_what_an_item_is_known_by_can_be_said() -> None:
    rows = [Row("a", 1), Row("b", 2), Row("a", 3)]

    async def number(row: Row) -> int:
        return row.number

    results = await Bulk(rows, number, key=lambda row: row.name, ordered=True).collect()

    assert results == [Done(rows[0], 1), Done(rows[1], 2), NotStarted(rows[2], "duplicate")]


async def test_an_item_that_cannot_be_told_apart_is_refused_before_anything_is_sent() -> None:
    work = Work()

    with pytest.raises(HookFailed) as raised:
        await Bulk([["a"], ["b"]], lambda item: work.call(item[0])).collect()

    assert "list has no hash" in str(raised.value.__cause__)
    assert not work.called


async def test_what_the_items_raise_is_raised_when_all_calls_have_ended() -> None:
    work = Work(waits="ab")

    async def items() -> AsyncIterator[str]:
        for item in "ab":
            yield item
            await settled()
        raise KeyError("the list is broken")

    bulk = Bulk(items(), work.call)
    reader = asyncio.create_task(bulk.collect())
    for _ in range(4):
        await settled()
    assert not reader.done()
    work.gate.set()

    with pytest.raises(KeyError):
        await reader
    assert bulk.summary == Summary(done=2)


class Broken(Iterator[str]):
    asked = 0

    def __next__(self) -> str:
        self.asked += 1
        raise KeyError("the list is broken")


async def test_items_that_fail_are_not_asked_again() -> None:
    items = Broken()

    with pytest.raises(KeyError):
        await Bulk(items, Work().call).collect()

    assert items.asked == 1


async def test_a_summary_counts_what_is_left_if_the_items_have_a_length() -> None:
    work = Work(waits="b", c=broken())

    async with Bulk(list("abcdcc"), work.call, concurrency=1) as results:
        assert results.summary == Summary(not_started=6)
        await anext(results)
        await settled()
        assert results.summary == Summary(done=1, not_started=4)
        work.gate.set()
        read = [result async for result in results]

    assert len(read) == 5
    assert results.summary == Summary(done=3, failed=1, maybe_done=1, duplicates=2)


async def test_no_items_are_no_results() -> None:
    bulk = Bulk("", Work().call)

    assert await bulk.collect() == []
    assert bulk.summary == Summary()


async def test_it_is_used_in_a_block_and_once() -> None:
    bulk = Bulk("a", Work().call)
    with pytest.raises(RuntimeError, match="async with"):
        await anext(bulk)

    await bulk.collect()

    with pytest.raises(RuntimeError, match="once"):
        await bulk.collect()


async def test_a_concurrency_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Bulk("a", Work().call, concurrency=0)


async def test_a_kept_error_keeps_no_frames_but_a_defect_does() -> None:
    bulk = Bulk("ab", Work(a=broken(), b=KeyError("b")).call, ordered=True)

    failed, defect = await bulk.collect()

    assert isinstance(failed, Failed)
    assert isinstance(defect, Failed)
    assert failed.error.__traceback__ is None
    assert defect.error.__traceback__ is not None


async def test_nothing_is_left_behind() -> None:
    await Bulk("abc", Work().call).collect()

    assert not other_tasks()
