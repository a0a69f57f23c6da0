from collections.abc import Callable, Iterable, Iterator, Sequence
from io import StringIO
from pathlib import Path

import attrs
import orjson
import pytest
from hypothesis import strategies as st

from dbusers import ConfigurationError, ServerError
from dbusers.audit.records import Listed, NotListed, Outcome
from dbusers.audit.report import jsonl
from dbusers.audit.report.model import Report
from dbusers.audit.shards import merge
from dbusers.audit.store import Run, Store
from dbusers.audit.store import file as store_file
from tests.audit.stored_fleet import (
    ACCOUNTS,
    HOUR,
    STARTED,
    everything_in,
    facts_of,
    fleet,
    listed,
    outcome,
)

NAMES = st.lists(st.text(max_size=5), max_size=30)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "merged.db") as opened:
        yield opened


def report_of(store: Store, run: Run) -> Report:
    return Report(
        run_id=run.id,
        started=run.started,
        finished=run.finished,
        source=run.source,
        version=run.version,
        shard=run.shard,
        accounts=store.coverage(run),
        findings=lambda: iter(()),
        counts={},
        databases=lambda: store.databases(run),
        not_read=(),
        checks=(),
    )


def part(
    path: Path,
    accounts: Iterable[str],
    outcomes: Iterable[Outcome],
    *,
    shard: str | None = None,
    source: str = "users",
    version: str = "1.0",
    finished: bool = True,
    filtered: bool = False,
    partial: bool = False,
    paced: bool = False,
) -> Path:
    """Write what one machine read: a store, or for another ending its JSON Lines."""
    with Store.open(path.with_suffix(".db")) as store:
        providers = {account: ACCOUNTS[account] for account in accounts}
        run = store.begin(
            STARTED, providers, source=source, version=version, shard=shard, filtered=filtered
        )
        for each in outcomes:
            store.add(run, each, partial=partial)
        for account in providers if paced else ():
            store.set_plan(run, account, 13, 60.0)
            store.add_requests(run, account, 14, 61.25)
        if finished:
            run = store.finish(run, STARTED + HOUR)
        if path.suffix == ".jsonl":
            text = StringIO()
            jsonl.write(report_of(store, run), text)
            path.write_text(text.getvalue())
    return path


def whole(account: str, count: int = 12) -> list[Outcome]:
    return [listed(count, account), *(outcome(number, account) for number in range(count))]


def shards_of_three(folder: Path, ending: str) -> list[Path]:
    return [
        part(folder / f"{number}{ending}", [account], whole(account), shard=f"{number}/3")
        for number, account in enumerate(ACCOUNTS, start=1)
    ]


def edit(path: Path, lines: Sequence[bytes]) -> None:
    path.write_bytes(b"".join(line + b"\n" for line in lines))


@pytest.mark.parametrize("ending", [".db", ".jsonl"])
def test_merged_shards_are_what_one_run_reads(tmp_path: Path, ending: str) -> None:
    single = part(tmp_path / "single.db", ACCOUNTS, fleet(12))
    shards = shards_of_three(tmp_path, ending)
    merged = tmp_path / "merged.db"

    with Store.open(merged) as store:
        run = merge(store, shards)

        assert run.shard is None
        assert (run.started, run.finished) == (STARTED, STARTED + HOUR)
    assert everything_in(merged) == everything_in(single)


@pytest.mark.parametrize(
    ("ending", "requests", "seconds"), [(".db", 14, 61.25), (".jsonl", None, 0.0)]
)
def test_the_plan_of_each_part_is_merged_and_of_a_store_also_what_it_took(
    tmp_path: Path, target: Store, ending: str, requests: int | None, seconds: float
) -> None:
    names = [*ACCOUNTS][:2]
    parts = [part(tmp_path / f"{name}{ending}", [name], whole(name), paced=True) for name in names]

    run = merge(target, parts)

    assert {
        (each.account, each.planned, each.requests, each.floor, each.seconds)
        for each in target.coverage(run)
    } == {(name, 13, requests, 60.0, seconds) for name in names}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("7", "pace: not a list"),
        ("[7]", "pace: not an object"),
        ('[{"account":"prod"}]', "provider: not a text"),
        ('[{"account":"prod","provider":"DigitalOcean","planned_requests":-1}]', "planned_"),
        ('[{"account":"prod","provider":"DigitalOcean","planned_requests":true}]', "planned_"),
        ('[{"account":"prod","provider":"DigitalOcean","floor_seconds":"1"}]', "floor_seconds: "),
        ('[{"account":"prod","provider":"DigitalOcean","floor_seconds":-0.5}]', "floor_seconds: "),
    ],
)
def test_a_pace_that_cannot_be_is_refused_by_file_and_line(
    tmp_path: Path, target: Store, wrong: str, said: str
) -> None:
    path = part(tmp_path / "prod.jsonl", ["prod"], whole("prod"))
    first, *others = path.read_bytes().splitlines()
    run = orjson.loads(first) | {"pace": orjson.loads(wrong)}
    edit(path, [orjson.dumps(run), *others])

    with pytest.raises(ConfigurationError, match=rf"prod\.jsonl:\d+: {said}"):
        merge(target, [path])

    assert target.runs() == ()


