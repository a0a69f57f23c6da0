"""`Meter`: a token's budget that counts what one account sends under it."""

from math import inf

from dbusers.ratelimit import RateLimit
from dbusers.response import RateLimitState, Response


class Meter(RateLimit):
    """The same budget as `limit`, whose other users it neither counts nor disturbs.

    It stands where every request passes, those for bearers and the repeated ones included, which a
    middleware would not see.
    """

    def __init__(self, limit: RateLimit) -> None:
        # No `super().__init__()`: there is one log of the token, and it is that of `limit`.
        self._limit = limit
        self.sent: int = 0
        """Requests that were sent, or are just about to be."""
        self.under_way: int = 0
        """Those of them that are not answered yet."""

    def acquire_at_once(self) -> float | None:
        """Return the moment, if a request may be sent now; see `RateLimit`."""
        moment = self._limit.acquire_at_once()
        if moment is not None:
            self._count()
        return moment

    async def acquire(self, within: float = inf) -> float:
        """Return the moment at which a request may be sent; see `RateLimit`."""
        moment = await self._limit.acquire(within)
        self._count()
        return moment

    def _count(self) -> None:
        self.sent += 1
        self.under_way += 1

    def settle(self, counted: float) -> None:
        """Take note that a request has been answered, or has failed."""
        self.under_way -= 1
        self._limit.settle(counted)

    def delay(self) -> float:
        """Return the seconds until a request that asks now may be sent."""
        return self._limit.delay()

    def is_unused(self) -> bool:
        """Tell whether the budget is whole, and nobody waits for it."""
        return self._limit.is_unused()

    def learn(self, response: Response) -> None:
        """Take note of what an answer says of the budget."""
        self._limit.learn(response)

    def pause(self, state: RateLimitState | None) -> None:
        """Send nothing for as long as a 429 asks."""
        self._limit.pause(state)
