"""Over a whole fleet, the findings are those that its wire JSON shows, no more and no fewer."""

from collections import Counter
from collections.abc import Mapping

import pytest

from dbusers.audit import (
    CHECKS,
    Facts,
    NotListed,
    NotRead,
    Read,
    Skipped,
    UserRecord,
    Verdict,
    judge,
    read_all,
)
from dbusers.audit.inventory import Inventory
from dbusers.digitalocean.inventory import DigitalOceanInventory
from dbusers.scalingo.inventory import ScalingoInventory
from dbusers.testing import Sandbox
from tests.audit.checks.wire import NOW, POLICY, Told, change, provoke, wrong

WRONG_OR_UNKNOWN = (Verdict.FAIL, Verdict.UNKNOWN)


async def read(sandbox: Sandbox) -> list[Read | Skipped]:
    """Return how reading each database came out; all of them can be read."""
    found = []
    async with (
        sandbox.digitalocean() as digitalocean,
        sandbox.scalingo(rate_limit=None) as scalingo,
    ):
        accounts: list[Inventory] = [
            DigitalOceanInventory(digitalocean),
            ScalingoInventory(scalingo),
        ]
        async for outcome in read_all(accounts):
            assert not isinstance(outcome, NotRead | NotListed)
            if isinstance(outcome, Read | Skipped):
                found.append(outcome)
    return found


def judged(
    outcomes: list[Read | Skipped], before: Mapping[str, tuple[UserRecord, ...]]
) -> list[Told]:
    """Return every failure and all that is unknown."""
    return [
        (found.check.id, found.database.id, found.user, found.verdict.value)
        for outcome in outcomes
        for found in judge(
            Facts.of(outcome, now=NOW, policy=POLICY, before=before.get(outcome.database.id))
        )
        if found.verdict in WRONG_OR_UNKNOWN
    ]


def beyond(some: list[Told], others: list[Told]) -> list[Told]:
    """Return what is among the first and not among the second, each as often as it is there."""
    return sorted((Counter(some) - Counter(others)).elements(), key=str)


@pytest.mark.parametrize("seed", [1, 2026])
async def test_the_findings_are_those_that_the_wire_shows(seed: int) -> None:
    async with Sandbox(seed=seed, databases=120, users=1500, limits=False) as sandbox:
        provoke(sandbox)
        first = await read(sandbox)
        before = {one.database.id: one.users for one in first if isinstance(one, Read)}
        expected = [*change(sandbox), *wrong(sandbox)]

        found = judged(await read(sandbox), before)

    assert beyond(found, expected) == [], "found, and not there"
    assert beyond(expected, found) == [], "there, and not found"
    assert {id_ for id_, _, _, verdict in found if verdict == "fail"} == {one.id for one in CHECKS}
