"""The books against what the server did: nobody lost, nobody made twice."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs

from tests.soak.books import Book, State


@attrs.frozen
class Fate:
    """What the server did with a name: how often it was added and removed, and if it is there."""

    added: int
    removed: int
    present: bool


NEVER: Final = Fate(0, 0, present=False)
ONCE: Final = Fate(1, 0, present=True)
REMOVED: Final = Fate(1, 1, present=False)
POSSIBLE: Final[Mapping[State, frozenset[Fate]]] = {
    State.UNKNOWN: frozenset(),  # every call has ended
    State.REFUSED: frozenset({NEVER}),
    State.UNCERTAIN: frozenset({NEVER, ONCE}),
    State.MADE: frozenset({ONCE}),
    State.MAYBE_GONE: frozenset({ONCE, REMOVED}),
    State.GONE: frozenset({REMOVED}),
}


def differences(
    books: Iterable[Book], fates: Mapping[str, Fate], resets: Mapping[str, int]
) -> Iterator[str]:
    """Yield a line for each user whose fate is not one that the answers allow.

    `fates` are by database and name, `resets` by name: how many the server made of them.
    """
    known = set[str]()
    for book in books:
        for home, name, state, asked in book.entries():
            place = f"{home}/{name}"
            known.add(place)
            fate = fates.get(place, NEVER)
            if fate not in POSSIBLE[state]:
                yield f"{place}: {state.name} by its answers, {fate} at the server"
            if resets.get(name, 0) > asked:
                yield f"{name}: {asked} resets asked for, {resets[name]} made"
    for place in fates.keys() - known:
        yield f"{place}: at the server, and nobody asked for it"
