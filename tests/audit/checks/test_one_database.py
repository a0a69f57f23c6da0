"""Checks of a database's users taken together, of the policy, and of the database itself."""

from datetime import date
from typing import Any

import pytest

from dbusers.audit import Engine, Grant, GrantKind, Severity, UserRecord
from dbusers.audit.findings import AllowedUser, Anchor, DatabasePolicy
from tests.audit.checks.asking import findings, verdicts

PG, KAFKA = Engine.POSTGRESQL, Engine.KAFKA
ADMIN = UserRecord("doadmin", built_in=True)
WRITER = UserRecord("writer", built_in=False, read_only=False)
WRITER_2 = UserRecord("writer-2", built_in=False, read_only=False)
READER = UserRecord("reader", built_in=False, read_only=True)
UNCLEAR = UserRecord("unclear", built_in=False)
STRANGE = UserRecord("strange")


def kafka_user(name: str, *permissions: str) -> UserRecord:
    grants = tuple(Grant(GrantKind.TOPIC, "orders", permission) for permission in permissions)
    return UserRecord(name, built_in=False, grants=grants)


def replicating(user: UserRecord, right: bool | None = True) -> UserRecord:
    return UserRecord(user.name, built_in=user.built_in, replication=right)


@pytest.mark.parametrize(
    ("users", "facts", "expected"),
    [
        ([replicating(ADMIN)], {}, "doadmin: fail"),
        ([replicating(ADMIN, False)], {}, "doadmin: pass"),
        ([ADMIN], {}, "doadmin: unknown"),
        ([replicating(WRITER)], {}, "writer: fail"),
        ([WRITER], {}, "writer: unknown"),
        ([replicating(WRITER, False)], {}, "writer: pass"),
        ([replicating(WRITER), READER], {}, "writer: pass, reader: pass"),
        ([replicating(ADMIN, False), replicating(WRITER)], {}, "doadmin: pass, writer: fail"),
        ([replicating(STRANGE), WRITER], {}, "strange: unknown, writer: pass"),
        ([replicating(STRANGE)], {}, "strange: fail"),
        ([replicating(WRITER)], {"partial": True}, "writer: unknown"),
        (
            [replicating(WRITER)],
            {"policy": DatabasePolicy(may_replicate=frozenset({"wr*"}))},
            "writer: pass",
        ),
    ],
)
def test_pg003_replication_by_the_primary_or_the_only_other_user(
    users: list[UserRecord], facts: dict[str, Any], expected: str
) -> None:
    assert verdicts("PG003", PG, *users, **facts) == expected


@pytest.mark.parametrize(
    ("users", "partial", "expected"),
    [
        ([ADMIN], False, "-: fail"),
        ([ADMIN, WRITER], False, "-: pass"),
        ([ADMIN, STRANGE, WRITER], False, "-: pass"),
        ([ADMIN, STRANGE], False, "-: unknown"),
        ([STRANGE], False, "-: unknown"),
        ([], False, "-: skip"),
        ([ADMIN], True, "-: unknown"),
        ([ADMIN, WRITER], True, "-: pass"),
        ([], True, "-: unknown"),
    ],
)
def test_us001_only_the_primary_user(users: list[UserRecord], partial: bool, expected: str) -> None:
    assert verdicts("US001", PG, *users, partial=partial) == expected


@pytest.mark.parametrize(
    ("users", "most", "expected"),
    [
        ([WRITER, WRITER_2], 1, "-: fail"),
        ([WRITER, WRITER_2, UNCLEAR], 1, "-: fail"),
        ([WRITER, WRITER_2], 2, "-: pass"),
        ([ADMIN, WRITER, WRITER_2], 2, "-: pass"),
        ([WRITER, READER], 1, "-: pass"),
        ([WRITER, UNCLEAR], 1, "-: unknown"),
        ([WRITER, UNCLEAR], 2, "-: pass"),
        ([STRANGE], 0, "-: unknown"),
        ([UserRecord("strange", read_only=False)], 0, "-: unknown"),
        ([UserRecord("strange", read_only=True)], 0, "-: pass"),
        ([kafka_user("a", "produce"), kafka_user("b", "consume", "admin")], 1, "-: fail"),
        ([kafka_user("a", "produce"), kafka_user("b", "consume")], 1, "-: pass"),
        ([kafka_user("a", "produce"), kafka_user("b", "own")], 1, "-: unknown"),
        ([kafka_user("a", "produce"), kafka_user("b")], 1, "-: unknown"),
        ([UserRecord("root", built_in=False, superuser=True, read_only=True)], 0, "-: fail"),
        ([ADMIN], 0, "-: pass"),
        ([WRITER, WRITER_2], None, "-: skip"),
    ],
)
def test_us002_more_writers_than_the_policy_allows(
    users: list[UserRecord], most: int | None, expected: str
) -> None:
    assert verdicts("US002", KAFKA, *users, policy=DatabasePolicy(max_writers=most)) == expected


