"""attrs models <-> JSON bytes: cattrs over orjson, strict about types and lenient about the new.

What every model can rely on:

- keys that the model does not name are kept in its `additional_data` and written back;
- a field that is absent stays `ABSENT`, null stays `None`, empty stays empty;
- a required field that is missing, or a value of another JSON type, is an error with its path;
- values of open enumerations keep the text that came.

Nothing here raises with a value of the document in it: a `Problem` holds paths and type names.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache, reduce
from operator import or_
from types import MappingProxyType, NoneType
from typing import Any, Final

import attrs
import orjson
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from dbusers.absent import ABSENT, Absent
from dbusers.constructors import Constructor, Wrong, constructor
from dbusers.errors import InvalidRequest
from dbusers.fieldtypes import (
    is_list,
    is_maybe,
    is_model,
    is_object,
    is_text,
    is_text_of_known_values,
    is_tuple,
    item_of,
    values,
)
from dbusers.secret import Secret

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
JSON_TYPES: Final[Mapping[type, str]] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    NoneType: "null",
}
MOST_PROBLEMS: Final = 10  # told of one document: a megabyte of wrong items has a million


@attrs.frozen
class Problem:
    """Why a document cannot be read: one line for each place, without the values found there."""

    lines: tuple[str, ...]


class Unreadable(ValueError):
    """What is wrong with a value, and where in it: pairs of a text and a JSON path from there."""

    def __init__(self, *places: tuple[str, str]) -> None:
        self.places = places

    @classmethod
    def type_of(cls, value: object, expected: str) -> "Unreadable":
        """Return the error for a value of another JSON type than `expected`."""
        return cls((f"expected {expected}, found {JSON_TYPES.get(type(value), 'something')}", ""))

    def below(self, step: str) -> list[tuple[str, str]]:
        """Return the places as they are seen from one step further up."""
        return [(problem, step + path) for problem, path in self.places]


def parse(content: bytes) -> Any:
    """Return the document in `content`, or a `Problem`."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        if not content or content.isspace():
            return Problem(("the body is empty",))
        return Problem((f"not JSON: {error.msg} at byte {error.pos}",))


def structure(document: object, cls: Any, under: str | None = None) -> Any:
    """Return `document` as a `cls`, or a `Problem`; `under` is the key that it was found under."""
    try:
        return _constructor(cls)(document)
    except (Wrong, KeyError, Unreadable):
        pass  # the hooks read it once more, slowly, and know where they are
    path = "$" if under is None else f"$.{under}"
    try:
        return _hook(cls)(document, cls)
    except Unreadable as error:
        return Problem(tuple(f"{problem} @ {place}" for problem, place in error.below(path)))


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep Python's garbage collector from looking through what a long document is made into.

    It would do so after every 700 objects, though none of them can be garbage yet, and take as long
    as it takes to make them. The collector is the whole process's: other threads, too, do without
    it for the few milliseconds.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def encode(model: Any, *, under: str | None = None, beside: Mapping[str, Any] = NOTHING) -> bytes:
    """Return `model` as JSON: as the whole document, or under a key, with the fields `beside` it.

    Raises `InvalidRequest` for what this module would refuse to read: a value of another type than
    its field says, or one that JSON does not know.
    """
    content = _encoded(model, under, beside)
    # Raised here and not there: that frame, which a traceback would show, knows the secrets.
    if isinstance(content, Problem):
        raise InvalidRequest(f"{type(model).__name__}: {'; '.join(content.lines)}")
    return content


def _encoded(model: Any, under: str | None, beside: Mapping[str, Any]) -> bytes | Problem:
    document = _converter().unstructure(model)
    found = structure(document, type(model))
    if isinstance(found, Problem):
        return found
    for name, value in beside.items():
        if value is not ABSENT:
            document[name] = _converter().unstructure(value)
    try:
        return orjson.dumps(document if under is None else {under: document})
    except orjson.JSONEncodeError as error:
        return Problem((str(error),))


def as_tuple(value: Iterable[Any] | None | Absent) -> tuple[Any, ...] | None | Absent:
    """Return a model's list as the tuple that a frozen value holds."""
    # Of anything: a checker takes this parameter for the field's, a type variable and all.
    if value is ABSENT or value is None or isinstance(value, tuple):
        return value
    if isinstance(value, str):
        raise InvalidRequest("expected a list, found a string: put it into a list of one")
    if not isinstance(value, Iterable):
        raise InvalidRequest(f"expected a list, found {type(value).__name__}")
    return tuple(value)


def as_secret(value: str | Secret | None | Absent) -> Secret | None | Absent:
    """Return a caller's password as the secret that a model holds."""
    return Secret(value) if isinstance(value, str) else value


