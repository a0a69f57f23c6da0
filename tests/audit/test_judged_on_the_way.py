"""What is judged while it is read comes out as what is judged from the store."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

import attrs
import orjson
import pytest

from dbusers import codec
from dbusers.audit import (
    CHECKS,
    DatabaseRecord,
    Facts,
    Judgement,
    Severity,
    UserRecord,
    Verdict,
    check,
    reporting,
)
from dbusers.audit.accounts.account import Account
from dbusers.audit.policy import Policy
from dbusers.audit.report import jsonl
from dbusers.audit.report.model import Report
from dbusers.audit.run import Options, audit, audit_again
from dbusers.audit.store import Store
from dbusers.digitalocean import DatabaseCluster, DatabaseUser
from dbusers.digitalocean.inventory import database_record, user_record
from dbusers.errors import ConfigurationError, ServerError
from dbusers.testing.digitalocean.fleet import ClusterSeed, with_users
from tests.clocks import JumpingClock

POLICY = """\
[defaults]
max_writers = 2

[defaults.users]
readers = ["*-ro"]
applications = ["a*", "b*", "o*"]
required = ["app"]

[severities]
US003 = "critical"

[[suppressions]]
check = "KA*"
user = "*a*"
reason = "known"
expires = 2999-01-01

[[suppressions]]
check = "US003"
reason = "accepted everywhere"
expires = 2999-01-01
"""


class Fleet:
    """An inventory of records; `users` of a database that has None cannot be read."""

    provider = "DigitalOcean"

    def __init__(self, fleet: Mapping[DatabaseRecord, Sequence[UserRecord] | None]) -> None:
        self.fleet = fleet

    async def databases(self) -> list[DatabaseRecord]:
        return list(self.fleet)

    async def users(self, database: DatabaseRecord) -> Sequence[UserRecord]:
        own = {each.id: users for each, users in self.fleet.items()}[database.id]
        if own is None:
            raise ServerError("out of \udc80 order", status=503, retryable=True)
        return own

    def requests_to_list(self) -> int:
        return 1

    def requests_for(self, databases: Sequence[DatabaseRecord]) -> int:
        return len(databases)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "audit.db") as opened:
        yield opened


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    return Policy.load(path)


def fleet_of(count: int, *, changed: bool = False) -> Fleet:
    """Return clusters of every engine, some of them unread; `changed`: as they are later."""
    seed = ClusterSeed(Random(7))
    clusters = seed.clusters(count)
    for cluster in with_users(clusters):
        seed.add_users(cluster, 6)
    fleet: dict[DatabaseRecord, Sequence[UserRecord] | None] = {}
    for number, cluster in enumerate(clusters):
        record = database_record(as_answered(cluster, DatabaseCluster))
        users = [user_record(as_answered(user, DatabaseUser)) for user in cluster.users.values()]
        if changed and number % 3 == 0:
            users = [attrs.evolve(each, replication=True) for each in users[1:]]
        fleet[record] = None if changed and number % 5 == 4 else users
    return Fleet(fleet)


def as_answered(wire: Mapping[str, Any], cls: Any) -> Any:
    return codec.structure(orjson.loads(orjson.dumps(dict(wire))), cls)


def lines(report: Report) -> str:
    """Return the report as JSON Lines, byte for byte."""
    out = StringIO()
    jsonl.write(report, out)
    return out.getvalue()


@pytest.mark.parametrize("kept", [reporting.KEPT, 10], ids=["kept", "too many to keep"])
async def test_it_comes_out_the_same(
    store: Store, policy: Policy, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "KEPT", kept)
    await audit([Account("one", fleet_of(32))], store)

    accounts = [Account("two", fleet_of(16)), Account("one", fleet_of(32, changed=True))]
    on_the_way = await audit(accounts, store, policy)
    from_the_store = audit_again(store, store.runs()[-1], policy)

    assert lines(on_the_way) == lines(from_the_store)
    found = list(on_the_way.findings())
    assert {each.check.id for each in found if each.suppressed} >= {"KA006", "US003"}
    assert {each.verdict for each in found} == {Verdict.FAIL, Verdict.UNKNOWN, Verdict.ERROR}
    assert on_the_way.counts["DR001", Verdict.FAIL] > 5
    assert on_the_way.counts["DR001", Verdict.PASS] > 5


async def test_nothing_is_taken_from_the_store_to_judge_what_is_just_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "facts", pytest.fail)

    report = await audit([Account("one", fleet_of(16))], store)

    assert report.complete
    assert report.total.users == 14 * 6  # the engines redis and valkey have none


async def test_a_database_that_is_listed_twice_is_read_and_counted_once(store: Store) -> None:
    fleet = fleet_of(8)
    listed = fleet.databases

    async def twice() -> list[DatabaseRecord]:
        first, *others = await listed()
        return [first, *others, attrs.evolve(first, status="resizing")]

    fleet.databases = twice  # type: ignore[method-assign]  # of this object alone
    report = await audit([Account("one", fleet)], store)

    assert report.total.databases == 8
    assert lines(report) == lines(audit_again(store, store.runs()[-1]))


async def test_a_check_that_is_broken_is_told_of_when_all_is_read(store: Store) -> None:
    @check("XX001", "Odd", Severity.LOW, rationale="", remedy="", source="")
    def broken(facts: Facts) -> Iterable[Judgement]:
        raise KeyError("a defect")

    options = Options(checks=(*CHECKS, broken))
    with pytest.raises(ConfigurationError, match=r"XX001 failed on .*KeyError: 'a defect'"):
        await audit([Account("one", fleet_of(16))], store, options=options)

    (run,) = store.runs()
    assert run.complete
    assert audit_again(store, run).complete


async def test_with_a_slow_check_what_is_left_is_judged_when_all_is_read(store: Store) -> None:
    clock = JumpingClock()
    taken: list[int] = []  # how many were read when a database was judged

    @check("XX001", "Odd", Severity.LOW, rationale="", remedy="", source="", needs_users=False)
    def slow(facts: Facts) -> Iterable[Verdict]:
        taken.append(len(read))
        clock.now += 1.0
        yield Verdict.fail_if(facts.users is None)

    read: list[object] = []
    options = Options(checks=(slow,), clock=clock, on_outcome=read.append)
    report = await audit([Account("one", fleet_of(8))], store, options=options)

    assert taken == [1] + [9] * 8  # the first is judged again: one more outcome is the list
    assert sum(report.counts.values()) == 8