def test_a_store_and_json_lines_can_be_merged(tmp_path: Path, target: Store) -> None:
    one = part(tmp_path / "1.db", ["prod"], whole("prod"), shard="1/2")
    two = part(tmp_path / "2.jsonl", ["test"], whole("test"), shard="2/2")

    run = merge(target, [one, two])

    assert [each.account for each in target.coverage(run)] == ["prod", "test"]
    assert len(list(target.databases(run))) == 24


def test_of_a_store_the_last_run_counts(tmp_path: Path, target: Store) -> None:
    path = tmp_path / "1.db"
    part(path, ["prod"], whole("prod"), shard="1/1")
    part(path, ["prod"], whole("prod", 3), shard="1/1")

    run = merge(target, [path])

    assert len(list(target.databases(run))) == 3


def test_whole_runs_of_different_accounts_can_be_merged(tmp_path: Path, target: Store) -> None:
    complete = [listed(2), outcome(1), outcome(0)]
    paths = [
        part(tmp_path / "1.db", ["prod"], complete),
        part(tmp_path / "2.jsonl", ["test"], [listed(1, "test"), outcome(0, "test")]),
    ]

    assert merge(target, paths).complete


@pytest.mark.parametrize("ending", [".db", ".jsonl"])
def test_a_missing_shard_makes_the_run_incomplete_and_is_named(
    tmp_path: Path, target: Store, ending: str
) -> None:
    first = part(tmp_path / f"1{ending}", ["prod"], [listed(1), outcome(0)], shard="1/2")

    run = merge(target, [first])

    assert not run.complete
    missing = target.coverage(run)[-1]
    assert missing.account == "shard 2/2"
    assert missing.error == "shard 2/2 is not among the files that were merged"


@pytest.mark.parametrize("ending", [".db", ".jsonl"])
def test_an_interrupted_part_makes_an_unfinished_run(
    tmp_path: Path, target: Store, ending: str
) -> None:
    one = part(tmp_path / f"1{ending}", ["prod"], whole("prod", 3), shard="1/2")
    two = part(
        tmp_path / f"2{ending}",
        ["test", "agency"],
        [listed(2, "test"), outcome(1, "test")],
        shard="2/2",
        finished=False,
    )

    run = merge(target, [one, two])

    assert run.finished is None
    assert not run.complete
    assert [each.id for each in target.pending(run)] == ["id-test-00000"]
    agency = target.coverage(run)[0]
    assert agency.error == "not listed: the run ended before"


def test_a_part_that_was_filtered_makes_a_filtered_run(tmp_path: Path, target: Store) -> None:
    one = part(tmp_path / "1.db", ["prod"], whole("prod", 3))
    two = part(tmp_path / "2.db", ["test"], whole("test", 3), filtered=True)

    assert not merge(target, [one]).filtered
    assert merge(target, [one, two]).filtered


def test_an_account_that_a_part_could_not_list_is_not_listed(tmp_path: Path, target: Store) -> None:
    error = ServerError("out of order", status=503)
    path = part(tmp_path / "1.jsonl", ["prod"], [NotListed("DigitalOcean", error, account="prod")])

    run = merge(target, [path])

    assert not run.complete
    assert target.coverage(run)[0].error == "503: out of order"


@pytest.mark.parametrize("ending", [".db", ".jsonl"])
@pytest.mark.parametrize("partial", [True, False])
def test_a_partial_reading_stays_one(
    tmp_path: Path, target: Store, ending: str, partial: bool
) -> None:
    outcomes = [listed(2), outcome(1), outcome(0)]
    path = part(tmp_path / f"1{ending}", ["prod"], outcomes, source="auto", partial=partial)

    run = merge(target, [path])

    assert facts_of(target, run)[1].partial is partial


def test_users_that_a_line_does_not_tell_of_are_partial_unless_all_were_asked_for(
    tmp_path: Path, target: Store
) -> None:
    for source, expected in (("users", False), ("embedded", True)):
        path = part(tmp_path / f"{source}.jsonl", ["prod"], [listed(2), outcome(1)], source=source)
        edit(
            path,
            [line.replace(b',"partial":false', b"") for line in path.read_bytes().splitlines()],
        )

        run = merge(target, [path])

        assert facts_of(target, run)[1].partial is expected


