import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median

import orjson
import pytest

from dbusers import ConfigurationError
from dbusers.audit.encoding.records import user_to_json
from dbusers.audit.records import Read
from dbusers.audit.store import Store
from dbusers.audit.store import file as store_file
from tests.audit.stored_fleet import ACCOUNTS, STARTED, database, listed, read_once, users

LOCKED = r"audit\.db: another audit is using this store"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


@pytest.fixture(autouse=True)
def _nobody_waits_for_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_file, "LOCK_TIMEOUT", 0.0)


def files_of(path: Path) -> list[Path]:
    return [file for file in path.parent.iterdir() if file.name.startswith(path.name)]


def test_a_store_is_made_with_its_folder_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "audit.db"
    before = os.umask(0)
    try:
        with Store.open(path) as store:
            read_once(store, {database(1): users(1)})
            modes = {file.stat().st_mode & 0o777 for file in files_of(path)}
    finally:
        os.umask(before)

    assert modes == {0o600}


def test_what_was_stored_is_there_when_the_file_is_opened_again(path: Path) -> None:
    with Store.open(path) as store:
        run = read_once(store, {database(1): users(1)})

    with Store.open(path) as store:
        assert store.runs() == (run,)
        assert [row.users for row in store.databases(run)] == [users(1)]


def test_closing_leaves_one_file(path: Path) -> None:
    with Store.open(path) as store:
        read_once(store, {database(1): users(1)})
        assert len(files_of(path)) == 2

    assert files_of(path) == [path]


def test_a_store_in_use_is_refused_and_free_when_closed(path: Path) -> None:
    with Store.open(path), pytest.raises(ConfigurationError, match=LOCKED):
        Store.open(path)

    Store.open(path).close()


HOLD = """
import sys
from dbusers.audit.store import Store
store = Store.open(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that has the store open until it is killed."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_store_is_locked_against_other_processes_until_they_are_killed(
    path: Path, holder: "subprocess.Popen[bytes]"
) -> None:
    with pytest.raises(ConfigurationError, match=LOCKED):
        Store.open(path)

    holder.kill()
    holder.wait()
    Store.open(path).close()


def test_a_newer_store_is_refused_and_left_alone(path: Path) -> None:
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    content = path.read_bytes()

    with pytest.raises(ConfigurationError, match=r"newer dbusers \(its schema is 99"):
        Store.open(path)

    assert path.read_bytes() == content


def test_a_store_of_version_1_is_read_on_with_what_it_does_not_know_left_open(path: Path) -> None:
    with Store.open(path) as store:
        run = read_once(store, {database(1): users(1)})
    with closing(sqlite3.connect(path)) as connection:
        for column in ("planned", "floor", "seconds"):
            connection.execute(f"ALTER TABLE accounts DROP COLUMN {column}")
        for column in ("requests", "seconds"):
            connection.execute(f"ALTER TABLE databases DROP COLUMN {column}")
        spelled_out = orjson.dumps([user_to_json(user) for user in users(1)]).decode()
        connection.execute("UPDATE databases SET users = ?", (spelled_out,))
        connection.execute("PRAGMA user_version = 1")
        connection.commit()

    with Store.open(path) as store:
        (account,) = store.coverage(run)
        assert (account.read, account.planned, account.floor, account.seconds) == (1, None, None, 0)
        assert [row.users for row in store.databases(run)] == [users(1)]
        store.set_plan(run, account.account, 2, 0.0)
    with Store.open(path) as store:
        assert store.coverage(run)[0].planned == 2


def test_somebody_elses_database_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE runs (id TEXT)")
    content = path.read_bytes()

    with pytest.raises(ConfigurationError, match=r"audit\.db: this file is not a store of audits"):
        Store.open(path)

    assert path.read_bytes() == content
    assert files_of(path) == [path]


def test_a_file_of_another_kind_is_refused_and_left_alone(path: Path) -> None:
    path.write_text("[defaults]\nmax_writers = 3\n" * 100)
    content = path.read_bytes()

    with pytest.raises(ConfigurationError, match=r"audit\.db: this file is not a store of audits"):
        Store.open(path)

    assert path.read_bytes() == content


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()

    with Store.open(path) as store:
        assert store.runs() == ()


def test_a_path_that_cannot_be_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match="Is a directory"):
        Store.open(tmp_path)
    with pytest.raises(ConfigurationError, match="no store can be opened there"):
        Store.open(tmp_path / "file" / "audit.db")


def test_a_damaged_store_is_refused(path: Path) -> None:
    with Store.open(path) as store:
        run = read_once(store, {database(n): users(n) for n in range(1, 100)})
    content = bytearray(path.read_bytes())
    content[4096 * 8 :] = b"\xff" * len(content[4096 * 8 :])
    path.write_bytes(content)

    with (
        pytest.raises(ConfigurationError, match="this store is damaged: move it away"),
        Store.open(path) as store,
    ):
        list(store.databases(run))


@pytest.mark.parametrize("column", ["record", "users"])
def test_a_record_that_was_tampered_with_is_refused(path: Path, column: str) -> None:
    with Store.open(path) as store:
        run = read_once(store, {database(1): users(1)})
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE databases SET {column} = '[{{}}]'")
        connection.commit()

    with Store.open(path) as store, pytest.raises(ConfigurationError, match="store is damaged"):
        list(store.databases(run))


def test_a_full_disk_is_told_and_takes_nothing_that_was_kept(path: Path) -> None:
    with Store.open(path) as store:
        run = store.begin(STARTED, ACCOUNTS)
        store.add(run, listed(2))
        store.add(run, Read(database(0), users(0)))
        store._connection.execute("PRAGMA max_page_count = 1")

        with pytest.raises(ConfigurationError, match="cannot be used: database or disk is full"):
            store.add(run, Read(database(1), users(1, 5_000)))

        assert [row.users for row in store.databases(run)] == [users(0), None]


def test_a_closed_store_is_a_defect_of_the_caller(path: Path) -> None:
    store = Store.open(path)
    store.close()

    with pytest.raises(sqlite3.ProgrammingError):
        store.runs()


def test_keeping_an_outcome_holds_the_event_loop_up_for_a_moment_only(path: Path) -> None:
    with Store.open(path) as store:
        run = store.begin(STARTED, ACCOUNTS)
        store.add(run, listed(400))
        took = []
        for number in range(400):
            start = time.perf_counter()
            store.add(run, Read(database(number), users(number)))
            took.append(time.perf_counter() - start)

    # About 0.1 ms; so wide because the machine may be busy. A disk that is waited for takes more.
    assert median(took) < 0.002
