"""The pipeline does not grow unnoticed: the guards of `tests.cost`, and that they can fail."""

from typing import Final

import pytest

from dbusers import RequestInformation
from dbusers.request import Handler
from dbusers.response import Response
from tests.cost.baseline import CALLS, INSTRUCTIONS, costs, recorded, section
from tests.cost.calls import calls_of
from tests.cost.cases import CASES
from tests.cost.program import MEASURED, REFERENCE

BEFORE: Final = {REFERENCE: 200_000, "one user": 100_000}


@pytest.mark.parametrize("case", CASES)
async def test_it_makes_no_more_calls_than_before(case: str) -> None:
    now = {case: await calls_of(CASES[case])}

    [cost] = costs(now, recorded()[CALLS])

    assert not cost.grew, f"{cost}; on purpose? python -m tests.cost --record"


async def test_one_link_more_is_noticed() -> None:
    async def link(request: RequestInformation, handler: Handler) -> Response:
        return await handler(request)

    now = {"one user": await calls_of(CASES["one user"], middleware=[link])}

    [cost] = costs(now, recorded()[CALLS])

    assert cost.grew


@pytest.mark.parametrize(
    ("count", "grew", "fell"),
    [
        (106_000, True, False),
        (104_000, False, False),
        (96_000, False, False),
        (94_000, False, True),
    ],
)
def test_more_than_5_percent_is_growth(count: int, grew: bool, fell: bool) -> None:
    [cost] = costs({"one user": count}, BEFORE)

    assert (cost.grew, cost.fell) == (grew, fell)


def test_counts_are_compared_with_those_of_the_same_build_only() -> None:
    other_version = {INSTRUCTIONS.replace("Python 3.", "Python 4."): BEFORE}
    other_patch = {CALLS: {"one user": 80}, f"{INSTRUCTIONS}1": BEFORE}

    assert section({REFERENCE: 200_200}, other_patch) == f"{INSTRUCTIONS}1"
    assert section({REFERENCE: 180_000}, other_patch) is None
    assert section({REFERENCE: 200_000}, other_version) is None


def test_every_baseline_has_every_case() -> None:
    found = recorded()

    assert found.pop(CALLS).keys() == CASES.keys()
    assert all(counts.keys() == set(MEASURED) for counts in found.values())
