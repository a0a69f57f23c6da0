from collections.abc import Sequence

import pytest

from dbusers import Window
from dbusers.audit import DatabaseRecord, UserRecord
from dbusers.audit.accounts.account import Account
from dbusers.audit.plan import floor, plan_of
from dbusers.digitalocean.client import WINDOWS as DIGITALOCEAN
from dbusers.scalingo.client import WINDOWS as SCALINGO
from tests.clocks import SimulatedClock
from tests.test_budget_of_a_token import Token, digitalocean_floor, scalingo_floor

MINUTE = (Window(60, 60),)


class Provider:
    """An inventory of which only the costs are asked for: two requests for each database."""

    provider = "A"

    async def databases(self) -> Sequence[DatabaseRecord]:
        raise AssertionError("a plan sends nothing")

    async def users(self, database: DatabaseRecord) -> Sequence[UserRecord]:
        raise AssertionError("a plan sends nothing")

    def requests_to_list(self) -> int:
        return 3

    def requests_for(self, databases: Sequence[DatabaseRecord]) -> int:
        return 2 * sum(database.has_users for database in databases)


def account(name: str, token: str, windows: tuple[Window, ...] = MINUTE) -> Account:
    return Account(name, Provider(), windows=windows, token=token)


def databases(number: int, *, has_users: bool = True) -> list[DatabaseRecord]:
    return [DatabaseRecord("A", str(n), str(n), has_users=has_users) for n in range(number)]


@pytest.mark.parametrize("requests", [1, 249, 250, 251, 5_000, 5_001, 5_250, 5_251, 12_345, 20_001])
def test_the_floor_is_the_one_of_the_api_reference(requests: int) -> None:
    assert floor(requests, DIGITALOCEAN) == digitalocean_floor(requests)
    assert floor(requests, SCALINGO) == scalingo_floor(requests)


@pytest.mark.parametrize(
    ("requests", "windows", "seconds"),
    [
        (0, MINUTE, 0.0),
        (60, MINUTE, 0.0),
        (61, MINUTE, 60.0),
        (10_000, (), 0.0),
        # The shorter window lets 3,600 through in an hour: the longer one never counts.
        (5_001, (Window(60, 60), Window(5_000, 3_600)), 83 * 60.0),
        (7, (Window(2, 10), Window(3, 15)), 30.0),  # at 0, 0, 10, 15, 20, 25 and 30
    ],
)
def test_the_floor_holds_for_any_windows(
    requests: int, windows: tuple[Window, ...], seconds: float
) -> None:
    assert floor(requests, windows) == seconds


@pytest.mark.parametrize(("windows", "number"), [(DIGITALOCEAN, 5_100), (SCALINGO, 300)])
async def test_a_budget_keeps_to_the_floor(windows: tuple[Window, ...], number: int) -> None:
    token = Token(SimulatedClock(), windows)

    took = await token.calls(number)

    assert token.provider.refused == 0
    assert floor(number, windows) <= took <= floor(number, windows) * 1.03


def test_the_slowest_token_decides() -> None:
    accounts = [account("quick", "q"), account("slow", "s"), account("idle", "i")]
    listed = {"quick": databases(20), "slow": databases(100), "idle": databases(9, has_users=False)}

    plan = plan_of(accounts, listed)

    assert [(each.name, each.requests, each.floor) for each in plan.tokens] == [
        ("quick", 43, 0.0),
        ("slow", 203, 180.0),
        ("idle", 3, 0.0),
    ]
    assert (plan.requests, plan.databases, plan.floor, plan.exact) == (249, 129, 180.0, True)
    assert plan.slowest is plan.tokens[1]


def test_accounts_of_one_token_are_planned_together() -> None:
    accounts = [account("one", "t"), account("other", "u"), account("two", "t")]
    listed = {name: databases(15) for name in ("one", "other", "two")}

    plan = plan_of(accounts, listed)

    assert [(each.accounts, each.requests, each.floor) for each in plan.tokens] == [
        (("one", "two"), 66, 60.0),
        (("other",), 33, 0.0),
    ]


def test_before_listing_the_plan_is_what_the_last_run_found() -> None:
    plan = plan_of([account("a", "t")], {}, expected={"a": databases(50)})

    assert (plan.requests, plan.floor, plan.exact) == (103, 60.0, False)


def test_an_account_that_cannot_be_listed_leaves_the_plan_inexact() -> None:
    plan = plan_of([account("a", "t")], {}, not_listed=["a"], expected={"a": databases(50)})

    assert (plan.requests, plan.databases, plan.exact) == (3, 0, False)


def test_what_is_pending_is_known_before_anything_is_sent() -> None:
    pending = account("a", "t")
    pending.pending = tuple(databases(5))

    plan = plan_of([pending], {})

    assert (plan.requests, plan.databases, plan.exact) == (10, 5, True)


def test_without_an_account_there_is_nothing_to_plan() -> None:
    plan = plan_of([], {})

    assert (plan.requests, plan.floor, plan.slowest, plan.exact) == (0, 0.0, None, True)
