"""`SlidingWindows`: how many requests of a token its provider counts, and when the next may go.

Every request counts for as long as a window is, from the moment at which it was made: that is how
the providers do it, and anything coarser either breaks a window at its boundary or is slower.
"""

from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import takewhile
from typing import Final

import attrs

from dbusers.errors import ConfigurationError

# A request is counted when it arrives, not when it leaves: two of them may come closer together
# than they went. So every window is held open a little longer than the provider's; requests that
# took longer than this to be answered are counted from their answer on, see `recount`.
MARGIN: Final = 0.5  # seconds
# And one that takes its time is counted for longer than that. Whoever asks which requests are not
# our own must not take it for one.
LATENCY: Final = 10.0  # seconds
OVERTAKEN: Final = 5.0  # seconds in which answers may come in another order than requests arrived


@attrs.frozen
class Window:
    """At most `requests` in any `seconds`."""

    requests: int = attrs.field()
    seconds: float = attrs.field()

    @requests.validator
    @seconds.validator
    def _positive(self, attribute: "attrs.Attribute[float]", value: float) -> None:
        if not value > 0:  # nor NaN
            raise ConfigurationError(f"a window's {attribute.name} must be more than 0")


class SlidingWindows:
    """The log of what is counted in several windows at once.

    Own requests are known exactly. Of those that others make with the same token it is known how
    many there are, after each answer whose headers say how many are left, and when the oldest
    expires. They are taken to be spread evenly from then on, until the next answer tells better.
    """

    def __init__(self, windows: Iterable[Window], reserve: float) -> None:
        self.windows: tuple[Window, ...] = tuple(windows)
        if not self.windows:
            raise ConfigurationError("a RateLimit needs a window; rate_limit=None is without")
        if not 0 <= reserve < 1:
            raise ConfigurationError("a RateLimit's reserve is a share: at least 0, less than 1")
        self.longest: float = max(window.seconds for window in self.windows)
        self.shortest: float = min(window.seconds for window in self.windows)
        self._kept = self.longest + LATENCY
        self._seconds_of = {window.requests: window.seconds for window in self.windows}
        self._open = [(w.requests - int(w.requests * reserve), w.seconds) for w in self.windows]
        self._smallest = min(requests for requests, _ in self._open)
        self._own: deque[float] = deque()
        self._told_at = 0.0
        self._others = 0
        self._counted = self._own  # another one, with the others in it, when there are any

    def __len__(self) -> int:
        """Return how many requests the log has: the place of the next one."""
        return len(self._counted)

    def count(self, now: float) -> None:
        """Put a request into the log."""
        log = self._own
        log.append(now)
        while log[0] < now - self._kept:
            log.popleft()
        if self._counted is not log:
            self._counted.append(now)  # it is made anew when the next answer tells of others

    def recount(self, made: float, now: float) -> None:
        """Have a request that was counted as `made` then expire as one made `now`, at the latest.

        When its answer comes, it must have arrived; before, it need not have.
        """
        for log in (self._own,) if self._counted is self._own else (self._own, self._counted):
            with suppress(ValueError):  # it has expired meanwhile, or so it seemed
                log.remove(made)
            insort(log, now - MARGIN)

    def is_empty(self, now: float) -> bool:
        """Tell whether nothing counts any more."""
        return not self._counted or self._counted[-1] < now - self.longest - MARGIN

    def next_moment(self, not_before: float) -> float:
        """Return when the next request may go: `moment` of its place, made fast for every call."""
        counted = self._counted
        place = len(counted)
        if place < self._smallest:  # as it is for who does not use up a budget
            return not_before
        moment = not_before
        for requests, seconds in self._open:
            if place >= requests:
                moment = max(moment, counted[place - requests] + seconds + MARGIN)
        return moment

    def moment(self, place: int, not_before: float) -> float:
        """Return when the request at `place`, counted from the oldest in the log, may go."""
        moments: dict[int, float] = {}
        for waiting in sorted(self._waiting_up_to(place)):
            moment = not_before
            for requests, seconds in self._open:
                earlier = waiting - requests
                if earlier >= 0:
                    counted = moments[earlier] if earlier in moments else self._counted[earlier]
                    moment = max(moment, counted + seconds + MARGIN)
            moments[waiting] = moment
        return moments[place]

    def _waiting_up_to(self, place: int) -> set[int]:
        """Return `place` and those in front of it, not sent yet, whose moments decide its own."""
        # No recursion: behind thousands it would run out of frames, and windows of different
        # lengths would lead it to the same places again and again.
        found = {place}
        unseen = [place]
        while unseen:
            later = unseen.pop()
            for requests, _ in self._open:
                earlier = later - requests
                if earlier >= len(self) and earlier not in found:
                    found.add(earlier)
                    unseen.append(earlier)
        return found

    def accounts_for(self, limit: int, remaining: int) -> bool:
        """Tell whether what an answer says is known already, as it is where nobody else asks."""
        if self._others:
            return False
        seconds = self._seconds_of.get(limit)
        if seconds is None:
            return True  # the provider speaks of a window that is not one of these
        return seconds == self.longest and limit - remaining <= len(self._own)

    def learn(
        self, limit: int, remaining: int, now: float, first_expires_in: Callable[[], float]
    ) -> None:
        """Take note of what an answer says is left of the window of `limit` requests."""
        seconds = self._seconds_of.get(limit)
        if seconds is None:
            return
        own = len(self._own)
        if seconds < self.longest:
            since = now - seconds - LATENCY
            own = sum(1 for _ in takewhile(lambda made: made > since, reversed(self._own)))
        others = max(0, limit - remaining - own)
        if others < self._others and now < self._told_at + OVERTAKEN:
            return  # counted before some of our own arrived, though it comes after their answers
        if others or self._others:
            self._told_at = now
            age = max(0.0, seconds - first_expires_in())
            self._count_others(others, now - age, now)

    def _count_others(self, others: int, first: float, now: float) -> None:
        self._others = others
        self._counted = self._own
        if others:
            step = (now - first) / others
            spread = [first + step * place for place in range(others)]
            self._counted = deque(sorted([*self._own, *spread]))
