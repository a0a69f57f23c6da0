"""What a type checker makes of the public names: `make check` reads these, and they run too."""

from typing import assert_type

from dbusers.bulk import Bulk, Done, Failed, NotStarted, Result
from dbusers.digitalocean import DatabaseUser, UserRequestBuilder
from tests.bulk.work import one_by_one


async def length(item: str) -> int:
    return len(item)


async def test_the_values_are_of_the_operations_type() -> None:
    async with Bulk(["a", "bc"], length, ordered=True) as results:
        async for result in results:
            assert_type(result, Done[str, int] | Failed[str] | NotStarted[str])
            assert_type(result.item, str)
            assert_type(result.unwrap(), int)
            if isinstance(result, Done):
                assert_type(result.value, int)
            elif isinstance(result, Failed):
                assert_type(result.error, Exception)

    assert result.unwrap() == 2


async def test_a_lambda_needs_no_annotation() -> None:
    users: list[UserRequestBuilder] = []
    reset = Bulk(users, lambda user: user.reset_auth.post())
    removal = Bulk(users, lambda user: user.delete())

    assert_type(reset, Bulk[UserRequestBuilder, DatabaseUser])
    assert_type(removal, Bulk[UserRequestBuilder, None])
    assert await reset.collect() == []
    assert await removal.collect() == []


async def test_an_asynchronous_iterable_is_typed_alike() -> None:
    results = await Bulk(one_by_one("ab"), length).collect()

    assert_type(results, list[Result[str, int]])
    assert [result.unwrap() for result in results] == [1, 1]