def test_us002_does_not_take_a_partial_list_for_few_writers() -> None:
    policy = DatabasePolicy(max_writers=1)

    assert verdicts("US002", PG, WRITER, policy=policy, partial=True) == "-: unknown"
    assert verdicts("US002", PG, WRITER, WRITER_2, policy=policy, partial=True) == "-: fail"


@pytest.mark.parametrize(
    ("users", "partial", "expected"),
    [
        ([ADMIN, WRITER], False, "-: fail"),
        ([ADMIN, WRITER, READER], False, "-: pass"),
        ([WRITER, UNCLEAR], False, "-: unknown"),
        ([UNCLEAR, READER], False, "-: pass"),
        ([kafka_user("a", "produceconsume")], False, "-: fail"),
        ([kafka_user("a", "produceconsume"), kafka_user("b", "consume")], False, "-: pass"),
        ([kafka_user("a")], False, "-: unknown"),
        ([ADMIN], False, "-: skip"),
        ([], False, "-: skip"),
        ([ADMIN, WRITER], True, "-: unknown"),
        ([ADMIN], True, "-: unknown"),
    ],
)
def test_us003_no_read_only_user(users: list[UserRecord], partial: bool, expected: str) -> None:
    assert verdicts("US003", KAFKA, *users, partial=partial) == expected


def test_us003_does_not_take_a_user_who_may_nothing_for_a_reader() -> None:
    denied = UserRecord("a", built_in=False, grants=(Grant(GrantKind.INDEX, "*", "deny"),))

    assert verdicts("US003", Engine.OPENSEARCH, denied) == "-: fail"


@pytest.mark.parametrize(
    ("users", "partial", "expected"),
    [
        ([ADMIN, UserRecord("avnadmin", built_in=True), WRITER], False, "-: fail"),
        ([ADMIN, UserRecord("root", built_in=False, superuser=True)], False, "-: fail"),
        ([ADMIN, UserRecord("app", built_in=False, superuser=False)], False, "-: pass"),
        ([ADMIN], False, "-: pass"),
        ([ADMIN, WRITER, UNCLEAR], False, "-: pass"),  # the role says so; nobody tells superusers
        ([ADMIN, UserRecord("app", built_in=False, superuser=False), WRITER], False, "-: unknown"),
        ([ADMIN, STRANGE], False, "-: unknown"),
        ([WRITER], True, "-: unknown"),
        ([ADMIN, UserRecord("avnadmin", built_in=True)], True, "-: fail"),
        ([UserRecord("root", superuser=True)], False, "-: unknown"),
        ([ADMIN], True, "-: unknown"),
    ],
)
def test_us004_a_second_administrator(
    users: list[UserRecord], partial: bool, expected: str
) -> None:
    assert verdicts("US004", PG, *users, partial=partial) == expected


def allowing(*patterns: str, kind: str = "applications") -> DatabasePolicy:
    return DatabasePolicy(allowed=tuple(AllowedUser(one, kind) for one in patterns))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (allowing("writer", "reader"), "doadmin: pass, writer: pass, reader: pass"),
        (allowing("writer"), "doadmin: pass, writer: pass, reader: fail"),
        (allowing("?riter", "re*"), "doadmin: pass, writer: pass, reader: pass"),
        (allowing("write", "[r]eader"), "doadmin: pass, writer: fail, reader: fail"),
        (allowing(), "doadmin: pass, writer: fail, reader: fail"),
        (DatabasePolicy(), "-: skip"),
    ],
)
def test_po001_a_user_who_is_not_in_the_policy(policy: DatabasePolicy, expected: str) -> None:
    assert verdicts("PO001", PG, ADMIN, WRITER, READER, policy=policy) == expected


def test_po001_takes_a_user_of_unknown_role_for_an_ordinary_one() -> None:
    assert verdicts("PO001", PG, STRANGE, policy=allowing()) == "strange: fail"


