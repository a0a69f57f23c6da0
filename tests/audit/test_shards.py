from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbusers import ConfigurationError
from dbusers.audit.shards import parse_shard, shard_of

NAMES = st.lists(st.text(max_size=5), max_size=30)


@pytest.mark.parametrize(("text", "shard"), [("1/1", (1, 1)), ("2/4", (2, 4)), ("04/10", (4, 10))])
def test_a_shard_is_written_as_a_fraction(text: str, shard: tuple[int, int]) -> None:
    assert parse_shard(text) == shard


@pytest.mark.parametrize(
    "text",
    ["", "2", "0/4", "5/4", "-1/4", "1/0", "1/2/3", "a/b", " 1/2", "1/2\n", "٢/٤", "1/99999"],
)
def test_what_is_no_shard_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no shard: write 1/3, 2/3 and 3/3"):
        parse_shard(text)


@given(NAMES, st.integers(1, 6))
def test_every_name_is_in_one_shard_and_the_shards_are_even(names: list[str], of: int) -> None:
    shards = [shard_of(names, number, of) for number in range(1, of + 1)]

    assert sorted(name for shard in shards for name in shard) == sorted(set(names))
    sizes = [len(shard) for shard in shards]
    assert max(sizes) - min(sizes) <= 1


@given(NAMES, st.randoms(use_true_random=False))
def test_a_shard_does_not_depend_on_the_order_of_the_names(names: list[str], dice: Random) -> None:
    shuffled = dice.sample(names, len(names))

    assert shard_of(shuffled, 1, 2) == shard_of(names, 1, 2)


@pytest.mark.parametrize(("number", "of"), [(0, 2), (3, 2), (1, 0)])
def test_a_shard_that_there_is_not_is_a_defect_of_the_caller(number: int, of: int) -> None:
    with pytest.raises(ValueError, match="there is no shard"):
        shard_of(["a"], number, of)
