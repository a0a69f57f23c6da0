"""How findings come of what checks say: engines, severities, suppressions, what was not read."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest

from dbusers.audit import (
    CHECKS,
    DatabaseRecord,
    Engine,
    Facts,
    Finding,
    Judgement,
    NotRead,
    Read,
    Severity,
    Skipped,
    UserRecord,
    Verdict,
    check,
    each_user,
    judge,
)
from dbusers.audit.findings import Anchor, DatabasePolicy, Suppression
from dbusers.audit.judging import Counts, fitting, wanting
from dbusers.errors import ConfigurationError, ServerError

NOW = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
KAFKA = DatabaseRecord("A", "1", "orders", engine=Engine.KAFKA)
USERS = (UserRecord("root"), UserRecord("app"))


def named_root(**fields: Any) -> Any:
    return check(
        "XX001",
        "Named root",
        fields.pop("severity", Severity.LOW),
        rationale="It is the first name that is tried.",
        remedy="Take another.",
        source="experience",
        **fields,
    )(each_user(lambda facts, user: Verdict.fail_if(user.name == "root")))


def judged(
    one: Any, database: DatabaseRecord = KAFKA, policy: DatabasePolicy | None = None
) -> Finding:
    """Return the finding on the user root."""
    facts = Facts(database, USERS, NOW, policy=policy or DatabasePolicy())
    return next(found for found in judge(facts, [one]) if found.user == "root")


def test_a_check_of_ones_own_is_a_function_with_a_decorator() -> None:
    facts = Facts(KAFKA, USERS, NOW)

    found = [(f.check.id, f.user, f.verdict) for f in judge(facts, [named_root()])]

    assert found == [("XX001", "root", "fail"), ("XX001", "app", "pass")]


@pytest.mark.parametrize(
    ("engines", "asked"),
    [
        ({Engine.KAFKA}, True),
        ({Engine.MYSQL, Engine.KAFKA}, True),
        ({Engine.MYSQL}, False),
        ((), True),
    ],
)
def test_only_checks_of_the_engine_are_asked(engines: Any, asked: bool) -> None:
    facts = Facts(KAFKA, USERS, NOW)

    assert bool(list(judge(facts, [named_root(engines=engines)]))) is asked


@pytest.mark.parametrize("engine", ["something-new", None])
def test_an_engine_that_is_not_known_gets_the_checks_of_all_engines(engine: str | None) -> None:
    facts = Facts(attrs.evolve(KAFKA, engine=engine), USERS, NOW)

    asked = {finding.check.id for finding in judge(facts)}

    assert asked == {one.id for one in CHECKS if not one.engines}


def test_every_check_of_the_engine_says_that_a_database_was_not_read() -> None:
    facts = Facts.of(NotRead(KAFKA, ServerError("broken", status=503)), now=NOW)

    found = list(judge(facts))

    assert len(found) == sum(one.fits(KAFKA) for one in CHECKS)
    assert {f.check.id: f.verdict for f in found if f.check.needs_users is False} == {
        "CL001": Verdict.UNKNOWN
    }
    assert {(f.verdict, f.detail) for f in found if f.check.needs_users} == {
        (Verdict.ERROR, str(ServerError("broken", status=503)))
    }


def test_a_database_without_users_is_skipped_for_its_reason_and_judged_for_its_version() -> None:
    old = attrs.evolve(KAFKA, engine=Engine.REDIS, end_of_life=date(2025, 1, 1))

    found = {
        f.check.id: (f.verdict, f.detail) for f in judge(Facts.of(Skipped(old, "no"), now=NOW))
    }

    assert found.pop("CL001")[0] is Verdict.FAIL
    assert set(found.values()) == {(Verdict.SKIP, "no")}


KINDS: dict[str, dict[str, Any]] = {
    "read": {"users": USERS},
    "not read": {"users": None, "error": "503"},
    "skipped": {"users": None, "skipped": "no user management"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_wanting_is_what_is_not_fine_and_all_of_it_is_counted(kind: str) -> None:
    @check("XX002", "Both kinds of answer", Severity.LOW, rationale="", remedy="", source="")
    def of_its_own(facts: Facts) -> Iterator[Judgement | Verdict]:
        yield Verdict.PASS
        yield Judgement(Verdict.PASS, "root")
        yield Judgement(Verdict.FAIL, "app", "odd", Severity.HIGH)
        yield Verdict.UNKNOWN

    suppressions = (Suppression("XX001", "known", user="root"),)
    policy = DatabasePolicy(suppressions=suppressions, max_writers=0)
    facts = Facts(KAFKA, now=NOW, policy=policy, **KINDS[kind])
    checks = [*CHECKS, named_root(), of_its_own]
    counts: Counts = Counter()
    used: set[Suppression] = set()
    used_by_all: set[Suppression] = set()

    every = list(judge(facts, checks, used=used_by_all))
    found = list(wanting(facts, list(fitting(checks, facts)), counts, used))

    assert found == [each for each in every if each.verdict in ("fail", "unknown", "error")]
    assert counts == Counter((each.check.id, each.verdict) for each in every)
    assert used == used_by_all == (set(suppressions) if kind == "read" else set())


def test_a_verdict_alone_is_about_whoever_was_asked_about() -> None:
    @check("XX002", "A verdict", Severity.LOW, rationale="", remedy="", source="")
    def of_the_database(facts: Facts) -> Iterator[Verdict]:
        yield Verdict.UNKNOWN

    facts = Facts(KAFKA, USERS, NOW)

    found = [(f.user, f.verdict) for f in judge(facts, [of_the_database, named_root()])]

    assert found == [(None, "unknown"), ("root", "fail"), ("app", "pass")]


def test_a_read_outcome_brings_its_users() -> None:
    facts = Facts.of(Read(KAFKA, USERS), now=NOW, before=(), partial=True)

    assert (facts.users, facts.error, facts.skipped) == (USERS, None, None)
    assert (facts.before, facts.partial) == ((), True)


@pytest.mark.parametrize(
    ("severity", "open_to_world", "expected"),
    [
        (Severity.LOW, True, Severity.MEDIUM),
        (Severity.HIGH, True, Severity.CRITICAL),
        (Severity.CRITICAL, True, Severity.CRITICAL),
        (Severity.LOW, False, Severity.LOW),
        (Severity.LOW, None, Severity.LOW),
    ],
)
def test_a_failure_is_worse_where_the_world_can_reach_it(
    severity: Severity, open_to_world: bool | None, expected: Severity
) -> None:
    database = attrs.evolve(KAFKA, open_to_world=open_to_world)

    assert judged(named_root(severity=severity), database).severity is expected


def test_what_is_no_failure_is_not_worse_in_the_open() -> None:
    facts = Facts(attrs.evolve(KAFKA, open_to_world=True), (UserRecord("app"),), NOW)

    (found,) = judge(facts, [named_root()])

    assert (found.verdict, found.severity) == ("pass", Severity.LOW)


def test_a_judgement_may_have_a_severity_of_its_own_and_the_policy_has_the_last_word() -> None:
    def say(facts: Facts) -> Iterator[Judgement]:
        yield Judgement(Verdict.FAIL, "root", severity=Severity.HIGH)

    own = attrs.evolve(named_root(), judge=say)
    in_the_open = attrs.evolve(KAFKA, open_to_world=True)
    stated = DatabasePolicy(severities={"XX001": Severity.LOW})

    assert judged(own).severity is Severity.HIGH
    assert judged(own, in_the_open).severity is Severity.CRITICAL
    assert judged(own, in_the_open, stated).severity is Severity.LOW
    assert judged(own, KAFKA, DatabasePolicy(severities={"XX002": Severity.LOW})).severity is (
        Severity.HIGH
    )


def test_the_anchor_is_the_judgements_or_else_the_databases() -> None:
    def say(facts: Facts) -> Iterator[Judgement]:
        yield Judgement(Verdict.FAIL, "root", anchor=Anchor("policy.toml", 9))

    policy = DatabasePolicy(anchor=Anchor("policy.toml", 2))

    assert judged(named_root(), policy=policy).anchor == Anchor("policy.toml", 2)
    assert judged(attrs.evolve(named_root(), judge=say), policy=policy).anchor == Anchor(
        "policy.toml", 9
    )
    assert judged(named_root()).anchor is None


@pytest.mark.parametrize(
    ("suppression", "accepted"),
    [
        (Suppression("XX001", "ticket 1"), True),
        (Suppression("XX*", "ticket 1"), True),
        (Suppression("XX002", "ticket 1"), False),
        (Suppression("XX001", "ticket 1", user="root"), True),
        (Suppression("XX001", "ticket 1", user="r*t"), True),
        (Suppression("XX001", "ticket 1", user="app"), False),
        (Suppression("XX001", "ticket 1", expires=date(2026, 7, 2)), True),
        (Suppression("XX001", "ticket 1", expires=date(2026, 7, 1)), False),
        (Suppression("XX001", "ticket 1", expires=date(2026, 6, 1)), False),
    ],
)
def test_what_the_policy_accepts_is_found_and_suppressed(
    suppression: Suppression, accepted: bool
) -> None:
    used: set[Suppression] = set()
    facts = Facts(KAFKA, USERS, NOW, policy=DatabasePolicy(suppressions=(suppression,)))

    root, app = judge(facts, [named_root()], used=used)

    assert (root.verdict, root.suppressed) == ("fail", "ticket 1" if accepted else None)
    assert app.suppressed is None
    assert used == ({suppression} if accepted else set())


def test_a_finding_on_the_database_is_accepted_only_for_all_users() -> None:
    def say(facts: Facts) -> Iterator[Judgement]:
        yield Judgement(Verdict.FAIL)

    def suppressed(user: str) -> str | None:
        policy = DatabasePolicy(suppressions=(Suppression("XX001", "ticket 1", user=user),))
        (found,) = judge(
            Facts(KAFKA, (), NOW, policy=policy), [attrs.evolve(named_root(), judge=say)]
        )
        return found.suppressed

    assert suppressed("*") == "ticket 1"
    assert suppressed("root") is None


def test_that_something_was_not_read_is_never_accepted() -> None:
    policy = DatabasePolicy(suppressions=(Suppression("*", "ticket 1"),))
    used: set[Suppression] = set()

    (found,) = judge(Facts(KAFKA, None, NOW, error="503", policy=policy), [named_root()], used=used)

    assert (found.verdict, found.suppressed, used) == ("error", None, set())


@pytest.mark.parametrize(
    "said",
    [
        "fail",
        True,
        None,
        Judgement("fail"),  # type: ignore[arg-type]  # what is wrong with it
        Judgement(Verdict.UNKNOWN, detail=7),  # type: ignore[arg-type]  # the same
        Judgement(Verdict.FAIL, severity=4),  # type: ignore[arg-type]  # the same
        Judgement(Verdict.FAIL, USERS[0]),  # type: ignore[arg-type]  # the same
    ],
    ids=repr,
)
def test_what_no_check_may_say_is_refused_and_not_taken_for_fine(said: Any) -> None:
    odd = attrs.evolve(named_root(), judge=lambda facts: [Verdict.PASS, said])
    of_users = attrs.evolve(named_root(), judge=each_user(lambda facts, user: said))
    counts: Counts = Counter()

    for one in (odd, of_users):
        with pytest.raises(ConfigurationError, match="the check XX001 says what is neither"):
            list(judge(Facts(KAFKA, USERS, NOW), [one]))
        with pytest.raises(ConfigurationError, match="the check XX001 says what is neither"):
            list(wanting(Facts(KAFKA, USERS, NOW), [one], counts, set()))

    assert set(counts) <= {("XX001", Verdict.PASS)}


@pytest.mark.parametrize("judge_of", [lambda facts: None, lambda facts: 1 / 0])
def test_a_check_that_fails_is_named(judge_of: Any) -> None:
    broken = attrs.evolve(named_root(), judge=judge_of)

    with pytest.raises(ConfigurationError, match="the check XX001 failed on the database orders"):
        list(judge(Facts(KAFKA, USERS, NOW), [broken]))


def test_a_judgement_says_that_nothing_can_be_called() -> None:
    def say(facts: Facts) -> Iterator[Judgement]:
        yield Judgement(Verdict.FAIL, "root", by_hand=True)
        yield Judgement(Verdict.FAIL, "app")

    found = judge(Facts(KAFKA, USERS, NOW), [attrs.evolve(named_root(), judge=say)])

    assert [each.by_hand for each in found] == [True, False]


def test_a_fingerprint_is_that_of_the_check_the_database_and_the_user() -> None:
    one = judged(named_root())
    same = judged(named_root(severity=Severity.HIGH), attrs.evolve(KAFKA, version="4"))
    other = judged(named_root(), attrs.evolve(KAFKA, id="2"))

    assert one.fingerprint == same.fingerprint != other.fingerprint