@cache
def _converter() -> Converter:
    # Built on first use: importing the package should not pay for it.
    converter = Converter(detailed_validation=False)  # the hooks here tell where and what
    for cls, expected in ((str, "a string"), (bool, "a boolean"), (int, "a whole number")):
        converter.register_structure_hook(cls, _exactly(cls, expected))
    converter.register_structure_hook(Secret, _secret)
    converter.register_structure_hook(datetime, _timestamp)
    converter.register_structure_hook_factory(is_text_of_known_values, lambda _: _open_enum)
    converter.register_structure_hook_factory(is_maybe, _structure_maybe)
    converter.register_structure_hook_factory(is_object, lambda _: _object)
    converter.register_structure_hook_factory(is_list, _structure_list)
    converter.register_structure_hook_factory(is_model, _structure_model)
    converter.register_unstructure_hook(Secret, Secret.reveal)
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    converter.register_unstructure_hook_factory(is_model, _unstructure_model)
    return converter


Hook = Callable[[Any, Any], Any]


@cache
def _constructor(cls: Any) -> Constructor:
    return constructor(cls, _hook)


@cache
def _hook(cls: Any) -> Hook:
    return _converter().get_structure_hook(cls)


def _exactly(cls: type, expected: str) -> Hook:
    # cattrs' own hook calls `cls(value)`, which makes the text "None" of a null.
    def hook(value: Any, _: Any) -> Any:
        if type(value) is not cls:
            raise Unreadable.type_of(value, expected)
        return value

    return hook


def _secret(value: Any, _: Any) -> Secret:
    if type(value) is not str:
        raise Unreadable.type_of(value, "a string")
    return Secret(value)


def _timestamp(value: Any, _: Any) -> datetime:
    if type(value) is not str:
        raise Unreadable.type_of(value, "a timestamp")
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise Unreadable(("expected a timestamp, found other text", "")) from None


def _open_enum(value: Any, _: Any) -> str:
    if not isinstance(value, str):
        raise Unreadable.type_of(value, "a string")
    return value


def _object(value: Any, _: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise Unreadable.type_of(value, "an object")
    return value


def _structure_maybe(cls: Any, converter: Converter) -> Hook:
    inner: Any = reduce(or_, values(cls))
    structure_inner = converter.get_structure_hook(inner)

    def hook(value: Any, _: Any) -> Any:
        return None if value is None else structure_inner(value, inner)

    return hook


def _structure_list(cls: Any, converter: Converter) -> Hook:
    item = item_of(cls)
    structure_item = converter.get_structure_hook(item)
    as_tuples = is_tuple(cls)

    def hook(value: Any, _: Any) -> Any:
        # cattrs iterates over whatever it is given, be it a string.
        if type(value) not in (list, tuple):
            raise Unreadable.type_of(value, "an array")
        items = []
        wrong: list[tuple[str, str]] = []
        for place, each in enumerate(value):
            try:
                items.append(structure_item(each, item))
            except Unreadable as error:
                wrong += error.below(f"[{place}]")
                if len(wrong) >= MOST_PROBLEMS:
                    break
        if wrong:
            raise Unreadable(*wrong[:MOST_PROBLEMS])
        return tuple(items) if as_tuples else items

    return hook


def _structure_model(cls: Any, converter: Converter) -> Hook:
    attrs.resolve_types(cls)
    known = [field for field in attrs.fields(cls) if field.name != "additional_data"]
    hooks = {field.name: converter.get_structure_hook(field.type) for field in known}
    texts = {field.name for field in known if is_text(field.type)}
    required = {field.name for field in known if field.default is attrs.NOTHING}

    def hook(value: Any, _: Any) -> Any:
        if type(value) is not dict:
            raise Unreadable.type_of(value, "an object")
        fields: dict[str, Any] = {}
        additional: dict[str, Any] = {}
        wrong: list[tuple[str, str]] = []
        for name, item in value.items():
            if name in texts and type(item) is str:
                fields[name] = item  # what most fields are: a call less for each
            elif name in hooks:
                try:
                    fields[name] = hooks[name](item, None)
                except Unreadable as error:
                    wrong += error.below(f".{name}")
            else:
                additional[name] = item
        if not required <= value.keys():
            missing = sorted(required - value.keys())
            wrong += [("required field missing", f".{name}") for name in missing]
        if wrong:
            raise Unreadable(*wrong[:MOST_PROBLEMS])
        return cls(**fields, additional_data=additional)

    return hook


def _unstructure_model(cls: Any, converter: Converter) -> Callable[[Any], Any]:
    unstructure_fields = make_dict_unstructure_fn(
        cls, converter, _cattrs_omit_if_default=True, additional_data=override(omit=True)
    )

    def hook(model: Any) -> Any:
        fields = unstructure_fields(model)
        return {**model.additional_data, **fields} if model.additional_data else fields

    return hook
