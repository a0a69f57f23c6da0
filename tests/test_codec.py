"""Models and JSON: nothing is lost, nothing is guessed, and no complaint repeats a value."""

from datetime import UTC, datetime
from typing import Any

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbusers import InvalidRequest, Secret, codec
from dbusers.absent import ABSENT, Maybe
from dbusers.codec import Problem, as_tuple
from dbusers.model import Model
from dbusers.openenum import OpenEnum

CANARY = "canary-7c1f"


class Colour(OpenEnum):
    RED = "red"


@attrs.frozen(repr=False)
class Room(Model):
    name: str
    windows: Maybe[int] = ABSENT


@attrs.frozen(repr=False)
class House(Model):
    name: str
    colour: Maybe[Colour | str] = ABSENT
    inhabited: Maybe[bool] = ABSENT
    floors: Maybe[int] = ABSENT
    built_at: Maybe[datetime] = ABSENT
    key: Maybe[Secret] = ABSENT
    largest: Maybe[Room] = ABSENT
    rooms: Maybe[tuple[Room, ...]] = attrs.field(default=ABSENT, converter=as_tuple)


def read(document: Any) -> House:
    house = codec.structure(document, House)
    assert isinstance(house, House), house
    return house


def written(model: Any) -> Any:
    return orjson.loads(bytes(codec.encode(model)))


def problems(document: Any, cls: Any = House) -> tuple[str, ...]:
    problem = codec.structure(document, cls)
    assert isinstance(problem, Problem), problem
    return problem.lines


# Absent, null and empty


@pytest.mark.parametrize(
    "document",
    [
        {"name": "a"},
        {"name": "a", "colour": None, "inhabited": None, "floors": None, "key": None},
        {"name": "a", "largest": None, "rooms": None},
        {"name": "a", "rooms": []},
        {"name": "a", "inhabited": False, "floors": 0},
        {"name": "", "colour": ""},
    ],
)
def test_absent_null_and_empty_come_back_as_they_were(document: dict[str, Any]) -> None:
    assert written(read(document)) == document


def test_absent_null_and_empty_are_three_values() -> None:
    assert read({"name": "a"}).rooms is ABSENT
    assert read({"name": "a", "rooms": None}).rooms is None
    assert read({"name": "a", "rooms": []}).rooms == ()


# What the model does not know


def test_unknown_fields_are_kept_at_every_level_and_written_back() -> None:
    document = {
        "name": "a",
        "garden": {"trees": [1, {"kind": "oak"}]},
        "largest": {"name": "hall", "height": 4.5},
        "rooms": [{"name": "x", "doors": None}, {"name": "y", "floor": "wood", "windows": 2}],
    }

    assert written(read(document)) == document
    assert read(document).additional_data == {"garden": {"trees": [1, {"kind": "oak"}]}}


def test_a_field_called_additional_data_is_an_unknown_field_like_any_other() -> None:
    document = {"name": "a", "additional_data": {"name": "b"}}

    assert read(document).name == "a"
    assert written(read(document)) == document


def test_a_named_field_wins_over_the_additional_data() -> None:
    assert written(House("a", additional_data={"name": "b"})) == {"name": "a"}


def test_reading_does_not_change_the_document() -> None:
    document = {"name": "a", "garden": 1, "rooms": [{"name": "x", "doors": 2}]}
    read(document)

    assert document == {"name": "a", "garden": 1, "rooms": [{"name": "x", "doors": 2}]}


@pytest.mark.parametrize("spelling", ["red", "RED", "R-E-D", "a colour of next year"])
def test_an_open_enumeration_keeps_the_text_that_came(spelling: str) -> None:
    house = read({"name": "a", "colour": spelling})

    assert house.colour == spelling
    assert written(house) == {"name": "a", "colour": spelling}


# Strict about types


