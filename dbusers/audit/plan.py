"""How many requests an audit takes, and how long at least: the floor that no program can beat.

Each token has its own windows, and all tokens go on side by side: the slowest decides.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType

import attrs

from dbusers.audit.accounts.account import Account
from dbusers.audit.records import DatabaseRecord
from dbusers.windows import Window


@attrs.frozen
class TokenPlan:
    """What one token has to send for the accounts that it reads.

    `floor` is in seconds, from the first request to the last. `exact` is False where an account is
    not listed yet, or could not be: then `requests` and `floor` are the least that it takes.
    """

    provider: str
    accounts: tuple[str, ...]
    databases: int
    requests: int
    floor: float
    exact: bool

    @property
    def name(self) -> str:
        """Return the names of its accounts."""
        return ", ".join(self.accounts)


@attrs.frozen
class Plan:
    """What all tokens have to send, in the order of their first accounts."""

    tokens: tuple[TokenPlan, ...]

    @property
    def requests(self) -> int:
        """Return the requests of all tokens."""
        return sum(token.requests for token in self.tokens)

    @property
    def databases(self) -> int:
        """Return how many databases are known to be read."""
        return sum(token.databases for token in self.tokens)

    @property
    def floor(self) -> float:
        """Return the seconds that the slowest token takes at least."""
        return max((token.floor for token in self.tokens), default=0.0)

    @property
    def slowest(self) -> TokenPlan | None:
        """Return the token that decides how long it takes; None without an account."""
        return max(self.tokens, key=lambda token: token.floor, default=None)

    @property
    def exact(self) -> bool:
        """Tell whether every account is listed."""
        return all(token.exact for token in self.tokens)


def plan_of(
    accounts: Iterable[Account],
    listed: Mapping[str, Sequence[DatabaseRecord]],
    *,
    not_listed: Iterable[str] = (),
    expected: Mapping[str, Sequence[DatabaseRecord]] = MappingProxyType({}),
) -> Plan:
    """Return the plan for accounts of which those in `listed`, by name, are known already.

    Those that are `not_listed` could not be: nothing more is sent for them. What is `expected`, of
    an earlier run, stands in for the others; they make the plan an estimate.
    """
    by_token: dict[Hashable, list[Account]] = {}
    for account in accounts:
        by_token.setdefault(account.token, []).append(account)
    unknown = frozenset(not_listed)
    known = {
        account.name: account.pending
        for group in by_token.values()
        for account in group
        if account.pending is not None
    } | dict(listed)
    return Plan(tuple(_token_plan(group, known, unknown, expected) for group in by_token.values()))


def _token_plan(
    accounts: Sequence[Account],
    listed: Mapping[str, Sequence[DatabaseRecord]],
    not_listed: frozenset[str],
    expected: Mapping[str, Sequence[DatabaseRecord]],
) -> TokenPlan:
    requests = databases = 0
    exact = True
    for account in accounts:
        found = listed.get(account.name)
        if found is None:
            exact = False
            found = () if account.name in not_listed else expected.get(account.name, ())
        exact = exact and not account.is_sampled
        databases += len(found)
        requests += account.requests_to_list() + account.requests_for(found)
    return TokenPlan(
        accounts[0].provider,
        tuple(account.name for account in accounts),
        databases,
        requests,
        floor(requests, accounts[0].windows),
        exact,
    )


def floor(requests: int, windows: Iterable[Window]) -> float:
    """Return the seconds between the first and the last of so many requests, at least.

    Each window is a sliding log: a request may go as soon as the one that stands a window's
    `requests` before it is a window's `seconds` old. No answer takes time, and the budget is whole
    at the beginning.
    """
    windows = tuple(windows)
    moments: list[float] = []
    for place in range(requests):
        moment = 0.0
        for window in windows:
            if place >= window.requests:
                moment = max(moment, moments[place - window.requests] + window.seconds)
        moments.append(moment)
    return moments[-1] if moments else 0.0
