"""Every verb of every builder is a described operation, and every operation has its verb."""

import importlib
import inspect
import pkgutil
import re
from typing import Any
from urllib.parse import quote

import attrs
import pytest

from dbusers import RequestConfiguration
from dbusers.builder import RequestBuilder
from tests.contract.builders import Verb, builders, verbs
from tests.contract.description import DESCRIPTIONS, Description, Operation
from tests.contract.kinds import kind_of_schema, kind_of_type
from tests.contract.playing import sample_body, unconnected, verb_of

# The chain of tokens calls these by itself; nobody navigates to them.
WITHOUT_BUILDER = {"tokens_exchange", "addon_token_create"}
# Answers that are put together from several operations.
COMPOSED = {"dedicated_databases_list": "list of FoundDatabase"}
# A client follows pages by itself, in the size that the provider chooses.
PAGING = {"page", "per_page"}

each_description = pytest.mark.parametrize(
    "description", DESCRIPTIONS, ids=lambda description: description.provider
)
each_operation = pytest.mark.parametrize(
    ("description", "operation"),
    [
        pytest.param(d, o, id=o.id)
        for d in DESCRIPTIONS
        for o in d.operations
        if o.id not in WITHOUT_BUILDER
    ],
)


def classes(description: Description) -> dict[str, type[Any]]:
    """Return the classes that the provider's modules define, by name."""
    package = importlib.import_module(f"dbusers.{description.provider}")
    modules = [
        importlib.import_module(f"{package.__name__}.{info.name}")
        for info in pkgutil.iter_modules(package.__path__)
    ]
    return {
        name: cls
        for module in modules
        for name, cls in inspect.getmembers(module, inspect.isclass)
        if cls.__module__ == module.__name__
    }


def query_class(description: Description, verb: Verb) -> type[Any] | None:
    """Return the class for the query parameters of a verb, which is named after its builder."""
    noun = type(verb.builder).__name__.removesuffix("RequestBuilder")
    return classes(description).get(f"{noun}Query") if verb.name == "get" else None


@each_description
def test_the_verbs_are_the_operations(description: Description) -> None:
    called = set()
    for verb in verbs(unconnected(description), description.parameter_examples):
        information = verb.information(sample_body(description, verb))
        called.add((information.method, information.url_template))

    assert called == {
        (o.method, o.path) for o in description.operations if o.id not in WITHOUT_BUILDER
    }


@each_description
def test_every_builder_and_every_query_class_can_be_reached(description: Description) -> None:
    client = unconnected(description)
    reached = {type(b) for b in builders(client, description.parameter_examples)}
    queries = {
        query_class(description, verb) for verb in verbs(client, description.parameter_examples)
    }
    defined = classes(description)

    assert reached == {cls for cls in defined.values() if issubclass(cls, RequestBuilder)}
    assert queries - {None} == {cls for name, cls in defined.items() if name.endswith("Query")}


@each_description
def test_nothing_stands_on_a_builder_but_nouns_verbs_and_their_requests(
    description: Description,
) -> None:
    for verb in verbs(unconnected(description), description.parameter_examples):
        methods = dict(inspect.getmembers(type(verb.builder), inspect.isfunction))
        public = {name for name in methods if not name.startswith("_")}
        sending = {name for name in public if inspect.iscoroutinefunction(methods[name])}
        nouns = {name for name in public if name.startswith("by_")}

        unsent = {f"to_{name}_request_information" for name in sending}
        assert public == sending | unsent | nouns | {"with_url"}


@each_operation
def test_a_request_goes_where_the_operation_is(
    description: Description, operation: Operation
) -> None:
    awkward = {name: f"{name} of/é?" for name in operation.path_parameters}
    filled = re.sub(r"\{(\w+)\}", lambda m: quote(awkward[m[1]], safe=""), operation.path)

    verb = verb_of(unconnected(description), operation, awkward)
    information = verb.information(sample_body(description, verb))

    assert information.url == operation.server + filled
    assert dict(information.path_parameters) == awkward


@each_operation
def test_a_request_has_the_described_body(description: Description, operation: Operation) -> None:
    verb = verb_of(unconnected(description), operation, description.parameter_examples)
    information = verb.information(sample_body(description, verb))

    assert (information.content is None) == (verb.body is None) == (operation.body is None)
    if operation.body is not None:
        assert verb.body is not None
        assert verb.body.__name__ == description.body_form(operation.body).model


@each_operation
def test_a_request_takes_the_described_query(
    description: Description, operation: Operation
) -> None:
    verb = verb_of(unconnected(description), operation, description.parameter_examples)
    query = query_class(description, verb)
    names = {field.name for field in attrs.fields(query)} if query else set()
    values = dict.fromkeys(names, "1")
    configuration = RequestConfiguration(query_parameters=query(**values) if query else {})

    information = verb.information(sample_body(description, verb), configuration)

    assert names == operation.query_parameters - PAGING
    assert dict(information.query_parameters) == values


@each_operation
def test_a_verb_returns_the_models_of_the_success(
    description: Description, operation: Operation
) -> None:
    verb = verb_of(unconnected(description), operation, description.parameter_examples)
    schemas = operation.success.schemas
    payload = description.payload_schema(schemas["application/json"]) if schemas else None

    described = "nothing" if payload is None else kind_of_schema(payload)
    assert kind_of_type(verb.answer) == COMPOSED.get(operation.id, described)
