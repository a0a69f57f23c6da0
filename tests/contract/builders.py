"""What the SDK can do, found by walking from a client over its nouns to every verb."""

import inspect
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from dbusers.builder import RequestBuilder
from dbusers.request import RequestConfiguration, RequestInformation

VERBS = ("get", "post", "put", "patch", "delete")


@attrs.frozen
class Verb:
    """One verb of one builder."""

    builder: RequestBuilder
    name: str

    @property
    def call(self) -> Any:
        """The coroutine method that sends."""
        return getattr(self.builder, self.name)

    @property
    def body(self) -> type[Any] | None:
        """The model that the verb sends, if any."""
        hint = typing.get_type_hints(self.call).get("body")
        return next((t for t in typing.get_args(hint) or (hint,) if attrs.has(t)), None)

    @property
    def answer(self) -> Any:
        """What the verb returns, as a type."""
        return typing.get_type_hints(self.call)["return"]

    def arguments(
        self, body: object = None, configuration: RequestConfiguration | None = None
    ) -> tuple[object, ...]:
        """Return what to call it with."""
        return (configuration,) if self.body is None else (body, configuration)

    def information(
        self, body: object = None, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request, unsent."""
        prepare = getattr(self.builder, f"to_{self.name}_request_information")
        information: RequestInformation = prepare(*self.arguments(body, configuration))
        return information


def verbs(client: Any, values: Mapping[str, str]) -> Iterator[Verb]:
    """Yield every verb that can be reached from `client`.

    A `by_…` method takes the `values` of its parameters' names, or else the names themselves.
    """
    for builder in builders(client, values):
        for name in VERBS:
            if hasattr(builder, name):
                yield Verb(builder, name)


def builders(owner: Any, values: Mapping[str, str]) -> Iterator[RequestBuilder]:
    """Yield every builder that can be reached from a client or a builder."""
    for name in dir(type(owner)):
        member = getattr(type(owner), name)
        if name.startswith("by_"):
            builder = getattr(owner, name)(*_segments(member, values))
        elif isinstance(member, property):
            builder = getattr(owner, name)
        else:
            continue
        if isinstance(builder, RequestBuilder):
            yield builder
            yield from builders(builder, values)


def _segments(method: Any, values: Mapping[str, str]) -> Iterator[str]:
    parameters = list(inspect.signature(method).parameters)
    for parameter in parameters[1:]:
        yield values.get(parameter, parameter)
