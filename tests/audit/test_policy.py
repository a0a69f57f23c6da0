from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from dbusers.audit.checks import CHECKS
from dbusers.audit.findings import (
    NO_POLICY,
    Anchor,
    DatabasePolicy,
    Facts,
    Finding,
    Severity,
    Suppression,
    Verdict,
)
from dbusers.audit.judging import judge
from dbusers.audit.policy import POLICY_CHECKS, Policy
from dbusers.audit.records import DatabaseRecord, Engine, UserRecord

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def policy(tmp_path: Path) -> "Loader":
    return Loader(tmp_path / "policy.toml")


class Loader:
    """Loads a policy from its text."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, text: str) -> Policy:
        self.path.write_text(text)
        return Policy.load(self.path)

    def line(self, number: int) -> Anchor:
        return Anchor(self.path.as_posix(), number)


def database(name: str = "orders-1", **fields: Any) -> DatabaseRecord:
    return DatabaseRecord("digitalocean", fields.pop("id", f"id of {name}"), name, **fields)


def writers(policy: Policy, *databases: DatabaseRecord) -> list[int | None]:
    return [policy.of(each).max_writers for each in databases]


def classes(policy: DatabasePolicy) -> list[tuple[str, str]] | None:
    if policy.allowed is None:
        return None
    return [(user.pattern, user.kind) for user in policy.allowed]


@pytest.mark.parametrize(
    ("selector", "fields", "others"),
    [
        ("provider = 'digital*'", {}, None),
        ("provider = 'scalingo'", None, {}),
        ("account = 'prod-*'", {"account": "prod-1"}, {"account": "test"}),
        ("id = 'x'", {"id": "x"}, {"id": "xx"}),
        ("id = ['x', 'y']", {"id": "y"}, {"id": "z"}),
        (r"id = 'x\*'", {"id": "x*"}, {"id": "xx"}),
        ("id = ['x', 'y*']", {"id": "yy"}, {"id": "xx"}),
        ("name = 'orders-*'", {"name": "orders-7"}, {"name": "my-orders-7"}),
        ("name = ['a', 'b']", {"name": "b"}, {"name": "c"}),
        ("engine = 'postgresql'", {"engine": Engine.POSTGRESQL}, {"engine": Engine.MYSQL}),
        ("engine = 'cassandra'", {"engine": "cassandra"}, {"engine": None}),
        ("version = '16*'", {"version": "16.4"}, {"version": None}),
        ("region = 'fra?'", {"region": "fra1"}, {"region": None}),
        ("tag = ['a', 'b']", {"tags": frozenset({"b", "x"})}, {"tags": frozenset({"x"})}),
        ("tag = '*'", {"tags": frozenset({"a"})}, {"tags": None}),
        ("tag = '*'", None, {"tags": frozenset()}),
        ("name = 'a'\nregion = 'f'", {"name": "a", "region": "f"}, {"name": "a", "region": "g"}),
        ("name = []", None, {}),
        ("", {}, None),
    ],
)
def test_an_entry_governs_the_databases_that_it_selects(
    selector: str,
    fields: dict[str, Any] | None,
    others: dict[str, Any] | None,
    policy: Loader,
) -> None:
    loaded = policy(f"[[databases]]\n{selector}\nmax_writers = 7")

    if fields is not None:
        assert writers(loaded, database(**fields)) == [7]
    if others is not None:
        assert writers(loaded, database(**others)) == [None]


def test_the_first_entry_that_fits_governs_whatever_it_selects_by(policy: Loader) -> None:
    loaded = policy("""
        [[databases]]
        name = "a*"
        max_writers = 1
        [[databases]]
        id = "X"
        max_writers = 2
        [[databases]]
        name = "*"
        max_writers = 3
        [[databases]]
        id = "Y"
        max_writers = 4
    """)

    assert writers(
        loaded,
        database("a1", id="X"),
        database("b", id="X"),
        database("a2", id="Y"),
        database("b", id="Y"),
    ) == [1, 2, 1, 3]


def test_reports_point_to_the_entry_that_governs(policy: Loader) -> None:
    loaded = policy("\n[defaults]\nmax_writers = 1\n\n[[databases]]\nname = 'a'\n")

    assert loaded.of(database("a")).anchor == policy.line(5)
    assert loaded.of(database("b")).anchor == policy.line(2)
    assert policy("").of(database("b")).anchor == policy.line(1)


def test_limits_of_an_entry_replace_the_defaults(policy: Loader) -> None:
    loaded = policy("""
        [defaults]
        max_writers = 3
        may_replicate = ["debezium"]
        [[databases]]
        name = "a"
        max_writers = 0
        may_replicate = []
        [[databases]]
        name = "b"
    """)

    a, b = loaded.of(database("a")), loaded.of(database("b"))

    assert (a.max_writers, a.may_replicate) == (0, frozenset())
    assert (b.max_writers, b.may_replicate) == (3, frozenset({"debezium"}))


def test_users_of_an_entry_are_added_to_the_defaults(policy: Loader) -> None:
    loaded = policy("""
        [defaults]
        users.readers = "monitoring"
        [[databases]]
        name = "a"
        users.applications = ["app"]
        [[databases]]
        name = "b"
    """)

    everywhere = [("monitoring", "readers")]
    assert classes(loaded.of(database("a"))) == [*everywhere, ("app", "applications")]
    assert classes(loaded.of(database("b"))) == everywhere
    assert classes(loaded.of(database("c"))) == everywhere


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("[defaults]", None),
        ("[defaults]\nusers = {}", []),
        ("[defaults.users]", []),
        ("[[databases]]\nmax_writers = 1", None),
        ("[[databases]]\nusers = {}", []),
        ("[[databases]]\nusers.readers = []", []),
        ("[[databases]]\n[databases.users]", []),
    ],
)
def test_nobody_may_exist_only_where_the_policy_says_so(
    text: str, allowed: list[tuple[str, str]] | None, policy: Loader
) -> None:
    assert classes(policy(text).of(database())) == allowed


def test_the_first_class_that_matches_is_the_users(policy: Loader) -> None:
    loaded = policy("""
        [defaults.users]
        required = ["app", "boss"]
        administrators = ["*", "boss"]
        applications = ["app", "report"]
        readers = ["report", "bi-*"]
    """)

    assert classes(loaded.of(database())) == [
        ("report", "readers"),
        ("app", "applications"),
        ("report", "applications"),
        ("boss", "administrators"),
        ("bi-*", "readers"),
        ("*", "administrators"),
        ("app", "required"),
        ("boss", "required"),
    ]


def test_each_allowed_user_has_its_line_and_whether_it_is_required(policy: Loader) -> None:
    loaded = policy("[defaults.users]\nreaders = [\n'a',\n'b']\nrequired = 'b'")

    assert [
        (user.pattern, user.required, user.anchor) for user in loaded.of(database()).allowed or ()
    ] == [
        ("a", False, policy.line(3)),
        ("b", False, policy.line(4)),
        ("b", True, policy.line(5)),
    ]


def test_severities_of_an_entry_outrank_those_of_all(policy: Loader) -> None:
    loaded = policy("""
        [severities]
        PG001 = "low"
        PG002 = "medium"
        [[databases]]
        name = "a"
        severities = { PG001 = "critical" }
    """)

    assert loaded.of(database("a")).severities == {
        "PG001": Severity.CRITICAL,
        "PG002": Severity.MEDIUM,
    }
    assert loaded.of(database("b")).severities["PG001"] is Severity.LOW


def suppression(check: str = "PG001", expires: str = "2027-01-01", **scope: str) -> str:
    lines = [f"{name} = '{value}'" for name, value in scope.items()]
    head = f"[[suppressions]]\ncheck = '{check}'\nreason = 'ticket 1'\nexpires = {expires}"
    return "\n".join([head, *lines, ""])


def test_a_suppression_is_read_in_full(policy: Loader) -> None:
    loaded = policy(suppression("PG*", database="orders-*", user="app"))

    assert loaded.of(database()).suppressions == (
        Suppression(
            "PG*",
            "ticket 1",
            database="orders-*",
            user="app",
            expires=date(2027, 1, 1),
            anchor=policy.line(1),
        ),
    )


@pytest.mark.parametrize("scope", ["a", "id of a", "?", "id of *", "*", None])
def test_a_suppression_is_of_the_databases_with_that_name_or_id(
    scope: str | None, policy: Loader
) -> None:
    loaded = policy(suppression(**({"database": scope} if scope else {})))

    assert len(loaded.of(database("a")).suppressions) == 1
    assert len(loaded.of(database("bb", id="77")).suppressions) == (scope in {"*", None})


def test_a_suppression_can_name_a_database_whose_name_holds_a_star(policy: Loader) -> None:
    loaded = policy(suppression(database=r"a\*"))

    assert len(loaded.of(database("a*")).suppressions) == 1
    assert not loaded.of(database("ab")).suppressions


def test_suppressions_keep_their_order(policy: Loader) -> None:
    scopes = ["*", "a", "b", "id of a", "a*", "a"]
    loaded = policy("".join(suppression(database=scope) for scope in scopes))

    found = [each.database for each in loaded.of(database("a")).suppressions]

    assert found == ["*", "a", "id of a", "a*", "a"]


def test_a_database_whose_name_is_its_id_meets_a_suppression_once(policy: Loader) -> None:
    loaded = policy(suppression(database="a"))

    assert len(loaded.of(database("a", id="a")).suppressions) == 1


def test_the_policy_of_nobody_says_nothing() -> None:
    assert Policy().of(database()) is NO_POLICY
    assert not [*Policy().unused(NOON, databases=[database()], used=(), complete=True)]
    assert not [*Policy().unused(NOON, databases=[], used=(), complete=False)]


def told(findings: Iterable[Finding]) -> list[tuple[str, Verdict, str, int | None]]:
    return [
        (each.check.id, each.verdict, each.detail, each.anchor.line if each.anchor else None)
        for each in findings
    ]


@pytest.mark.parametrize(
    ("now", "expired"),
    [
        (NOON, False),
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2027, 1, 1, tzinfo=UTC), True),
        (datetime(2027, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))), False),
        (datetime(2026, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2))), True),
    ],
)
@pytest.mark.parametrize("complete", [True, False])
def test_an_expired_suppression_is_a_finding_in_every_run(
    now: datetime, expired: bool, complete: bool, policy: Loader
) -> None:
    loaded = policy(suppression(user="app"))
    used = loaded.contents.suppressions

    found = loaded.unused(now, databases=[], used=used, complete=complete)

    expected = ("PO003", Verdict.FAIL, "suppression: PG001 of app on *: expired on 2027-01-01", 1)
    assert (expected in told(found)) == expired


def test_a_suppression_that_nothing_needed_is_a_finding(policy: Loader) -> None:
    loaded = policy(suppression(database="b") + suppression(database="a") + suppression())
    used = {loaded.contents.suppressions[2]}

    found = told(loaded.unused(NOON, databases=[], used=used, complete=True))

    assert found == [
        ("PO004", Verdict.FAIL, "suppression: PG001 on a: there is no such finding", 6),
        ("PO004", Verdict.FAIL, "suppression: PG001 on b: there is no such finding", 1),
    ]


def test_an_expired_suppression_is_not_unused_as_well(policy: Loader) -> None:
    loaded = policy(suppression(expires="2020-01-01"))

    found = told(loaded.unused(NOON, databases=[], used=(), complete=True))

    assert [check for check, *_ in found] == ["PO003"]


def test_an_entry_that_governs_nothing_is_a_finding(policy: Loader) -> None:
    loaded = policy("""
        [[databases]]
        name = "a*"
        [[databases]]
        name = ["a1", "a2"]
        region = "fra1"
        [[databases]]
        id = "gone"
        [[databases]]
    """)

    databases = [database("a1", region="fra1"), database("b")]
    found = told(loaded.unused(NOON, databases=databases, used=(), complete=True))

    assert found == [
        ("PO005", Verdict.FAIL, "databases: id gone: governs none", 7),
        ("PO005", Verdict.FAIL, "databases: name a1 or a2, region fra1: governs none", 4),
    ]


def test_an_incomplete_run_does_not_know_what_is_unused(policy: Loader) -> None:
    loaded = policy(suppression() + suppression() + "[[databases]]\nname = 'a'\n")

    found = told(loaded.unused(NOON, databases=[], used=(), complete=False))

    detail = "not everything was audited, so it is not known what is unused"
    assert found == [
        ("PO004", Verdict.UNKNOWN, detail, 1),
        ("PO005", Verdict.UNKNOWN, detail, 1),
    ]


def test_findings_on_the_policy_stand_on_the_file_and_sort_first(policy: Loader) -> None:
    loaded = policy("[severities]\nPO004 = 'critical'\n" + suppression())

    (found,) = loaded.unused(NOON, databases=[], used=(), complete=True)

    assert found.severity is Severity.CRITICAL
    assert (found.database.provider, found.database.account) == ("policy", "")
    assert found.database.name == policy.path.as_posix()


def test_a_finding_on_the_policy_stays_the_same_when_lines_move(policy: Loader) -> None:
    text = suppression(user="a") + suppression(user="b")
    first = policy(text).unused(NOON, databases=[], used=(), complete=True)
    moved = policy("\n\n" + text).unused(NOON, databases=[], used=(), complete=True)

    prints = [each.fingerprint for each in first]

    assert [each.fingerprint for each in moved] == prints
    assert len(set(prints)) == 2


def test_checks_of_the_policy_have_ids_of_their_own() -> None:
    assert [check.id for check in POLICY_CHECKS] == ["PO003", "PO004", "PO005"]
    assert not {check.id for check in POLICY_CHECKS} & {check.id for check in CHECKS}


def test_judging_goes_by_the_policy(policy: Loader) -> None:
    """The whole way, from the file to findings and to the suppressions that they used."""
    loaded = policy(
        "[[databases]]\nname = 'orders-*'\nusers.applications = 'app'\n"
        + suppression("PO001", database="orders-1", user="odd*")
        + suppression("PO001", database="orders-2")
    )
    record = database("orders-1", engine=Engine.POSTGRESQL)
    users = (UserRecord("app"), UserRecord("odd-1"), UserRecord("even"))
    used: set[Suppression] = set()

    facts = Facts(record, users, NOON, policy=loaded.of(record))
    found = [each for each in judge(facts, used=used) if each.check.id == "PO001"]
    unused = loaded.unused(NOON, databases=[record], used=used, complete=True)

    assert [(each.user, each.verdict, each.suppressed) for each in found] == [
        ("app", Verdict.PASS, None),
        ("odd-1", Verdict.FAIL, "ticket 1"),
        ("even", Verdict.FAIL, None),
    ]
    assert all(each.anchor == policy.line(1) for each in found)
    assert [(check, line) for check, _, _, line in told(unused)] == [("PO004", 10)]