@pytest.mark.parametrize(
    ("required", "partial", "expected"),
    [
        (["writer"], False, "writer: pass"),
        (["doadmin", "r*"], False, "doadmin: pass, r*: pass"),
        (["orders", "writer"], False, "orders: fail, writer: pass"),
        (["orders-*"], False, "orders-*: fail"),
        (["orders\\*"], False, "orders*: fail"),
        (["orders"], True, "orders: unknown"),
        (["writer"], True, "writer: pass"),
        ([], False, "-: skip"),
    ],
)
def test_po002_a_user_whom_the_policy_requires(
    required: list[str], partial: bool, expected: str
) -> None:
    anchor = Anchor("policy.toml", 7)
    entries = [AllowedUser(one, "required", required=True, anchor=anchor) for one in required]
    policy = DatabasePolicy(allowed=(*entries, AllowedUser("another", "applications")))

    found = findings("PO002", PG, ADMIN, WRITER, READER, policy=policy, partial=partial)

    assert ", ".join(f"{one.user or '-'}: {one.verdict}" for one in found) == expected
    assert all(one.anchor == anchor for one in found if one.user)


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (WRITER, "writer: fail"),
        (READER, "reader: pass"),
        (UNCLEAR, "unclear: unknown"),
        (kafka_user("k", "produce"), "k: fail"),
        (kafka_user("k", "consume"), "k: pass"),
        (ADMIN, "doadmin: fail"),
    ],
)
def test_po006_a_reader_who_may_write(user: UserRecord, expected: str) -> None:
    assert verdicts("PO006", KAFKA, user, policy=allowing("*", kind="readers")) == expected


def test_po006_goes_by_the_first_class_that_a_user_is_in() -> None:
    policy = DatabasePolicy(
        allowed=(AllowedUser("writer", "applications"), AllowedUser("*", "readers"))
    )

    assert verdicts("PO006", PG, WRITER, WRITER_2, policy=policy) == "writer-2: fail"
    assert verdicts("PO006", PG, WRITER) == "-: skip"


def test_dr001_tells_each_change_by_how_bad_it_is() -> None:
    before = (WRITER, READER, replicating(UNCLEAR, False), replicating(ADMIN))
    after = (
        UserRecord("reader", built_in=False, read_only=False),
        replicating(UNCLEAR, None),
        replicating(ADMIN, False),
        STRANGE,
    )

    found = findings("DR001", PG, *after, before=before)

    assert [(one.user, one.verdict, one.severity, one.detail) for one in found] == [
        ("reader", "fail", Severity.HIGH, "widened; read_only: yes → no"),
        ("strange", "fail", Severity.MEDIUM, "added"),
        ("unclear", "unknown", Severity.HIGH, "unclear; replication: no → unknown"),
        ("writer", "fail", Severity.LOW, "removed"),
    ]


@pytest.mark.parametrize(
    ("before", "partial", "expected"),
    [
        ((WRITER,), False, "-: pass"),
        ((WRITER, READER), False, "reader: fail"),
        ((), False, "writer: fail"),
        ((UserRecord("writer", built_in=True, read_only=False),), False, "-: pass"),
        (None, False, "-: skip"),
        ((WRITER, READER), True, "reader: unknown"),
        ((WRITER,), True, "-: unknown"),
    ],
)
def test_dr001_drift(before: tuple[UserRecord, ...] | None, partial: bool, expected: str) -> None:
    assert verdicts("DR001", PG, WRITER, before=before, partial=partial) == expected


@pytest.mark.parametrize(
    ("visible", "expected"),
    [([False, False], "-: pass"), ([False, True], "-: fail"), ([True], "-: fail"), ([], "-: skip")],
)
def test_se001_a_token_that_can_see_secrets(visible: list[bool], expected: str) -> None:
    users = [UserRecord(f"u{n}", secrets_visible=one) for n, one in enumerate(visible)]

    assert verdicts("SE001", PG, *users) == expected


@pytest.mark.parametrize(
    ("end_of_life", "expected"),
    [
        (date(2026, 6, 30), "-: fail"),
        (date(2026, 7, 1), "-: fail"),
        (date(2026, 7, 2), "-: pass"),
        (None, "-: unknown"),
    ],
)
def test_cl001_a_version_past_its_end_of_life(end_of_life: date | None, expected: str) -> None:
    assert verdicts("CL001", PG, end_of_life=end_of_life) == expected
