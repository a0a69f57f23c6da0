"""The files in openapi/ are valid, complete and agree with themselves."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.contract.description import (
    DESCRIPTIONS,
    DIGITALOCEAN,
    FOLDER,
    Description,
    Operation,
)

SECRET_NAMES = re.compile(r"password|password_confirmation|uri|access_cert|access_key|token")

each_description = pytest.mark.parametrize(
    "description", DESCRIPTIONS, ids=lambda description: description.provider
)
each_operation = pytest.mark.parametrize(
    ("description", "operation"),
    [pytest.param(d, o, id=o.id) for d in DESCRIPTIONS for o in d.operations],
)


def objects(node: Any, path: str = "$") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every JSON object below `node` with its path."""
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            yield from objects(value, f"{path}.{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from objects(value, f"{path}[{index}]")


def schemas(description: Description) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema with its path."""
    for path, node in objects(description.document):
        if ".examples" not in path and ("type" in node or "$ref" in node):
            yield path, node


def test_there_is_one_file_for_each_provider() -> None:
    files = sorted(file.name for file in FOLDER.iterdir())

    assert files == [f"{description.provider}.yaml" for description in DESCRIPTIONS]


@each_description
def test_a_description_is_valid_openapi(description: Description) -> None:
    errors = list(OpenAPIV31SpecValidator(description.document).iter_errors())

    assert errors == []


@each_description
def test_operation_ids_are_unique(description: Description) -> None:
    ids = [operation.id for operation in description.operations]

    assert len(ids) == len(set(ids))


@each_operation
def test_path_parameters_are_the_names_in_the_path(
    description: Description, operation: Operation
) -> None:
    assert list(operation.path_parameters) == re.findall(r"\{(\w+)\}", operation.path)


@each_operation
def test_every_body_and_every_answer_has_an_example(
    description: Description, operation: Operation
) -> None:
    with_schema = {(a.status, media_type) for a in operation.answers for media_type in a.schemas}
    with_example = {(a.status, e.media_type) for a in operation.answers for e in a.examples}

    assert with_schema == with_example
    assert (operation.body is None) == (operation.body_examples == ())


@each_operation
def test_examples_of_bodies_fit_their_schema(
    description: Description, operation: Operation
) -> None:
    for example in operation.body_examples:
        assert operation.body is not None
        assert description.problems(example.value, operation.body) == [], example.name


@each_operation
def test_examples_of_answers_fit_their_schema(
    description: Description, operation: Operation
) -> None:
    for answer in operation.answers:
        for example in answer.examples:
            schema = answer.schemas[example.media_type]
            assert description.problems(example.value, schema) == [], (answer.status, example.name)


@each_operation
def test_the_errors_of_every_operation_are_described(
    description: Description, operation: Operation
) -> None:
    described = {answer.status for answer in operation.answers}
    expected = {"401", "403", "429", "500", "default"}
    if operation.path_parameters or description is DIGITALOCEAN:  # which documents 404 everywhere
        expected.add("404")
    if operation.body is not None:
        expected |= {"400", "422"}

    assert expected <= described


@each_description
def test_every_object_is_open_and_requires_only_what_it_describes(description: Description) -> None:
    described = [(path, node) for path, node in schemas(description) if "properties" in node]

    assert described
    for path, node in described:
        assert node.get("additionalProperties") is True, path
        assert set(node.get("required", ())) <= set(node["properties"]), path


@each_description
def test_enumerations_are_open(description: Description) -> None:
    assert [path for path, node in schemas(description) if "enum" in node] == []


@each_description
def test_secrets_are_marked(description: Description) -> None:
    properties = [
        (path, node)
        for path, node in schemas(description)
        if ".properties." in path and SECRET_NAMES.fullmatch(path.rpartition(".")[2])
    ]

    assert properties
    for path, node in properties:
        assert node.get("format") == "password", path
        assert node.get("readOnly") or node.get("writeOnly"), path


@each_operation
def test_bodies_hold_nothing_that_only_the_server_sets(
    description: Description, operation: Operation
) -> None:
    waiting, seen = [operation.body], []
    while waiting:
        for _, node in objects(waiting.pop()):
            assert not node.get("readOnly")
            if "$ref" in node and node not in seen:
                seen.append(node)
                waiting.append(description.resolve(node))


@each_description
def test_every_component_is_used(description: Description) -> None:
    used = {node["$ref"] for _, node in objects(description.document) if "$ref" in node}
    components = description.document["components"]
    defined = {
        f"#/components/{kind}/{name}"
        for kind in components.keys() - {"securitySchemes"}
        for name in components[kind]
    }

    assert defined == used