@pytest.mark.parametrize(
    ("document", "line"),
    [
        ({}, "required field missing @ $.name"),
        ({"name": None}, "expected a string, found null @ $.name"),
        ({"name": 5}, "expected a string, found a number @ $.name"),
        ({"name": True}, "expected a string, found a boolean @ $.name"),
        ({"name": ["a"]}, "expected a string, found an array @ $.name"),
        ({"name": {"a": 1}}, "expected a string, found an object @ $.name"),
        ({"name": "a", "colour": 1}, "expected a string, found a number @ $.colour"),
        ({"name": "a", "inhabited": "true"}, "expected a boolean, found a string @ $.inhabited"),
        ({"name": "a", "inhabited": 1}, "expected a boolean, found a number @ $.inhabited"),
        ({"name": "a", "floors": "3"}, "expected a whole number, found a string @ $.floors"),
        ({"name": "a", "floors": 2.5}, "expected a whole number, found a number @ $.floors"),
        ({"name": "a", "floors": True}, "expected a whole number, found a boolean @ $.floors"),
        ({"name": "a", "key": 4}, "expected a string, found a number @ $.key"),
        ({"name": "a", "built_at": 4}, "expected a timestamp, found a number @ $.built_at"),
        ({"name": "a", "built_at": "today"}, "expected a timestamp, found other text @ $.built_at"),
        ({"name": "a", "largest": []}, "expected an object, found an array @ $.largest"),
        ({"name": "a", "largest": "hall"}, "expected an object, found a string @ $.largest"),
        ({"name": "a", "rooms": {}}, "expected an array, found an object @ $.rooms"),
        ({"name": "a", "rooms": "xy"}, "expected an array, found a string @ $.rooms"),
        ({"name": "a", "rooms": [None]}, "expected an object, found null @ $.rooms[0]"),
        (
            {"name": "a", "rooms": [{"name": "x"}, {}]},
            "required field missing @ $.rooms[1].name",
        ),
        (
            {"name": "a", "rooms": [{"name": "x", "windows": []}]},
            "expected a whole number, found an array @ $.rooms[0].windows",
        ),
    ],
)
def test_another_type_is_a_problem_with_its_path(document: Any, line: str) -> None:
    assert problems(document) == (line,)


@pytest.mark.parametrize("document", [None, 5, "a", True, [], ["a"]])
def test_a_document_that_is_no_object_is_a_problem(document: Any) -> None:
    (line,) = problems(document)

    assert line.startswith("expected an object, found ")
    assert line.endswith(" @ $")


def test_all_problems_of_a_document_are_told() -> None:
    document = {"name": 1, "floors": "x", "rooms": [{"windows": "x"}]}

    assert sorted(problems(document)) == [
        "expected a string, found a number @ $.name",
        "expected a whole number, found a string @ $.floors",
        "expected a whole number, found a string @ $.rooms[0].windows",
        "required field missing @ $.rooms[0].name",
    ]


@pytest.mark.parametrize("document", [{"a": 1}, "ab", 3, True])
def test_a_list_is_read_from_an_array_only(document: Any) -> None:
    assert problems(document, list[House])[0].startswith("expected an array, found ")


@pytest.mark.parametrize(
    "document",
    [
        {"name": {CANARY: CANARY}},
        {"name": "a", "built_at": CANARY},
        {"name": "a", "floors": CANARY},
        {"name": "a", "inhabited": CANARY},
        {"name": "a", "key": [CANARY]},
        {"name": "a", "largest": CANARY},
        {"name": "a", "rooms": CANARY},
        {"name": "a", "rooms": [{"name": CANARY, "windows": CANARY}]},
    ],
)
def test_no_problem_repeats_a_value(document: Any) -> None:
    assert CANARY not in str(problems(document))


# Timestamps


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-11T18:37:36Z", datetime(2026, 1, 11, 18, 37, 36, tzinfo=UTC)),
        ("2015-01-13T09:20:31.123+01:00", datetime(2015, 1, 13, 8, 20, 31, 123000, tzinfo=UTC)),
        ("2026-01-11T18:37:36.123456789Z", datetime(2026, 1, 11, 18, 37, 36, 123456, tzinfo=UTC)),
    ],
)
def test_timestamps_of_both_providers_are_read(text: str, moment: datetime) -> None:
    assert read({"name": "a", "built_at": text}).built_at == moment


