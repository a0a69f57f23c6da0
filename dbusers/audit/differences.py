"""What became of databases and their users from one run of a store to another."""

from collections.abc import Iterator
from enum import StrEnum

import attrs

from dbusers.audit.drift import Change, changes
from dbusers.audit.records import DatabaseRecord
from dbusers.audit.report.model import DatabaseRow
from dbusers.audit.store import Store
from dbusers.audit.store.rows import Run


class DifferenceKind(StrEnum):
    """What became of a database.

    `UNKNOWN`: one of the runs did not read it, or not in full, so nothing can be said of its users.
    """

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    UNKNOWN = "unknown"


@attrs.frozen
class Difference:
    """A database that is not as it was; `changes` are those of its users, by name.

    An added database was not listed by the old run, a removed one not by the new one: it may be
    that they read different accounts. `database` is as the newer of them knows it. `detail` says
    why nothing is known.
    """

    database: DatabaseRecord
    kind: DifferenceKind
    changes: tuple[Change, ...] = ()
    detail: str = ""


def differences(store: Store, old: Run, new: Run) -> Iterator[Difference]:
    """Yield what changed, one database at a time; a database that is as it was is left out.

    First all of the new run, in order of account, provider and id, then those that are gone.
    """
    for after, before in store.with_counterparts(new, old):
        if before is None:
            yield Difference(after.database, DifferenceKind.ADDED, _changes(None, after))
        elif reason := _unknown(old, before) or _unknown(new, after):
            yield Difference(after.database, DifferenceKind.UNKNOWN, detail=reason)
        elif changed := _changes(before, after):
            yield Difference(after.database, DifferenceKind.CHANGED, changed)
    for gone, still_there in store.with_counterparts(old, new):
        if still_there is None:
            yield Difference(gone.database, DifferenceKind.REMOVED, _changes(gone, None))


def _unknown(run: Run, reading: DatabaseRow) -> str:
    if reading.partial:
        return f"{run.id} read a list that need not have all users"
    if reading.users is not None or reading.skipped is not None:
        return ""
    return f"not read by {run.id}: {reading.error or 'it ended before'}"


def _changes(before: DatabaseRow | None, after: DatabaseRow | None) -> tuple[Change, ...]:
    old, new = (() if each is None else each.users or () for each in (before, after))
    return tuple(changes(old, new))
