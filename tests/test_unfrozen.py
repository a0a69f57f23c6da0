"""Frozen values made fast are the same values."""

import sys
import weakref

import attrs
import pytest

from dbusers.unfrozen import copier, maker, unfrozen


@attrs.frozen(weakref_slot=False)
class Point:
    x: int
    y: int = 2
    _name: str = "p"
    z: int = attrs.field(default=3, kw_only=True)


make_point = maker(Point)


def test_a_made_value_is_that_of_its_class() -> None:
    for point, same in [
        (make_point(1), Point(1)),
        (make_point(1, 5, name="q"), Point(1, 5, name="q")),
        (make_point(y=1, x=0, z=7), Point(y=1, x=0, z=7)),
    ]:
        assert type(point) is Point
        assert point == same
        assert hash(point) == hash(same)
        assert repr(point) == repr(same)


def test_a_made_value_is_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        make_point(1).x = 2  # type: ignore[misc]  # what is tested


def test_arguments_are_those_of_the_class() -> None:
    with pytest.raises(TypeError):
        make_point()  # type: ignore[call-arg]  # what is tested
    with pytest.raises(TypeError):
        make_point(1, 2, "p", 4)  # type: ignore[call-arg]  # what is tested


def test_a_default_that_must_be_made_each_time_is_refused() -> None:
    @attrs.frozen(weakref_slot=False)
    class Listed:
        items: list[int] = attrs.Factory(list)

    with pytest.raises(TypeError, match="items has a factory"):
        maker(Listed)


def test_a_class_with_weak_references_can_be_made_as_well() -> None:
    @attrs.frozen
    class WithWeakReferences:
        x: int

    made = maker(WithWeakReferences)(1)

    assert made == WithWeakReferences(1)
    assert weakref.ref(made)() is made


def test_a_copy_takes_other_values_and_freezes() -> None:
    point = Point(1, 5, "q", z=7)

    copy = copier(Point)(point)
    copy.y = 6
    copy.__class__ = Point
    assert copy == Point(1, 6, "q", z=7)
    assert point == Point(1, 5, "q", z=7)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        copy.x = 2


def test_an_unfrozen_object_becomes_one_of_its_class_and_freezes() -> None:
    found = unfrozen(Point)()
    found.x, found.y, found._name, found.z = 1, 5, "q", 7

    found.__class__ = Point

    assert type(found) is Point
    assert found == Point(1, 5, "q", z=7)
    assert sys.getsizeof(found) == sys.getsizeof(Point(1))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        found.x = 2  # type: ignore[misc]  # what is tested
