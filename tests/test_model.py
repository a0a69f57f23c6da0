"""What every model has: values that are compared, copied and shown without giving anything away."""

import copy
import pickle
from contextlib import suppress
from typing import Any

import attrs
import pytest

from dbusers.absent import ABSENT, Maybe
from dbusers.digitalocean import DatabaseUser, KafkaAcl, UserSettings
from dbusers.model import Model
from dbusers.secret import Secret


@attrs.frozen(repr=False)
class Door(Model):
    name: str
    colour: Maybe[str] = ABSENT
    key: Maybe[Secret] = ABSENT
    shape: Maybe[str] = attrs.field(default=ABSENT, repr=False)


def test_the_repr_leaves_out_what_is_absent() -> None:
    assert repr(Door("front")) == "Door(name='front')"


def test_the_repr_shows_null() -> None:
    assert repr(Door("front", colour=None)) == "Door(name='front', colour=None)"


def test_the_repr_shows_neither_secrets_nor_unknown_fields() -> None:
    door = Door("front", key=Secret("4711"), additional_data={"pin": "4711"}, shape="4711")

    assert "4711" not in repr(door)
    assert "pin" not in repr(door)


def test_unknown_fields_are_kept_but_by_keyword_only() -> None:
    assert Door("front", additional_data={"pin": 1}).additional_data == {"pin": 1}
    assert Door("front").additional_data == {}


def test_no_two_models_share_their_unknown_fields() -> None:
    fields: Any = Door("a").additional_data
    with suppress(TypeError):  # a mapping that cannot be changed is as good as one of its own
        fields["pin"] = 1

    assert Door("b").additional_data == {}


@pytest.mark.parametrize("additional_data", [{}, {"pin": [1, {"a": None}]}])
@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_a_model_is_copied_and_pickled(additional_data: dict[str, Any], copied: Any) -> None:
    for model in (
        Door("front", colour=None, additional_data=additional_data),
        Door("front"),
        DatabaseUser("app", settings=UserSettings(acl=[KafkaAcl(topic="a", permission="b")])),
    ):
        assert copied(model) == model


def test_a_model_with_a_secret_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="Secret"):
        pickle.dumps(Door("front", key=Secret("4711")))


def test_a_model_is_a_value() -> None:
    assert Door("front", colour="red") == Door("front", colour="red")
    assert Door("front") != Door("front", colour=None)
    assert Door("front") != Door("front", additional_data={"pin": 1})
    assert len({Door("front"), Door("front")}) == 1


def test_a_model_cannot_be_changed() -> None:
    door = Door("front")

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        door.name = "back"  # type: ignore[misc]  # what is tested
    assert attrs.evolve(door, name="back") == Door("back")


def test_a_model_that_holds_lists_can_be_hashed() -> None:
    user = DatabaseUser(
        "app", settings=UserSettings(acl=[KafkaAcl(topic="orders", permission="consume")])
    )

    assert hash(user) == hash(attrs.evolve(user))


def test_absent_is_falsy_and_not_none() -> None:
    assert not ABSENT
    assert ABSENT is not None
    assert repr(ABSENT) == "ABSENT"
