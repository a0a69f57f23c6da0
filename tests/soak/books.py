"""What is known of every user that was asked for, from the answers to the calls alone."""

from collections.abc import Iterator
from enum import IntEnum
from typing import Final

from dbusers import APIError, ConnectionFailed, DbusersError, RequestTimedOut, UnexpectedBody

# What the faults lead to. Any other error means that the SDK repeated what it must not, or took a
# user for lost, or used a bearer that it should have renewed.
EXPECTED: Final = (ConnectionFailed, RequestTimedOut, UnexpectedBody)
EXPECTED_STATUSES: Final = (408, 429)
REFUSALS: Final = ("429", "401, bearer renewed")


class State(IntEnum):
    """What is known of a user."""

    UNKNOWN = 0
    REFUSED = 1
    """Its creation was refused, or never sent."""
    UNCERTAIN = 2
    """Its creation failed in a way that does not tell whether it was processed."""
    MADE = 3
    MAYBE_GONE = 4
    """Made, and its deletion failed in such a way."""
    GONE = 5


class Book:
    """The users that one account has asked for, by number.

    What it needs is taken when it is opened: bookkeeping shall not look like a leak.
    """

    def __init__(self, account: str, homes: tuple[str, ...], capacity: int) -> None:
        self._account = account
        self._homes = homes
        self._states = bytearray(capacity)
        self._resets = bytearray(capacity)
        self._asked = 0

    def open_for_new(self) -> int:
        """Return the number of a user that nobody has asked for yet."""
        self._asked += 1
        return self._asked - 1

    def name(self, number: int) -> str:
        return f"{self._account}-{number:06}"

    def home(self, number: int) -> str:
        """Return the id of the database that the user belongs to."""
        return self._homes[number % len(self._homes)]

    def created(self, number: int, error: Exception | None) -> None:
        """Enter how the call to create a user ended."""
        if error is None:
            self._states[number] = State.MADE
        else:
            self._states[number] = State.REFUSED if excluded(error) else State.UNCERTAIN

    def deleted(self, number: int, error: Exception | None) -> bool:
        """Enter how the call to delete a user ended; True: it is there as before."""
        if error is None:
            self._states[number] = State.GONE
        elif not excluded(error) or not _refused_before(error):
            self._states[number] = State.MAYBE_GONE
        return self._states[number] == State.MADE

    def reset(self, number: int) -> None:
        """Enter that a user's credentials are about to be reset."""
        self._resets[number] += 1

    def entries(self) -> Iterator[tuple[str, str, State, int]]:
        """Yield for each user its database, name, state, and how many resets were asked for."""
        for number in range(self._asked):
            state = State(self._states[number])
            yield self.home(number), self.name(number), state, self._resets[number]


def excluded(error: Exception) -> bool:
    """Tell whether the call that failed with `error` was certainly not processed."""
    if isinstance(error, ConnectionFailed | RequestTimedOut):
        return not error.sent
    return isinstance(error, APIError) and error.status < 500 and error.status != 408


def _refused_before(error: Exception) -> bool:
    # A deletion is repeated after any failure, of which each may have done it.
    retries = error.retries if isinstance(error, DbusersError) else ()
    return all(reason in REFUSALS for reason in retries)


def is_expected(error: Exception) -> bool:
    """Tell whether the faults explain this error."""
    if isinstance(error, APIError):
        return error.status >= 500 or error.status in EXPECTED_STATUSES
    return isinstance(error, EXPECTED)
