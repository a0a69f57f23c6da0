"""Work that stays as it is, of the pipeline's kind: objects and their fields, calls, coroutines.

What a build of Python takes for it tells that build from others. Who changes it must record every
baseline anew.
"""

from collections.abc import Awaitable, Callable
from typing import Final

STEPS: Final = ("databases", "users", "app-01")


class Place:
    """A place in a tree of URLs."""

    def __init__(self, url: str, parameters: dict[str, str]) -> None:
        self.url = url
        self.parameters = parameters
        self.calls = 0

    def below(self, name: str) -> "Place":
        return Place(f"{self.url}/{name}", {**self.parameters, name: name})


async def work() -> None:
    """Make ten short chains, and send each through three links."""
    for _ in range(10):
        place = Place("https://example.org", {})
        for name in STEPS:
            place = place.below(name)
        await _link(place, _outer)


async def _link(place: Place, handler: Callable[[Place], Awaitable[list[str]]]) -> list[str]:
    place.calls += 1
    try:
        return await handler(place)
    finally:
        place.calls -= 1


async def _outer(place: Place) -> list[str]:
    return await _link(place, _inner)


async def _inner(place: Place) -> list[str]:
    return await _link(place, _answer)


async def _answer(place: Place) -> list[str]:
    names = place.parameters
    return [name for name in names if isinstance(name, str) and names.get(name) is not None]
