"""Which operation a request is for: the method and the path's segments against templates."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from attrs import field, frozen

Operation = TypeVar("Operation", bound=Callable[..., object])


class NoSuchPath(Exception):
    """No template has this path."""


class WrongMethod(Exception):
    """The path exists, but not with this method; `allowed` are those it has."""

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(", ".join(allowed))
        self.allowed: tuple[str, ...] = tuple(allowed)


def _split(template: str) -> tuple[str | None, ...]:
    parts = template.split("/")[1:]
    return tuple(None if part.startswith("{") else part for part in parts)


@frozen
class Route(Generic[Operation]):
    """One operation's method and path template, and the scope that it asks for, if any."""

    method: str
    template: str
    operation: Operation
    scope: str = ""
    _parts: tuple[str | None, ...] = field(init=False, repr=False)

    @_parts.default
    def _parts_of_template(self) -> tuple[str | None, ...]:
        return _split(self.template)

    def parameters(self, segments: Sequence[str]) -> list[str] | None:
        """Return the path parameters in order, or None when the segments are of another path."""
        if len(segments) != len(self._parts):
            return None
        pairs = list(zip(self._parts, segments, strict=True))
        if any(part is not None and part != segment for part, segment in pairs):
            return None
        return [segment for part, segment in pairs if part is None]


def find(
    routes: Sequence[Route[Operation]], method: str, segments: Sequence[str]
) -> tuple[Route[Operation], list[str]]:
    """Return the route and its path parameters; raises `NoSuchPath` or `WrongMethod`."""
    allowed = []
    for route in routes:
        parameters = route.parameters(segments)
        if parameters is None:
            continue
        if route.method == method:
            return route, parameters
        allowed.append(route.method)
    if allowed:
        raise WrongMethod(allowed)
    raise NoSuchPath
