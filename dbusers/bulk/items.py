"""`Items`: what a run is over, taken one by one, and each known by its key."""

from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Callable,
    Hashable,
    Iterable,
    Iterator,
    Sized,
)
from enum import Enum
from typing import Final, Generic, Literal

from dbusers.builder import RequestBuilder
from dbusers.bulk.results import Item
from dbusers.errors import InvalidRequest


class End(Enum):
    """The type of `END`."""

    END = "no more items"


END: Final = End.END


def identity(item: object) -> Hashable:
    """Return what tells items apart: the default of `key`.

    The URL of a builder, so that two builders of one user are one item; anything else is itself.
    """
    if isinstance(item, RequestBuilder):
        try:
            return item._information("GET", None).url
        except InvalidRequest:  # which is the operation's to raise
            pass
    try:
        hash(item)
    except TypeError:
        name = type(item).__name__
        raise TypeError(f"{name} has no hash: say by `key` what an item is known by") from None
    return item


class Items(Generic[Item]):
    """Any iterable, asynchronous or not; `taken` counts what was taken of it."""

    def __init__(
        self, items: Iterable[Item] | AsyncIterable[Item], key: Callable[[Item], Hashable]
    ) -> None:
        self._rest: Iterator[Item] | AsyncIterator[Item] = (
            aiter(items) if isinstance(items, AsyncIterable) else iter(items)
        )
        self._length = len(items) if isinstance(items, Sized) else 0
        self._key = key
        self._seen: set[Hashable] = set()
        self.taken: int = 0

    @property
    def untaken(self) -> int:
        """Return how many are left to take; 0 if there is no telling."""
        return max(0, self._length - self.taken)

    async def take(self) -> Item | Literal[End.END]:
        """Return the next one; raises what the iterable raises, after which nothing is left."""
        if not isinstance(self._rest, AsyncIterator):
            return self.take_at_hand()
        try:
            item = await anext(self._rest, END)
        except Exception:
            self._rest = iter(())
            raise
        self.taken += item is not END
        return item

    def take_at_hand(self) -> Item | Literal[End.END]:
        """Return the next one if it need not be waited for; raises like `take`."""
        try:
            item = next(self._rest, END) if isinstance(self._rest, Iterator) else END
        except Exception:
            self._rest = iter(())
            raise
        self.taken += item is not END
        return item

    def is_repeated(self, item: Item) -> bool:
        """Tell whether an item with this key came before; raises what `key` raises."""
        key = self._key(item)
        if key in self._seen:
            return True
        self._seen.add(key)
        return False
