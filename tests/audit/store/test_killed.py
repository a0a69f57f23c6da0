"""Real `kill -9`, at moments that a seed chooses; each run is killed until it is through."""

import random
import signal
import subprocess
from pathlib import Path

import pytest

from dbusers.audit.store import Store
from tests.audit.interrupted_run import read_on
from tests.audit.stored_fleet import ACCOUNTS, everything_in, listed, outcome
from tests.ready_python import ready_python

COUNT = 120  # databases of each of the three accounts
AHEAD = 20  # lines that it may say before it waits for us
ROOT = Path(__file__).parents[3]


def run_until(path: Path, said: int) -> list[str]:
    """Kill the program when it has said so many lines, or a few more; return what it said."""
    command = [ready_python(), "-m", "tests.audit.interrupted_run", str(path), str(COUNT)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n" * (said + AHEAD))
        process.stdin.flush()
        lines = [line for _, line in zip(range(said), process.stdout, strict=False)]
        process.kill()
        # It did not stop for us: what it said between the last line and the signal counts too.
        return [*lines, *(line for line in process.stdout if line.endswith("\n"))]


def check_what_is_kept(path: Path, said: list[str]) -> int:
    """Compare a killed store with what was said to be in it; return how many are still pending."""
    with Store.open(path) as store:
        run = store.latest()
        assert run is not None
        assert not run.complete
        rows = {row.database.id: row for row in store.databases(run)}
        pending = {database.id for database in store.pending(run)}
        for word, name in (line.split() for line in said):
            assert name in (store.listed(run) if word == "listed" else rows.keys() - pending)
        for account in store.listed(run):
            assert {each.id for each in listed(COUNT, account).databases} <= rows.keys()
        for row in rows.values():
            if row.users is not None:
                number = int(row.database.id.rpartition("-")[2])
                whole = outcome(number, row.database.account)
                assert (row.database, row.users) == (whole.database, whole.users)  # type: ignore[union-attr]  # of a database that was read
        return len(pending)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    path = tmp_path_factory.mktemp("undisturbed") / "audit.db"
    read_on(str(path), COUNT)
    return everything_in(path)


@pytest.mark.parametrize("seed", range(10))
def test_a_killed_run_keeps_what_it_said_and_ends_as_an_undisturbed_one(
    tmp_path: Path, undisturbed: tuple[object, ...], seed: int
) -> None:
    path = tmp_path / "audit.db"
    moment = random.Random(seed).randrange(1, len(ACCOUNTS) * COUNT * 3 // 4)

    said = run_until(path, moment)
    pending = check_what_is_kept(path, said)
    assert pending > 0
    read_on(str(path), COUNT)

    assert everything_in(path) == undisturbed


def test_a_run_that_is_killed_time_and_again_gets_through(
    tmp_path: Path, undisturbed: tuple[object, ...]
) -> None:
    path = tmp_path / "audit.db"
    dice = random.Random(11)
    said: list[str] = []
    for _ in range(5):
        said += run_until(path, dice.randrange(0, 60))

    read_on(str(path), COUNT)

    assert everything_in(path) == undisturbed
    kept = [line for line in said if line.startswith("kept")]
    assert len(kept) == len(set(kept))


IN_THE_MIDDLE = """
import os, signal, sys
from dbusers.audit.records import Listed, Read
from dbusers.audit.store import Store
from tests.audit.stored_fleet import ACCOUNTS, STARTED, database, listed, users

def die():
    os.kill(os.getpid(), signal.SIGKILL)

class Deadly(tuple):
    def __iter__(self):
        yield from super().__iter__()
        die()

store = Store.open(sys.argv[1])
run = store.begin(STARTED, ACCOUNTS)
store.add(run, listed(50, "prod"))
if sys.argv[2] == "of a list":
    store.add(run, Listed("Scalingo", Deadly(listed(50, "agency").databases), account="agency"))
else:
    with store.all_or_nothing():
        store.add_requests(run, "prod", 7)
        store.add(run, Read(database(1), users(1)))
        die()
"""


@pytest.mark.parametrize("middle", ["of a list", "of an outcome"])
def test_a_run_that_is_killed_in_the_middle_has_nothing_of_it(tmp_path: Path, middle: str) -> None:
    path = tmp_path / "audit.db"
    command = [ready_python(), "-c", IN_THE_MIDDLE, str(path), middle]
    ended = subprocess.run(command, check=False, cwd=ROOT, timeout=60)
    assert ended.returncode == -signal.SIGKILL

    with Store.open(path) as store:
        run = store.latest()
        assert run is not None
        assert store.listed(run) == {"prod"}
        assert len(list(store.databases(run))) == len(list(store.pending(run))) == 50
        assert [each.requests for each in store.coverage(run)] == [None, None, None]
