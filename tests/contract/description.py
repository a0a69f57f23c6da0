"""The files in openapi/ as values: what the SDK and the sandbox are held to."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import yaml
from jsonschema import Draft202012Validator, FormatChecker

FOLDER = Path(__file__).parents[2] / "openapi"
# The same in C, where PyYAML was built with it: a tenth of the time, at each start of the tests.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
METHODS = ("get", "post", "put", "patch", "delete")

Schema = Mapping[str, Any]


@attrs.frozen
class Example:
    """One example of a body."""

    name: str
    media_type: str
    value: Any = attrs.field(repr=False)


@attrs.frozen
class Answer:
    """One answer of an operation: what may come back under a status."""

    status: str
    """Three digits, or "default" for every status that is not listed."""
    schemas: Mapping[str, Schema] = attrs.field(repr=False)
    examples: tuple[Example, ...] = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False)
    """The headers that come with it, each with its example."""

    @property
    def is_success(self) -> bool:
        return self.status.startswith("2")


@attrs.frozen
class BodyForm:
    """How a body holds its model."""

    model: str
    key: str | None = None
    """What the model stands under, None if it is the body itself."""
    beside: frozenset[str] = frozenset()
    """The names that stand beside the model's own fields."""


@attrs.frozen
class Operation:
    """One operation: a method on a path."""

    id: str
    method: str
    path: str
    path_parameters: Mapping[str, str] = attrs.field(repr=False)
    """The names in the path, in its order, each with its example."""
    query_parameters: frozenset[str] = attrs.field(repr=False)
    security: str = attrs.field(repr=False)
    """The name of the one security scheme."""
    scopes: tuple[str, ...] = attrs.field(repr=False)
    server: str = attrs.field(repr=False)
    """The URL of the host that the path lives on, in the default region."""
    body: Schema | None = attrs.field(repr=False)
    body_examples: tuple[Example, ...] = attrs.field(repr=False)
    answers: tuple[Answer, ...] = attrs.field(repr=False)

    def answer(self, status: int) -> Answer:
        """Return what the description says of this status."""
        by_status = {answer.status: answer for answer in self.answers}
        return by_status.get(str(status)) or by_status["default"]

    @property
    def success(self) -> Answer:
        """Return the one answer that is not an error."""
        (answer,) = (answer for answer in self.answers if answer.is_success)
        return answer

    def matches(self, method: str, raw_path: str) -> bool:
        """Tell whether a request is one for this operation."""
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(self.path))
        return method == self.method and re.fullmatch(pattern, raw_path) is not None


class Description:
    """One provider's file."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.document: dict[str, Any] = yaml.load((FOLDER / f"{provider}.yaml").read_text(), LOADER)
        self.schemas: Mapping[str, Schema] = self.document["components"]["schemas"]
        self.operations = tuple(self._operations())

    def operation(self, operation_id: str) -> Operation:
        """Return the operation of that id."""
        return next(o for o in self.operations if o.id == operation_id)

    def operation_for(self, method: str, raw_path: str) -> Operation | None:
        """Return the operation that a request is for."""
        return next((o for o in self.operations if o.matches(method, raw_path)), None)

    def resolve(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what `node` refers to, or `node` itself."""
        if "$ref" not in node:
            return node
        found: Any = self.document
        for key in node["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        return self.resolve(found)

    @property
    def parameter_examples(self) -> Mapping[str, str]:
        """An example for every name that stands in a path."""
        return {
            name: example
            for operation in self.operations
            for name, example in operation.path_parameters.items()
        }

    def payload_key(self, schema: Schema, document: Any) -> str | None:
        """Return the key that the models stand under in an answer, None if it is one itself."""
        schema = self.resolve(schema)
        for alternative in schema.get("oneOf", (schema,)):
            wrapper = self.resolve(alternative)
            if alternative is not wrapper:
                continue  # a bare model
            (key,) = wrapper["required"]
            if key in document:
                return str(key)
        return None

    def payload_schema(self, schema: Schema) -> Schema:
        """Return the schema of the models in an answer."""
        schema = self.resolve(schema)
        wrapper = next(s for s in schema.get("oneOf", (schema,)) if "$ref" not in s)
        (key,) = wrapper["required"]
        found: Schema = wrapper["properties"][key]
        return found

    def body_form(self, schema: Schema) -> BodyForm:
        """Return how a body of this schema holds its model."""
        if "$ref" in schema:
            return BodyForm(_name(schema))
        (key,) = schema["required"]
        model, *others = schema["properties"][key]["allOf"]
        beside = (self.resolve(other)["properties"] for other in others)
        return BodyForm(_name(model), key, frozenset().union(*beside))

    def problems(self, value: Any, schema: Schema) -> list[str]:
        """Return where `value` departs from `schema`, without the values found there."""
        # References start at the root of the document, so the schema takes its components along.
        whole = {"allOf": [schema], "components": self.document["components"]}
        validator = Draft202012Validator(whole, format_checker=FormatChecker())
        return [f"{e.json_path}: {e.validator}" for e in validator.iter_errors(value)]

    def _operations(self) -> Iterator[Operation]:
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield self._operation(path, item, method)

    def _operation(self, path: str, item: Mapping[str, Any], method: str) -> Operation:
        node = item[method]
        parameters = [
            self.resolve(p) for p in (*item.get("parameters", ()), *node.get("parameters", ()))
        ]
        ((security, scopes),) = next(iter(node["security"])).items()
        body = node.get("requestBody", {}).get("content", {})
        return Operation(
            id=node["operationId"],
            method=method.upper(),
            path=path,
            path_parameters={p["name"]: p["example"] for p in parameters if p["in"] == "path"},
            query_parameters=frozenset(p["name"] for p in parameters if p["in"] == "query"),
            security=security,
            scopes=tuple(scopes),
            server=_url(item.get("servers", self.document["servers"])[0]),
            body=body["application/json"]["schema"] if body else None,
            body_examples=tuple(self._examples(body)),
            answers=tuple(self._answer(*pair) for pair in node["responses"].items()),
        )

    def _answer(self, status: str, reference: Mapping[str, Any]) -> Answer:
        node = self.resolve(reference)
        content = node.get("content", {})
        return Answer(
            status=status,
            schemas={media_type: media["schema"] for media_type, media in content.items()},
            examples=tuple(self._examples(content)),
            headers={
                name: str(self.resolve(header)["example"])
                for name, header in node.get("headers", {}).items()
            },
        )

    def _examples(self, content: Mapping[str, Any]) -> Iterator[Example]:
        for media_type, media in content.items():
            for name, example in media.get("examples", {}).items():
                yield Example(name, media_type, self.resolve(example)["value"])


def _url(server: Mapping[str, Any]) -> str:
    defaults = {name: node["default"] for name, node in server.get("variables", {}).items()}
    url: str = server["url"].format(**defaults)
    return url


def _name(reference: Schema) -> str:
    name: str = reference["$ref"].rpartition("/")[2]
    return name


@cache
def describe(provider: str) -> Description:
    """Return the description of "digitalocean" or "scalingo"."""
    return Description(provider)


DIGITALOCEAN = describe("digitalocean")
SCALINGO = describe("scalingo")
DESCRIPTIONS = (DIGITALOCEAN, SCALINGO)
