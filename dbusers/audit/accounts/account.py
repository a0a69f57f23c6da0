"""`Account`: the databases of one account that an audit reads, and the token that it reads by."""

from collections.abc import Hashable, Sequence
from typing import Protocol, runtime_checkable

import attrs

from dbusers.audit.accounts.metering import Meter
from dbusers.audit.accounts.selection import EVERYTHING, Selection
from dbusers.audit.accounts.sources import EmbeddedUsers, SampledUsers, Source, reading_from
from dbusers.audit.inventory import Inventory
from dbusers.audit.records import DatabaseRecord, UserRecord
from dbusers.windows import Window


@runtime_checkable
class BearerInventory(Inventory, Protocol):
    """An inventory whose client needs a bearer, fetched by a request, before anything else."""

    def requests_to_begin(self) -> int:
        """Return the requests for that bearer; those of listing include them."""


@attrs.define(eq=False)
class Account:
    """One account of an audit; it is itself an `Inventory`, of what `selection` takes.

    - `name`: how reports call it; unique in an audit. Every record carries it.
    - `token`: the same for accounts that share one token, so also its budget: `windows`.
    - `meter`: counts what is sent for the account; None counts nothing.
    - `pending`: the databases that are still to be read, where an earlier run listed the account;
      None has it listed.
    """

    name: str
    inventory: Inventory = attrs.field(repr=False)
    selection: Selection = EVERYTHING
    windows: tuple[Window, ...] = ()
    token: Hashable = attrs.field(factory=object, repr=False)
    meter: Meter | None = attrs.field(default=None, repr=False)
    pending: tuple[DatabaseRecord, ...] | None = attrs.field(default=None, repr=False)
    left_out: int = attrs.field(default=0, init=False)
    """Databases that `selection` did not take, when it was listed."""
    _listing: int | None = attrs.field(default=None, init=False)

    @classmethod
    def of(cls, inventory: Inventory) -> "Account":
        """Return the account itself, or all of an inventory under its provider's name."""
        return inventory if isinstance(inventory, Account) else cls(inventory.provider, inventory)

    @property
    def provider(self) -> str:
        """Return the provider's name, as people write it."""
        return self.inventory.provider

    @property
    def sent(self) -> int | None:
        """Return how many requests were sent for the account, repeated ones and bearers included.

        None if nobody counts.
        """
        return None if self.meter is None else self.meter.sent

    async def databases(self) -> Sequence[DatabaseRecord]:
        """Return the databases to be read. Raises a `DbusersError` if they cannot be listed."""
        if self.pending is not None:
            return self.pending
        before = self.sent
        found = await self.inventory.databases()
        if before is not None and self.sent is not None:
            self._listing = self.sent - before
        taken = [
            attrs.evolve(database, account=self.name)
            for database in found
            if self.selection.takes(database)
        ]
        self.left_out = len(found) - len(taken)
        return taken

    async def users(self, database: DatabaseRecord) -> Sequence[UserRecord]:
        """Return every user of one database. Raises a `DbusersError` if they cannot be read."""
        return await self.inventory.users(database)

    def requests_to_list(self) -> int:
        """Return the requests that listing took; before it, the least that it can take.

        Of an account that was listed in an earlier reading it is what comes before the rest.
        """
        if self.pending is not None:
            asks = self.inventory.requests_for(self.pending) > 0
            if asks and isinstance(self.inventory, BearerInventory):
                return self.inventory.requests_to_begin()
            return 0
        return self.inventory.requests_to_list() if self._listing is None else self._listing

    def requests_for(self, databases: Sequence[DatabaseRecord]) -> int:
        """Return the requests that reading the users of these databases takes."""
        return self.inventory.requests_for(databases)

    def reading_from(self, source: Source) -> "Account":
        """Return the account, with its users read from `source`."""
        inventory = reading_from(source, self.inventory, self.selection.takes)
        return attrs.evolve(self, inventory=inventory)

    def is_partial(self, database: DatabaseRecord) -> bool:
        """Tell whether what was read of a database is not its own list of users."""
        return isinstance(self.inventory, EmbeddedUsers) and self.inventory.is_partial(database)

    @property
    def is_sampled(self) -> bool:
        """Tell whether it is only known on the way how many requests the account takes."""
        return isinstance(self.inventory, SampledUsers)
