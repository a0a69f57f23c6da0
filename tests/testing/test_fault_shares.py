"""Faults that hit a random share of the requests, the same one for the same seed."""

from random import Random
from typing import TYPE_CHECKING

import pytest

from dbusers.testing import Fault, Sandbox

if TYPE_CHECKING:  # conftest cannot be imported while the tests run
    from tests.testing.conftest import Caller

REGIONS = "/v1/regions"  # answers 401 to who has no bearer, and has no limit to speak of


async def hits(anonymous: "Caller", *faults: Fault, requests: int = 50) -> list[int]:
    """Return the status of each of so many requests to a sandbox with these faults."""
    async with Sandbox(limits=False, databases=0, users=0) as sandbox:
        for fault in faults:
            sandbox.inject(fault)
        for _ in range(requests):
            await anonymous("GET", f"{sandbox.url}{REGIONS}")
        return [request.status or 0 for request in sandbox.requests]


@pytest.fixture
def anonymous(anonymous: "Caller") -> "Caller":
    return type(anonymous)(anonymous._session, "", token="")  # for sandboxes of the tests' own


async def test_the_same_seed_hits_the_same_requests(anonymous: "Caller") -> None:
    fault = Fault(REGIONS, status=503, share=0.3, seed=7, times=None)

    first, again = await hits(anonymous, fault), await hits(anonymous, fault)
    other = await hits(anonymous, Fault(REGIONS, status=503, share=0.3, seed=8, times=None))

    assert first == again != other
    dice = Random(7)
    assert first == [503 if dice.random() < 0.3 else 401 for _ in range(50)]


async def test_times_counts_hits_and_after_counts_requests(anonymous: "Caller") -> None:
    statuses = await hits(
        anonymous, Fault(REGIONS, status=503, share=0.5, times=3, after=10), requests=40
    )

    assert statuses[:10] == [401] * 10
    assert statuses.count(503) == 3


async def test_a_request_that_is_let_pass_goes_on_to_the_next_fault(anonymous: "Caller") -> None:
    rare = Fault(REGIONS, status=503, share=0.2, seed=1, times=None)

    statuses = await hits(anonymous, rare, Fault(REGIONS, status=502, times=None))

    assert set(statuses) == {503, 502}
    assert 3 <= statuses.count(503) <= 20


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        Fault("*", status=500, share=share)
