"""Frozen values made fast are the same values."""

import sys

import attrs
import pytest

from dbusers.unfrozen import maker, unfrozen


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


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Python 3.12 and later allow it")
def test_a_class_whose_objects_cannot_change_into_it_is_refused_at_once() -> None:
    @attrs.frozen
    class WithWeakReferences:
        x: int

    with pytest.raises(TypeError, match="layout"):
        unfrozen(WithWeakReferences)
