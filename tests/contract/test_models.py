"""Every model and every enumeration is described, and every description has its model."""

import inspect
import types
import typing
from types import ModuleType
from typing import Any

import attrs
import pytest

import dbusers.digitalocean.models
import dbusers.scalingo.models
from dbusers.absent import ABSENT, Absent
from dbusers.model import NO_FIELDS
from dbusers.openenum import OpenEnum
from tests.contract.description import DIGITALOCEAN, SCALINGO, Description, Schema
from tests.contract.kinds import kind_of_schema, kind_of_type, may_be_null, members

PROVIDERS = (
    (DIGITALOCEAN, dbusers.digitalocean.models),
    (SCALINGO, dbusers.scalingo.models),
)
# What only wraps a model on its way, or says what went wrong: read by the SDK, kept by nobody.
WITHOUT_MODEL = {
    "digitalocean": {"DatabaseClusters", "DatabaseUsers", "DatabaseUserAnswer", "Links", "Error"},
    "scalingo": {
        "DatabaseUserAnswer",
        "UserRequest",
        "Meta",
        "Error",
        "PaymentRequired",
        "NotFound",
        "ValidationErrors",
    },
}
# What the SDK puts together from several answers.
WITHOUT_SCHEMA = {"digitalocean": set[str](), "scalingo": {"FoundDatabase"}}


@attrs.frozen
class Field:
    """A field as either side sees it."""

    kind: str
    required: bool
    nullable: bool


def defined(module: ModuleType) -> dict[str, type[Any]]:
    classes = inspect.getmembers(module, inspect.isclass)
    return {name: cls for name, cls in classes if cls.__module__ == module.__name__}


def models(module: ModuleType) -> dict[str, type[Any]]:
    return {name: cls for name, cls in defined(module).items() if attrs.has(cls)}


def fields_of_model(cls: type[Any]) -> dict[str, Field]:
    hints = typing.get_type_hints(cls)
    found = {}
    for attribute in attrs.fields(cls):
        alternatives = members(hints[attribute.name])
        value_type: Any = typing.Union[tuple(alternatives - {types.NoneType, Absent})]  # noqa: UP007
        if attribute.name != "additional_data":
            found[attribute.name] = Field(
                kind=kind_of_type(value_type),
                required=attribute.default is attrs.NOTHING,
                nullable=types.NoneType in alternatives,
            )
    return found


def fields_of_schema(schema: Schema) -> dict[str, Field]:
    required = schema.get("required", ())
    return {
        name: Field(
            kind=kind_of_schema(node),
            required=name in required,
            # What may be missing the models also take as null: providers swap the two.
            nullable=may_be_null(node) or name not in required,
        )
        for name, node in schema["properties"].items()
    }


each_provider = pytest.mark.parametrize(
    ("description", "module"),
    [pytest.param(*pair, id=pair[0].provider) for pair in PROVIDERS],
)
each_model = pytest.mark.parametrize(
    ("description", "cls"),
    [
        pytest.param(description, cls, id=f"{description.provider}-{name}")
        for description, module in PROVIDERS
        for name, cls in models(module).items()
        if name in description.schemas
    ],
)


@each_provider
def test_the_models_are_the_schemas(description: Description, module: ModuleType) -> None:
    objects = {name for name, s in description.schemas.items() if "x-open-enum" not in s}
    without_model = WITHOUT_MODEL[description.provider]
    without_schema = WITHOUT_SCHEMA[description.provider]

    assert without_model <= objects
    assert without_schema <= set(models(module))
    assert set(models(module)) - without_schema == objects - without_model


@each_provider
def test_the_enumerations_are_the_open_enumerations(
    description: Description, module: ModuleType
) -> None:
    described = {
        name: set(schema["x-open-enum"])
        for name, schema in description.schemas.items()
        if "x-open-enum" in schema
    }
    known = {
        name: {member.value for member in cls}
        for name, cls in defined(module).items()
        if issubclass(cls, OpenEnum)
    }

    assert known == described


@each_model
def test_the_fields_of_a_model_are_those_of_its_schema(
    description: Description, cls: type[Any]
) -> None:
    described = fields_of_schema(description.schemas[cls.__name__])

    assert fields_of_model(cls) == described


@each_model
def test_a_model_keeps_what_it_does_not_know_and_says_what_it_was_not_given(
    description: Description, cls: type[Any]
) -> None:
    defaults = {attribute.name: attribute.default for attribute in attrs.fields(cls)}

    assert defaults.pop("additional_data") is NO_FIELDS
    assert all(default in (attrs.NOTHING, ABSENT) for default in defaults.values())
