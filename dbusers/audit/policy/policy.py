"""`Policy`: what a file says, applied to databases."""

import heapq
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Self

import attrs

from dbusers.audit.checks import CHECKS
from dbusers.audit.findings import Check, DatabasePolicy, Finding, Suppression
from dbusers.audit.patterns import is_wild, matches, unescaped
from dbusers.audit.policy import stale
from dbusers.audit.policy.contents import NOTHING, Contents
from dbusers.audit.policy.reading import read_contents
from dbusers.audit.records import DatabaseRecord
from dbusers.audit.toml.document import Document


class _Index:
    """Positions by what they are about: thousands of entries name one database each."""

    def __init__(self, names: Iterable[tuple[str, ...] | None]) -> None:
        self._by_name: dict[str, list[int]] = {}
        self._about_any: list[int] = []
        for position, own in enumerate(names):
            if own is None:
                self._about_any.append(position)
            for name in own or ():
                self._by_name.setdefault(name, []).append(position)

    def about(self, *names: str) -> Iterator[int]:
        """Yield, in order, the positions that can be about one of the names."""
        found = (self._by_name.get(name, ()) for name in dict.fromkeys(names))
        return heapq.merge(*found, self._about_any)


@attrs.frozen
class Policy:
    """The policy of all databases. `Policy()` is nobody's: it says nothing of any of them."""

    contents: Contents = NOTHING
    _entries: _Index = attrs.field(init=False, repr=False, eq=False)
    _suppressions: _Index = attrs.field(init=False, repr=False, eq=False)

    @_entries.default
    def _index_entries(self) -> _Index:
        return _Index(entry.selector.ids for entry in self.contents.entries)

    @_suppressions.default
    def _index_suppressions(self) -> _Index:
        return _Index(
            None if is_wild(each.database) else (unescaped(each.database),)
            for each in self.contents.suppressions
        )

    @classmethod
    def load(cls, path: Path, checks: Iterable[Check] = CHECKS) -> Self:
        """Read a policy file; `checks` are those that it may speak of.

        Raises `ConfigurationError`, with one line `file:line: key: what is wrong` for each problem.
        """
        document = Document.read(path)
        contents = read_contents(
            document,
            (check.id for check in checks),
            (check.id for check in stale.POLICY_CHECKS),
        )
        document.raise_problems()
        return cls(contents)

    def of(self, database: DatabaseRecord) -> DatabasePolicy:
        """Return what holds for one database.

        Its suppressions are those about this database; the checks and users are still to be
        compared, and whether they expired.
        """
        if self.contents is NOTHING:
            return NOTHING.defaults
        entry = self._governing(database)
        policy = self.contents.defaults if entry is None else self.contents.entries[entry].policy
        suppressions = tuple(self._accepted(database))
        return attrs.evolve(policy, suppressions=suppressions) if suppressions else policy

    def unused(
        self,
        now: datetime,
        *,
        databases: Iterable[DatabaseRecord],
        used: Collection[Suppression],
        complete: bool,
    ) -> Iterator[Finding]:
        """Yield a finding for whatever in the policy no longer serves.

        `databases` are those of the run, `used` the suppressions that applied to a finding. Unless
        the run is `complete` (no account, database or check was left out, and all was read), it
        cannot tell what is unused, and says so instead.
        """
        governing = {self._governing(database) for database in databases}
        yield from stale.findings(
            self.contents,
            now,
            used=used,
            governing=governing,
            complete=complete,
        )

    def _governing(self, database: DatabaseRecord) -> int | None:
        """Return the position of the first entry that fits."""
        entries = self.contents.entries
        candidates = self._entries.about(database.id)
        return next((each for each in candidates if entries[each].selector.fits(database)), None)

    def _accepted(self, database: DatabaseRecord) -> Iterator[Suppression]:
        names = (database.name, database.id)
        for position in self._suppressions.about(*names):
            suppression = self.contents.suppressions[position]
            if any(matches(suppression.database, name) for name in names):
                yield suppression
