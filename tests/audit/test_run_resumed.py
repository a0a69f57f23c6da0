"""Audits that are interrupted, killed or incomplete, and go on."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from dbusers import ConfigurationError
from dbusers.audit.accounts.account import Account
from dbusers.audit.accounts.sources import Source
from dbusers.audit.report.model import ExitCode
from dbusers.audit.run import Options, audit, audit_again
from dbusers.audit.store import Run, Store
from tests.audit.in_memory import Provider, contents, names


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "audit.db") as opened:
        yield opened


async def interrupted(accounts: Sequence[Account], waiting: Provider, store: Store) -> Run:
    """Begin an audit and cancel it once that database is being read; return its run."""
    runs: list[Run] = []
    options = Options(on_run=runs.append, concurrency=1)
    reading = asyncio.create_task(audit(accounts, store, options=options))
    await waiting.waiting.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    return runs[0]


async def test_a_cancelled_audit_is_resumed_to_the_same_end(store: Store, tmp_path: Path) -> None:
    with Store.open(tmp_path / "undisturbed.db") as other:
        undisturbed = await audit([Account("one", Provider("abcde-", fails="b"))], other)
        wanted = contents(undisturbed)
    waiting = Provider("abcde-", fails="b", waits="c")
    run = await interrupted([Account("one", waiting)], waiting, store)
    provider = Provider("abcde-", fails="b")

    report = await audit([Account("one", provider)], store, options=Options(resume=run))

    assert contents(report) == wanted
    assert (provider.lists, provider.asked) == (0, ["c", "d", "e"])
    assert report.run_id == run.id


FLEET = "abcdefghijklmnopqrst-"
KILLED = """
import asyncio, os, signal, sys
from dbusers.audit.accounts.account import Account
from dbusers.audit.run import Options, audit
from dbusers.audit.store import Store
from tests.audit.in_memory import Provider
from tests.audit.test_run_resumed import FLEET

left = int(sys.argv[2])

def die_at_last(outcome):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

with Store.open(sys.argv[1]) as store:
    options = Options(on_outcome=die_at_last, concurrency=3, resume=store.latest())
    asyncio.run(audit([Account("one", Provider(FLEET, fails="f"))], store, options=options))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
async def test_an_audit_that_is_killed_twice_is_resumed_to_the_same_end(tmp_path: Path) -> None:
    with Store.open(tmp_path / "undisturbed.db") as store:
        wanted = contents(await audit([Account("one", Provider(FLEET, fails="f"))], store))
    path = tmp_path / "killed.db"
    for outcomes in Random(9).sample(range(2, 10), 2):
        command = [sys.executable, "-c", KILLED, str(path), str(outcomes)]
        killed = subprocess.run(command, check=False, cwd=Path(__file__).parents[2])  # noqa: ASYNC221  (nothing else runs)
        assert killed.returncode == -signal.SIGKILL
    provider = Provider(FLEET, fails="f")

    with Store.open(path) as store:
        options = Options(resume=store.latest())
        report = await audit([Account("one", provider)], store, options=options)
        found = contents(report)

    assert found == wanted
    assert provider.lists == 0
    assert 0 < len(provider.asked) < len(FLEET) - 1


async def test_an_interrupted_run_names_what_it_did_not_reach(store: Store) -> None:
    waiting = Provider("abcd", fails="b", waits="c")
    run = await interrupted([Account("one", waiting)], waiting, store)

    report = audit_again(store, run, interrupted=True)

    assert names(report) == [("one", "b"), ("one", "c"), ("one", "d")]
    assert [each.error_type for each in report.not_read] == [
        "ServerError",
        "NotReached",
        "NotReached",
    ]
    assert report.exit_code is ExitCode.INTERRUPTED
    assert audit_again(store, run).exit_code is ExitCode.INCOMPLETE


async def test_accounts_that_were_not_listed_are_listed_anew(store: Store) -> None:
    broken = [Account("one", Provider("ab")), Account("two", Provider("cd", fails="all"))]
    await audit(broken, store)
    one, two = Provider("ab"), Provider("cd")

    report = await audit(
        [Account("one", one), Account("two", two)], store, options=Options(resume=store.latest())
    )

    assert report.complete
    assert (one.asked, two.asked) == ([], ["c", "d"])


async def test_what_failed_is_read_again_where_that_is_asked_for(store: Store) -> None:
    await audit([Account("one", Provider("abc", fails="b"))], store)
    provider = Provider("abc")

    still = await audit([Account("one", provider)], store, options=Options(resume=store.latest()))
    assert (provider.asked, still.exit_code) == ([], ExitCode.INCOMPLETE)

    options = Options(resume=store.latest(), retry_failed=True)
    report = await audit([Account("one", provider)], store, options=options)

    assert (provider.asked, provider.lists) == (["b"], 0)
    assert report.complete
    assert len(store.runs()) == 1


@pytest.mark.parametrize("others", [[], ["two"], ["one", "two"]])
async def test_a_run_is_resumed_with_its_own_accounts_only(store: Store, others: list[str]) -> None:
    await audit([Account("one", Provider("a", fails="a"))], store)
    accounts = [Account(name, Provider("a")) for name in others]

    with pytest.raises(ConfigurationError, match="can be resumed with the accounts"):
        await audit(accounts, store, options=Options(resume=store.latest()))

    assert store.latest() == store.runs()[0]
    assert not any(isinstance(a.inventory, Provider) and a.inventory.lists for a in accounts)


async def test_a_run_is_resumed_by_its_own_source(store: Store) -> None:
    await audit(
        [Account("one", Provider("a", fails="all"))], store, options=Options(source=Source.EMBEDDED)
    )
    provider = Provider("ab")

    report = await audit([Account("one", provider)], store, options=Options(resume=store.latest()))

    assert (report.source, provider.asked) == ("embedded", [])
    assert [row.partial for row in report.databases()] == [True, True]
