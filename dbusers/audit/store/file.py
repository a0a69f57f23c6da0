"""The SQLite file under the store: opened, locked, its tables, and its errors in our words."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dbusers.errors import ConfigurationError

APPLICATION_ID: Final = 0x64627573  # "dbus", in the file's header: the file is a store
SCHEMA_VERSION: Final = 2
LOCK_TIMEOUT = 1.0  # seconds; who holds the lock longer than this is auditing

TABLES: Final = (
    # `number` is the order of the runs; two of them may have begun in the same second.
    """
    CREATE TABLE runs (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        started TEXT NOT NULL,
        finished TEXT,
        source TEXT NOT NULL,
        version TEXT NOT NULL,
        shard TEXT,
        filtered INTEGER NOT NULL DEFAULT 0,
        complete INTEGER NOT NULL DEFAULT 0,
        drift INTEGER NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE TABLE severities (
        run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        severity INTEGER NOT NULL,
        findings INTEGER NOT NULL,
        PRIMARY KEY (run, severity)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE accounts (
        run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        account TEXT NOT NULL,
        provider TEXT NOT NULL,
        listed INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        requests INTEGER,
        planned INTEGER,
        floor REAL,
        seconds REAL NOT NULL DEFAULT 0,
        PRIMARY KEY (run, account, provider)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE databases (
        run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        account TEXT NOT NULL,
        provider TEXT NOT NULL,
        id TEXT NOT NULL,
        record TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('listed', 'read', 'failed', 'skipped')),
        users TEXT,
        user_count INTEGER NOT NULL DEFAULT 0,
        partial INTEGER NOT NULL DEFAULT 0,
        reason TEXT,
        error_type TEXT,
        retryable INTEGER NOT NULL DEFAULT 0,
        requests INTEGER,
        seconds REAL NOT NULL DEFAULT 0,
        PRIMARY KEY (run, account, provider, id)
    )
    """,
    # What a database was in another run is looked up whatever its account was called then.
    "CREATE INDEX readings ON databases (provider, id, run)",
)
# What makes a store of each version one of the next.
MIGRATIONS: Final = {
    1: (
        "ALTER TABLE accounts ADD COLUMN planned INTEGER",
        "ALTER TABLE accounts ADD COLUMN floor REAL",
        "ALTER TABLE accounts ADD COLUMN seconds REAL NOT NULL DEFAULT 0",
        "ALTER TABLE databases ADD COLUMN requests INTEGER",
        "ALTER TABLE databases ADD COLUMN seconds REAL NOT NULL DEFAULT 0",
    ),
}


def open_file(path: Path) -> sqlite3.Connection:
    """Open a store, or make one that only its owner can read, and keep everybody else out of it.

    The lock is held until the connection is closed or the process ends, however it does. Raises
    `ConfigurationError` if another process has it, or if the file is no store or a newer one.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise ConfigurationError(
            f"{path}: {error.strerror}: no store can be opened there"
        ) from None
    connection = sqlite3.connect(path, timeout=LOCK_TIMEOUT, isolation_level=None)
    try:
        with in_our_words(path):
            _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def in_our_words(path: Path) -> Iterator[None]:
    """Raise a `ConfigurationError` for what SQLite says of the file; defects stay as they are."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
        if name.startswith(("SQLITE_ERROR", "SQLITE_CONSTRAINT", "SQLITE_MISUSE")):
            raise  # a call that makes no sense is not the file's fault
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            problem = "another audit is using this store: wait for it, or give this one its own"
        elif name == "SQLITE_NOTADB":
            problem = "this file is not a store of audits"
        elif name.startswith("SQLITE_CORRUPT"):
            problem = "this store is damaged: move it away, and audit anew"
        else:
            problem = f"the store cannot be used: {error}"
        raise ConfigurationError(f"{path}: {problem}") from error


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    # In this mode whoever came first keeps the lock; the system frees it, even after `kill -9`.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    version = _version(connection, path)
    if not version:
        connection.execute("PRAGMA auto_vacuum = FULL")
    # With a write-ahead log a killed process loses nothing that was committed without waiting for
    # the disk at every commit; a machine that loses power may lose the last databases read.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    with transaction(connection):
        for statement in _statements_from(version):
            connection.execute(statement)


def _statements_from(version: int) -> Iterator[str]:
    """Yield what makes a store of this version out of one of another, 0 being none."""
    if not version:
        yield from TABLES
        yield f"PRAGMA application_id = {APPLICATION_ID}"
    for older in range(version or SCHEMA_VERSION, SCHEMA_VERSION):
        yield from MIGRATIONS[older]
    if version != SCHEMA_VERSION:
        yield f"PRAGMA user_version = {SCHEMA_VERSION}"


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return a store's version, 0 for an empty file; raise if it is neither, or a newer one."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables and not application:
        return 0
    if application != APPLICATION_ID:
        raise ConfigurationError(f"{path}: this file is not a store of audits")
    if version > SCHEMA_VERSION:
        raise ConfigurationError(
            f"{path}: this store was written by a newer dbusers (its schema is {version}, this "
            f"version knows {SCHEMA_VERSION}): upgrade, or use another store"
        )
    return int(version)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit all that is done inside, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # SQLite itself has ended it where the disk is full
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
