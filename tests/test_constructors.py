"""Generated constructors: they read what the hooks read, in the same way, and refuse the rest."""

import copy
import weakref
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dbusers.digitalocean.models
import dbusers.scalingo.models
from dbusers import codec
from dbusers.codec import Unreadable
from dbusers.constructors import Wrong, constructor
from dbusers.digitalocean.models import DatabaseUser, MongoUserSettings
from dbusers.fieldtypes import is_list, is_model, is_optional, is_text, item_of, values
from dbusers.model import NO_FIELDS, Model
from dbusers.secret import Secret

MODELS = [
    model
    for module in (dbusers.digitalocean.models, dbusers.scalingo.models)
    for model in vars(module).values()
    if is_model(model) and model is not Model
]
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

texts = st.text(max_size=5)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
unknown = st.dictionaries(texts, anything, max_size=1)


def documents(cls: Any) -> st.SearchStrategy[Any]:
    """Return JSON for a type, now and then with something wrong in it."""
    if is_text(cls) or values(cls) == (Secret,):
        right: st.SearchStrategy[Any] = texts
    elif is_optional(cls):
        right = st.none() | documents(values(cls)[0])
    elif is_model(cls):
        attrs.resolve_types(cls)
        fields = {f.name: f for f in attrs.fields(cls) if f.name != "additional_data"}
        known = st.fixed_dictionaries(
            {}, optional={n: documents(f.type) for n, f in fields.items()}
        )
        required = {n: documents(f.type) for n, f in fields.items() if f.default is attrs.NOTHING}
        right = st.builds(
            lambda a, b, c: {**a, **b, **c}, unknown, known, st.fixed_dictionaries(required)
        )
    elif is_list(cls):
        right = st.lists(documents(item_of(cls)), max_size=2)
    else:
        right = {
            bool: st.booleans(),
            int: st.integers(),
            datetime: st.sampled_from(["2026-01-11T18:37:36Z", "2026-01-11"]),
        }.get(cls, anything)
    return st.integers(0, 99).flatmap(lambda chance: anything if chance == 0 else right)


def by_constructor(document: Any, cls: Any) -> Any:
    try:
        return constructor(cls, codec._hook)(document)
    except (Wrong, KeyError, Unreadable):
        return "refused"


def by_hooks(document: Any, cls: Any) -> Any:
    try:
        return codec._hook(cls)(document, cls)
    except Unreadable:
        return "refused"


@pytest.mark.parametrize("cls", MODELS, ids=str)
@few
@given(data=st.data())
def test_constructor_and_hooks_agree(cls: Any, data: st.DataObject) -> None:
    cls = list[cls] | None
    document = data.draw(documents(cls))
    before = copy.deepcopy(document)

    made = by_constructor(document, cls)

    assert made == by_hooks(document, cls)
    assert repr(made) == repr(by_hooks(document, cls))
    assert document == before


@pytest.mark.parametrize("cls", MODELS, ids=str)
@few
@given(document=anything)
def test_both_agree_on_what_is_no_such_document(cls: Any, document: Any) -> None:
    assert by_constructor(document, cls) == by_hooks(document, cls)


def full(cls: Any) -> Any:
    """Return JSON for a type in which nothing is absent."""
    if is_model(cls):
        attrs.resolve_types(cls)
        fields = (f for f in attrs.fields(cls) if f.name != "additional_data")
        return {f.name: full(f.type) for f in fields}
    only = values(cls)[0]
    if is_list(only):
        return [full(item_of(only))] * 2
    if is_model(only):
        return full(only)
    return {bool: True, int: 7, datetime: "2026-01-11T18:37:36Z", dict[str, Any]: {}}.get(only, "a")


