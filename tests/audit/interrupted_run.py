"""A program that reads a fleet into a store, and goes on with the last run where there is one.

It says after each outcome that it is kept, and takes a line as leave to go on: so it is never far
ahead of who reads what it says. `test_store_killed` kills it.
"""

import sys
from collections.abc import Callable

from dbusers.audit.store import Store
from tests.audit.stored_fleet import ACCOUNTS, HOUR, STARTED, listed, outcome


def read_on(path: str, count: int, go_on: Callable[[], object] = lambda: None) -> None:
    """Read what is not in the store yet, and finish the run."""
    with Store.open(path) as store:
        last = store.latest()
        run = store.begin(STARTED, ACCOUNTS) if last is None else store.resume(last)
        for account in ACCOUNTS.keys() - store.listed(run):
            store.add(run, listed(count, account))
            print("listed", account, flush=True)
            go_on()
        for database in list(store.pending(run)):
            number = int(database.id.rpartition("-")[2])
            store.add(run, outcome(number, database.account))
            print("kept", database.id, flush=True)
            go_on()
        store.finish(run, STARTED + HOUR)


if __name__ == "__main__":
    read_on(sys.argv[1], int(sys.argv[2]), sys.stdin.readline)