# Bytes


@pytest.mark.parametrize("content", [b"", b"  \r\n"])
def test_an_empty_body_is_told_as_such(content: bytes) -> None:
    assert codec.parse(content) == Problem(("the body is empty",))


@pytest.mark.parametrize(
    "content",
    [
        b"<html>canary-7c1f</html>",
        b'{"name": "canary-7c1f',
        b'{"name": "canary-7c1f"} canary-7c1f',
        b'{"name": "\xff\xfecanary-7c1f"}',
        b'{"name": NaN}',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
)
def test_what_is_not_json_is_a_problem_that_does_not_quote_it(content: bytes) -> None:
    problem = codec.parse(content)

    assert isinstance(problem, Problem)
    assert problem.lines[0].startswith("not JSON: ")
    assert CANARY not in str(problem)


# Writing


def test_a_model_is_written_under_a_key_with_fields_beside() -> None:
    content = codec.encode(
        Room("x"), under="room", beside={"house": "h", "again": Secret("s"), "not": ABSENT}
    )

    assert orjson.loads(bytes(content)) == {"room": {"name": "x", "house": "h", "again": "s"}}


def test_a_secret_is_written_as_its_text() -> None:
    assert written(House("a", key=Secret("4711"))) == {"name": "a", "key": "4711"}


def test_a_timestamp_is_written_as_iso_8601() -> None:
    house = House("a", built_at=datetime(2026, 1, 11, tzinfo=UTC))

    assert written(house)["built_at"] == "2026-01-11T00:00:00+00:00"


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (House(5), "expected a string, found a number @ $.name"),  # type: ignore[arg-type]  # the case
        (House("a", floors="3"), "found a string @ $.floors"),  # type: ignore[arg-type]  # the case
        (House("a", rooms=[{"windows": 1}]), "required field missing @ $.rooms[0].name"),
        (House("a", additional_data={"x": object()}), "House"),
        (House("a", additional_data={"x": {1: 2}}), "House"),
        (House("\ud800"), "House"),
    ],
)
def test_what_could_not_be_read_is_not_written(model: House, reason: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        codec.encode(model)

    assert reason in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_string_is_not_taken_for_a_list() -> None:
    with pytest.raises(InvalidRequest, match="put it into a list"):
        House("a", rooms="xy")


# Whatever comes, goes back


texts = st.text(st.characters(exclude_categories=["Cs"]))
whole_numbers = st.integers(-(2**63), 2**63 - 1)
anything = st.recursive(
    st.none()
    | st.booleans()
    | whole_numbers
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def objects(names: set[str], required: dict[str, Any], optional: dict[str, Any]) -> Any:
    unknown = st.dictionaries(texts.filter(lambda key: key not in names), anything, max_size=3)
    known = st.fixed_dictionaries(
        required, optional={name: st.none() | values for name, values in optional.items()}
    )
    return st.builds(lambda extra, own: {**extra, **own}, unknown, known)


rooms = objects({"name", "windows"}, {"name": texts}, {"windows": whole_numbers})
houses = objects(
    {field.name for field in attrs.fields(House)} - {"additional_data"},
    {"name": texts},
    {
        "colour": texts,
        "inhabited": st.booleans(),
        "floors": whole_numbers,
        "key": texts,
        "largest": rooms,
        "rooms": st.lists(rooms, max_size=3),
    },
)


@given(houses)
def test_what_was_read_is_written_as_it_was(document: dict[str, Any]) -> None:
    assert written(read(document)) == document


@given(anything)
def test_any_document_becomes_a_model_or_a_problem(document: Any) -> None:
    assert isinstance(codec.structure(document, House), House | Problem)


@given(st.binary())
def test_any_bytes_become_a_document_or_a_problem(content: bytes) -> None:
    found = codec.parse(content)

    assert isinstance(found, Problem | dict | list | str | int | float | bool | None)