def some_of(document: Any, cls: Any) -> Iterator[Any]:
    """Return the document with each optional field left out, null, alone, or followed by others.

    With each of them known and unknown keys may be the last ones that are found.
    """
    required = {f.name for f in attrs.fields(cls) if f.default is attrs.NOTHING}
    needed = {name: document[name] for name in required}
    optional = [name for name in document if name not in required]
    for place, name in enumerate(optional):
        yield {n: v for n, v in document.items() if n != name}
        yield document | {name: None}
        yield needed | {name: document[name]}
        yield needed | {n: document[n] for n in reversed(optional[place:])}
        yield needed | {n: document[n] for n in optional[: place + 1]}
    yield needed
    yield document


@pytest.mark.parametrize("cls", MODELS, ids=str)
def test_both_agree_wherever_the_last_known_field_stands(cls: Any) -> None:
    attrs.resolve_types(cls)
    for document in some_of(full(cls), cls):
        for unknown_fields in ({}, {"unknown": 1}, {"unknown": 1, "more": None}):
            for whole in (document | unknown_fields, unknown_fields | document):
                made = by_constructor(whole, cls)

                assert made == by_hooks(whole, cls)
                assert made.additional_data == unknown_fields
                assert {f.name for f in attrs.fields(cls) if hasattr(made, f.name)} == {
                    f.name for f in attrs.fields(cls)
                }


@pytest.mark.parametrize("cls", MODELS, ids=str)
def test_both_refuse_a_model_without_a_required_field_and_values_of_no_type(cls: Any) -> None:
    document = full(cls)
    for field in attrs.fields(cls):
        if field.name == "additional_data":
            continue
        wrong = [document | {field.name: object()}]
        if field.default is attrs.NOTHING:
            wrong += [
                {n: v for n, v in document.items() if n != field.name},
                document | {field.name: None},
            ]
        for each in wrong:
            for whole, of in ((each, cls), ([document, each], list[cls])):
                if field.type is dict[str, Any]:
                    continue
                assert by_constructor(whole, of) == by_hooks(whole, of) == "refused"


def test_a_model_that_occurs_again_is_read_the_same() -> None:
    mongo = {"databases": ["a"], "role": "readOnly", "unknown": 1}
    document = {"name": "a", "settings": {"mongo_user_settings": mongo}}

    made = by_constructor(document | {"mongo_user_settings": mongo}, DatabaseUser)

    assert made.mongo_user_settings == made.settings.mongo_user_settings
    assert made.mongo_user_settings == by_hooks(mongo, MongoUserSettings)


def test_a_default_other_than_absent_is_refused() -> None:
    @attrs.frozen(repr=False)
    class Nullable(Model):
        name: str | None = None

    with pytest.raises(TypeError, match="ABSENT"):
        constructor(Nullable, codec._hook)


USER = {"name": "app", "settings": {"acl": [{"topic": "orders", "permission": "consume"}]}}


def test_what_a_constructor_makes_is_a_frozen_value_like_any_other() -> None:
    made: Any
    made, same = (by_constructor(USER, DatabaseUser) for _ in range(2))

    assert type(made) is DatabaseUser
    assert {made} == {same}
    assert weakref.ref(made)() is made
    assert copy.deepcopy(made) == made
    assert attrs.evolve(made, name="other").name == "other"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(made, "name", "other")  # noqa: B010  (as mypy would say of the statement)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        delattr(made, "name")


def test_models_without_unknown_fields_share_a_dictionary_that_stays_empty() -> None:
    made = by_constructor(USER, DatabaseUser)
    fields: Any = made.additional_data

    assert fields is made.settings.additional_data is NO_FIELDS
    with pytest.raises(TypeError, match=r"attrs\.evolve"):
        fields["a"] = 1
    with pytest.raises(TypeError, match=r"attrs\.evolve"):
        fields.update(a=1)
    with pytest.raises(TypeError, match=r"attrs\.evolve"):
        fields.setdefault("a", 1)
    with pytest.raises(TypeError, match=r"attrs\.evolve"):
        fields |= {"a": 1}
    assert fields == {}
