import tomllib
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbusers.audit.findings import Facts, Verdict
from dbusers.audit.judging import judge
from dbusers.audit.patterns import matches
from dbusers.audit.policy import Policy, policy_of
from dbusers.audit.records import DatabaseRecord, Engine, UserRecord

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOSTILE = (
    '"',
    "'''",
    '"""',
    "\\",
    "a\\*",
    "*",
    "?",
    "[a]",
    "#",
    "\n",
    "\r\n",
    "\x00",
    "\x1b[2J",
    "\x7f",
    "\x85",
    "\u2028",
    "\u202e",
    "😀",
    "",
    " ",
    "a = 1",
    "{database}",
    "%s",
)

names = st.text(max_size=8) | st.sampled_from(HOSTILE)
users = st.builds(
    UserRecord,
    names,
    built_in=st.sampled_from([True, False, None]),
    superuser=st.sampled_from([True, False, None]),
    read_only=st.sampled_from([True, False, None]),
)
databases = st.builds(
    DatabaseRecord,
    st.sampled_from(["digitalocean", "scalingo"]),
    names,
    names,
    account=names,
    engine=st.sampled_from(Engine) | names | st.none(),
    version=names | st.none(),
    region=names | st.none(),
)
fleets = st.lists(
    st.tuples(databases, st.lists(users, max_size=12, unique_by=lambda user: user.name)),
    max_size=5,
    unique_by=lambda each: each[0].id,
)
# Each example writes and reads a whole file.
few = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def loaded(text: str, folder: Path) -> Policy:
    path = folder / "policy.toml"
    path.write_text(text, encoding="utf-8", newline="")
    return Policy.load(path)


@given(fleets, names)
@few
def test_exactly_those_who_exist_may(
    tmp_path: Path, fleet: list[tuple[DatabaseRecord, list[UserRecord]]], other: str
) -> None:
    policy = loaded(policy_of(fleet), tmp_path)

    assert len(policy.contents.entries) == len(fleet)
    for number, (database, existing) in enumerate(fleet):
        allowed = policy.of(database).allowed
        expected = {user.name for user in existing}
        assert allowed is not None
        assert len(allowed) == len(expected)
        for name in {other, *HOSTILE, *expected}:
            may = any(matches(user.pattern, name) for user in allowed)
            assert may == (name in expected), f"{name!r} in database {number}"


@given(fleets)
@few
def test_an_audit_right_away_finds_nothing_that_the_policy_does_not_know(
    tmp_path: Path, fleet: list[tuple[DatabaseRecord, list[UserRecord]]]
) -> None:
    policy = loaded(policy_of(fleet), tmp_path)

    for database, existing in fleet:
        facts = Facts(database, tuple(existing), NOON, policy=policy.of(database))
        failed = {each.check.id for each in judge(facts) if each.verdict is Verdict.FAIL}
        assert not failed & {"PO001", "PO002"}
    records = [database for database, _ in fleet]
    assert not [*policy.unused(NOON, databases=records, used=(), complete=True)]


@given(fleets, st.randoms(use_true_random=False))
@few
def test_the_order_of_reading_does_not_matter(
    fleet: list[tuple[DatabaseRecord, list[UserRecord]]], random: Random
) -> None:
    shuffled = [(database, random.sample(each, len(each))) for database, each in fleet]
    random.shuffle(shuffled)

    assert policy_of(shuffled) == policy_of(fleet)


@given(fleets)
@few
def test_the_file_shows_all_that_it_holds(
    fleet: list[tuple[DatabaseRecord, list[UserRecord]]],
) -> None:
    text = policy_of(fleet)

    assert all(line.isprintable() for line in text.split("\n"))
    assert max(map(len, text.split("\n"))) <= 300


def test_the_file_is_what_somebody_would_write() -> None:
    database = DatabaseRecord(
        "digitalocean",
        "9cc1",
        "orders",
        account="production",
        engine=Engine.POSTGRESQL,
        version="16",
        region="fra1",
    )
    existing = [
        UserRecord("orders-web"),
        UserRecord("doadmin", built_in=True),
        UserRecord("report", read_only=True),
        UserRecord("orders-job", replication=True),
        UserRecord("root", superuser=True, read_only=False),
    ]

    assert policy_of([(database, existing)]).endswith(
        "\n\n"
        '# "orders", postgresql 16, fra1, production\n'
        "[[databases]]\n"
        'id = "9cc1"\n'
        'users.administrators = ["doadmin", "root"]\n'
        'users.applications = ["orders-job", "orders-web"]\n'
        'users.readers = ["report"]\n'
    )


def test_databases_of_one_name_stand_in_the_order_of_their_ids() -> None:
    fleet: list[tuple[DatabaseRecord, list[UserRecord]]] = [
        (DatabaseRecord("scalingo", number, "same"), []) for number in ("3", "1", "2")
    ]

    ids = [entry["id"] for entry in tomllib.loads(policy_of(fleet))["databases"]]

    assert ids == ["1", "2", "3"]


def test_a_database_without_users_says_that_nobody_may_exist() -> None:
    text = policy_of([(DatabaseRecord("scalingo", "1", "x"), [])])

    assert text.endswith('id = "1"\nusers = {}\n')


def test_many_users_stand_on_a_line_each() -> None:
    existing = [UserRecord(f"application-{number:02}") for number in range(20)]

    text = policy_of([(DatabaseRecord("scalingo", "1", "x"), existing)])

    assert text.endswith('  "application-18",\n  "application-19",\n]\n')
    assert tomllib.loads(text)["databases"][0]["users"]["applications"] == [
        user.name for user in existing
    ]


@pytest.mark.parametrize("existing", [[], [UserRecord("app")]])
def test_who_comes_later_may_not_exist(existing: list[UserRecord], tmp_path: Path) -> None:
    known, new = DatabaseRecord("scalingo", "1", "x"), DatabaseRecord("scalingo", "2", "y")
    policy = loaded(policy_of([(known, existing)]), tmp_path)

    for database in (known, new):
        facts = Facts(database, (UserRecord("intruder"),), NOON, policy=policy.of(database))
        found = [each for each in judge(facts) if each.check.id == "PO001"]
        assert [each.verdict for each in found] == [Verdict.FAIL]


def test_rights_are_not_accepted_by_being_there(tmp_path: Path) -> None:
    database = DatabaseRecord("digitalocean", "1", "x", engine=Engine.POSTGRESQL)
    existing = [UserRecord("app", replication=True)]

    policy = loaded(policy_of([(database, existing)]), tmp_path).of(database)

    assert policy.may_replicate == frozenset()


def test_what_the_file_explains_in_comments_can_be_used(tmp_path: Path) -> None:
    commented = policy_of([])
    text = commented.split("[defaults]", maxsplit=1)[1]
    uncommented = "[defaults]" + "\n".join(
        line.removeprefix("# ") for line in text.split("\n") if not line.startswith("# In ")
    )

    policy = loaded(uncommented, tmp_path)

    assert policy.contents.defaults.max_writers == 3
    assert policy.contents.defaults.severities.keys() == {"PG001"}
    assert [each.user for each in policy.contents.suppressions] == ["debezium"]
