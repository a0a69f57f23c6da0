"""The ends an item may come to: `Done`, `Failed` or `NotStarted`; and what an error leaves open."""

from typing import Any, Final, Generic, Literal, NoReturn, TypeVar, Union

import attrs

from dbusers.errors import (
    APIError,
    ConfigurationError,
    ConnectionFailed,
    DbusersError,
    InvalidRequest,
    RequestTimedOut,
    Unauthorized,
)

Item = TypeVar("Item")
Value = TypeVar("Value")

# Reasons of a repetition, as in `DbusersError.retries`, after which nothing can have been done.
REFUSALS: Final = frozenset({"429", "401, bearer renewed"})


class Interrupted(DbusersError):
    """The call was cancelled while it was under way, and its answer is not known."""


class HookFailed(DbusersError):
    """`on_start`, `sink`, `stop_on` or `key` raised; its own error is the `__cause__`.

    `unsaved` are the results that the sink did not take. They may hold the only copy of a password.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.unsaved: tuple[Done[Any, Any] | Failed[Any], ...] = ()


@attrs.frozen
class Done(Generic[Item, Value]):
    """The operation was carried out, and returned `value`."""

    item: Item
    value: Value = attrs.field(repr=False)  # may hold a secret that the caller has revealed

    def unwrap(self) -> Value:
        """Return the value."""
        return self.value


@attrs.frozen
class Failed(Generic[Item]):
    """The operation raised `error`.

    `maybe_done` is False where the provider refused, or the request cannot have reached it; True
    where it may have been carried out all the same: the answer was lost, cut off or not readable,
    or is a 5xx. Of an operation that makes several requests, it speaks of the one that failed.
    """

    item: Item
    error: Exception
    maybe_done: bool

    def unwrap(self) -> NoReturn:
        """Raise the error."""
        raise self.error


@attrs.frozen
class NotStarted(Generic[Item]):
    """The operation was not called for this item.

    `reason` is "stopped", or "duplicate": the same item came before, and has an end of its own.
    """

    item: Item
    reason: Literal["stopped", "duplicate"]

    def unwrap(self) -> NoReturn:
        """Raise a `DbusersError`: there is neither a value nor an error."""
        raise DbusersError(f"the operation was not started: {self.reason}", retryable=True)


# `Union`, not `|`: see `dbusers.absent`.
Result = Union[Done[Item, Value], Failed[Item], NotStarted[Item]]  # noqa: UP007
"""The one end of one item; `unwrap` returns the value or raises."""


@attrs.frozen
class Summary:
    """How many items came to which end so far; `maybe_done` are among the `failed`.

    `not_started` counts those that have not been asked for yet too, if the items have a length.
    Items under way are in none of them.
    """

    done: int = 0
    failed: int = 0
    maybe_done: int = 0
    not_started: int = 0
    duplicates: int = 0

    def __str__(self) -> str:
        """Say it in a line."""
        parts = [f"{self.done} done"]
        if self.failed:
            open_ends = f" ({self.maybe_done} of them maybe done)" if self.maybe_done else ""
            parts.append(f"{self.failed} failed{open_ends}")
        if self.not_started:
            parts.append(f"{self.not_started} not started")
        if self.duplicates:
            parts.append(f"{self.duplicates} given twice")
        return ", ".join(parts)


def is_hopeless(error: Exception) -> bool:
    """Tell whether all other calls would fail in the same way: the default of `stop_on`.

    So they would where the token is refused, or the client closed or set up wrongly; and what is
    no `DbusersError` is a defect, which better meets one item than all. Of an `ExceptionGroup`, one
    such error is enough.
    """
    if isinstance(error, ExceptionGroup):
        return any(map(is_hopeless, error.exceptions))
    return isinstance(error, Unauthorized | ConfigurationError) or not isinstance(
        error, DbusersError
    )


def maybe_done(error: Exception) -> bool:
    """Tell whether the request that failed with `error` may have been carried out all the same."""
    match error:
        case ConnectionFailed() | RequestTimedOut():
            return error.sent
        case InvalidRequest():
            return False
        case ConfigurationError():  # the client may have been closed while the call was under way
            return error.attempts > 0
        case APIError():
            refused = error.status < 500 and error.status != 408
            return not refused or not REFUSALS.issuperset(error.retries)
        case _:
            return True