def overlap(folder: Path) -> list[Path]:
    moved = [attrs.evolve(each, account="other") for each in listed(3).databases]
    other = Listed("DigitalOcean", tuple(moved), account="other")
    return [
        part(folder / "1.db", ["prod"], whole("prod", 3)),
        part(folder / "2.jsonl", [], [other]),
    ]


def two_of(folder: Path, **second: str) -> list[Path]:
    return [
        part(folder / "1.db", ["prod"], whole("prod", 3), shard="1/2"),
        part(
            folder / "2.jsonl",
            ["test"],
            whole("test", 3),
            shard=second.get("shard", "2/2"),
            version=second.get("version", "1.0"),
            source=second.get("source", "users"),
        ),
    ]


def same_account(folder: Path) -> list[Path]:
    return [
        part(folder / "1.db", ["prod"], [listed(0)]),
        part(folder / "2.jsonl", ["prod"], [listed(0)]),
    ]


def same_file(folder: Path) -> list[Path]:
    return [part(folder / "1.jsonl", ["prod"], whole("prod", 1))] * 2


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (overlap, r"database id-prod-00000 is in .*1\.db and in .*2\.jsonl"),
        (same_account, r"account prod is in .*1\.db and in .*2\.jsonl"),
        (same_file, r"account prod is in .*1\.jsonl and in .*1\.jsonl"),
        (lambda f: two_of(f, shard="1/2"), r"1\.db and .*2\.jsonl are both shard 1/2"),
        (lambda f: two_of(f, shard="2/3"), "shards of 2 and of 3"),
        (lambda f: two_of(f, version="1.1"), r"has version '1\.0' and .* has '1\.1'"),
        (lambda f: two_of(f, source="embedded"), "has source 'users' and .* has 'embedded'"),
        (lambda _: [], "nothing to merge"),
        (lambda f: [f / "missing.jsonl"], r"missing\.jsonl: No such file"),
        (lambda f: [f], "Is a directory"),
    ],
)
def test_what_does_not_belong_together_is_refused_and_adds_nothing(
    tmp_path: Path, target: Store, make: Callable[[Path], list[Path]], problem: str
) -> None:
    paths = make(tmp_path)

    with pytest.raises(ConfigurationError, match=problem):
        merge(target, paths)

    assert target.runs() == ()
    for path in paths:
        if path.suffix == ".db":
            Store.open(path).close()  # which nobody holds any more


def test_a_store_in_use_or_without_a_run_is_refused(
    tmp_path: Path, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_file, "LOCK_TIMEOUT", 0.0)
    Store.open(tmp_path / "empty.db").close()

    with pytest.raises(ConfigurationError, match=r"empty\.db: there is no run in this store"):
        merge(target, [tmp_path / "empty.db"])
    with pytest.raises(ConfigurationError, match="another audit is using this store"):
        merge(target, [target.path])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda lines: lines[:-1], r"1\.jsonl: cut off"),
        (lambda lines: lines[:3], r"1\.jsonl: cut off"),
        (lambda lines: [*lines[:2], lines[2][:-9]], r"1\.jsonl:3: not JSON"),
        (lambda lines: [*lines, lines[0]], r"1\.jsonl:5: more follows the summary"),
        (lambda lines: lines[1:], r"1\.jsonl:1: this is neither a store nor"),
        (lambda _: [], r"1\.jsonl:1: this is neither a store nor"),
        (lambda _: [b"[]"], r"1\.jsonl:1: line: not an object"),
        (lambda _: [b"id,check,severity"], r"1\.jsonl:1: not JSON"),
        (lambda _: [b'{"type":"run"}'], r"1\.jsonl:1: run: not a text"),
        (
            lambda lines: [
                lines[0],
                lines[1],
                lines[2].replace(b'"users":', b'"u":{},"users":3,"x":'),
            ],
            r"1\.jsonl:3: users: not a list",
        ),
        (
            lambda lines: [lines[0], lines[1], lines[2].replace(b'"name":', b'"Name":'), lines[3]],
            r"1\.jsonl:3: name: not a text",
        ),
    ],
)
def test_json_lines_that_are_not_whole_are_refused_by_file_and_line(
    tmp_path: Path, target: Store, change: Callable[[list[bytes]], list[bytes]], problem: str
) -> None:
    only = attrs.evolve(listed(2), databases=listed(2).databases[1:])
    path = part(tmp_path / "1.jsonl", ["prod"], [only, outcome(1)])
    lines = path.read_bytes().splitlines()
    assert [orjson.loads(line)["type"] for line in lines] == [
        "run",
        "account",
        "database",
        "summary",
    ]
    edit(path, change(lines))

    with pytest.raises(ConfigurationError, match=problem):
        merge(target, [path])

    assert target.runs() == ()
