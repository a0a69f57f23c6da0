"""What counts as a change between two readings, and which way it goes."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbusers.audit import Grant, GrantKind, UserRecord
from dbusers.audit.drift import Change, ChangeKind, changes

TOPIC, INDEX, DATABASE = GrantKind.TOPIC, GrantKind.INDEX, GrantKind.DATABASE
WIDENED, NARROWED = ChangeKind.WIDENED, ChangeKind.NARROWED
CHANGED, UNCLEAR = ChangeKind.CHANGED, ChangeKind.UNCLEAR


def kind_of(before: dict[str, Any], after: dict[str, Any]) -> ChangeKind | None:
    """Return what became of one user, None if nothing did."""
    found = list(changes([UserRecord("app", **before)], [UserRecord("app", **after)]))
    return found[0].kind if found else None


@pytest.mark.parametrize(
    ("field", "narrow", "wide"),
    [
        ("built_in", False, True),
        ("superuser", False, True),
        ("replication", False, True),
        ("read_only", True, False),
        ("password_encryption", "SCRAM-SHA-256", "MD5"),
        ("auth_plugin", "caching_sha2_password", "mysql_native_password"),
    ],
)
def test_a_field_goes_one_way_or_the_other(field: str, narrow: object, wide: object) -> None:
    assert kind_of({field: narrow}, {field: wide}) is WIDENED
    assert kind_of({field: wide}, {field: narrow}) is NARROWED
    assert kind_of({field: wide}, {field: wide}) is None
    # What was not known may have been either; what is known now to be narrow was not less before.
    assert kind_of({field: None}, {field: wide}) is UNCLEAR
    assert kind_of({field: narrow}, {field: None}) is UNCLEAR
    assert kind_of({field: None}, {field: narrow}) is None
    assert kind_of({field: wide}, {field: None}) is None


def test_another_spelling_is_no_change_and_a_new_word_is_one() -> None:
    scram, same = {"password_encryption": "SCRAM-SHA-256"}, {"password_encryption": "scram_sha_256"}

    assert kind_of(scram, same) is None
    assert kind_of(scram, {"password_encryption": "SCRAM-SHA-512"}) is CHANGED


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([(TOPIC, "a", "consume")], [(TOPIC, "a", "produceconsume")], WIDENED),
        ([(TOPIC, "a", "produceconsume")], [(TOPIC, "a", "consume")], NARROWED),
        ([(TOPIC, "a", "consume")], [(TOPIC, "a", "CONSUME")], None),
        ([(TOPIC, "a", "consume")], [(TOPIC, "b", "consume")], WIDENED),
        ([(TOPIC, "*", "consume")], [(TOPIC, "b", "consume")], NARROWED),
        ([(TOPIC, "*", "admin")], [(TOPIC, ".*", "ADMIN")], None),
        ([(TOPIC, "*", "consume")], [(TOPIC, "*", "consume"), (TOPIC, "b", "consume")], None),
        ([(TOPIC, "a", "own")], [(TOPIC, "a", "OWN")], None),
        ([(TOPIC, "a", "consume")], [(TOPIC, "a", "own")], WIDENED),
        ([(INDEX, "a", "read"), (INDEX, "b", "deny")], [(INDEX, "a", "read")], WIDENED),
        ([(INDEX, "a", "read")], [(INDEX, "a", "read"), (INDEX, "b", "deny")], NARROWED),
        ([(INDEX, None, None)], [(INDEX, None, None)], None),
        ([(INDEX, None, "read")], [(INDEX, None, "read"), (INDEX, "b", "deny")], NARROWED),
        ([(DATABASE, "a", "readOnly")], [(DATABASE, "admin", "readOnly")], WIDENED),
        ([(DATABASE, "a", "dbAdmin")], [(DATABASE, "a", "readWrite")], WIDENED),
        ([], [(TOPIC, "a", "consume")], WIDENED),
        ([(TOPIC, "a", "consume")], [], UNCLEAR),
        (None, [], UNCLEAR),
        ([], None, UNCLEAR),
        (None, None, None),
    ],
)
def test_rules_go_one_way_or_the_other(
    before: list[tuple[GrantKind, str, str]] | None,
    after: list[tuple[GrantKind, str, str]] | None,
    expected: ChangeKind | None,
) -> None:
    old, new = (
        None if rules is None else tuple(Grant(*rule) for rule in rules)
        for rules in (before, after)
    )

    assert kind_of({"grants": old}, {"grants": new}) is expected


def test_the_worst_of_several_changes_names_the_kind_and_all_are_told() -> None:
    before = UserRecord("app", replication=False, read_only=False, auth_plugin="one")
    after = UserRecord("app", replication=True, read_only=True, auth_plugin="two")

    assert list(changes([before], [after])) == [
        Change(
            "app",
            WIDENED,
            ("replication: no → yes", "read_only: no → yes", "auth_plugin: one → two"),
        )
    ]


def test_users_who_are_the_same_are_not_looked_at_again() -> None:
    class Unread(list[UserRecord]):
        def __iter__(self) -> Iterator[UserRecord]:
            raise AssertionError("compared")

    users = Unread()

    assert list(changes(users, users)) == []


NAMES = st.sampled_from("abcde")
USERS = st.lists(
    st.builds(
        UserRecord,
        NAMES,
        built_in=st.sampled_from([None, True, False]),
        replication=st.sampled_from([None, True, False]),
    ),
    unique_by=lambda user: user.name,
)


@given(USERS, USERS)
def test_changes_come_by_name_and_a_user_comes_once(
    before: list[UserRecord], after: list[UserRecord]
) -> None:
    found = list(changes(before, after))
    names = [change.user for change in found]
    added = {change.user for change in found if change.kind is ChangeKind.ADDED}
    removed = {change.user for change in found if change.kind is ChangeKind.REMOVED}

    assert names == sorted(set(names))
    assert added == {user.name for user in after} - {user.name for user in before}
    assert removed == {user.name for user in before} - {user.name for user in after}
    assert not list(changes(after, after))
