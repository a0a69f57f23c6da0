"""Where users are read from: each database's own list, the list of databases, or as a sample says.

The list of databases may bring users along. That takes no further request, but it tells their names
and roles only, and nobody documents that it has them all. So `auto` trusts it for an engine only
where it is the same as the databases' own lists in a sample.
"""

import asyncio
import enum
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol, runtime_checkable

import attrs

from dbusers.audit.inventory import Inventory
from dbusers.audit.records import DatabaseRecord, Engine, UserRecord
from dbusers.errors import DbusersError

# Databases of one engine whose lists are compared. If lists differ for one database in twenty, so
# many of them show it in 95 of 100 cases: 0.95 ** 59 = 0.048. Engines are sampled one by one, as
# what the list of databases has differs by engine.
SAMPLE: Final = 59
SAMPLED_AT_ONCE: Final = 10  # databases


class Source(enum.StrEnum):
    """Where users are read from."""

    USERS = "users"
    EMBEDDED = "embedded"
    AUTO = "auto"


@runtime_checkable
class EmbeddingInventory(Inventory, Protocol):
    """An inventory whose list of databases may bring their users along."""

    async def databases_with_embedded_users(
        self,
    ) -> Sequence[tuple[DatabaseRecord, tuple[UserRecord, ...] | None]]:
        """Return every database, with its users as far as the list tells; None: it does not."""


def reading_from(
    source: Source,
    inventory: Inventory,
    takes: Callable[[DatabaseRecord], bool] = lambda _: True,
) -> Inventory:
    """Return the inventory that reads users from `source`, of the databases that `takes` lets by.

    One that embeds no users is read by its databases' own lists, whatever the source.
    """
    if source is Source.USERS or not isinstance(inventory, EmbeddingInventory):
        return inventory
    if source is Source.EMBEDDED:
        return EmbeddedUsers(inventory)
    return SampledUsers(inventory, takes)


class EmbeddedUsers:
    """Takes the users that come with the list of databases, and asks only where it has none."""

    def __init__(self, inventory: EmbeddingInventory) -> None:
        self._inventory = inventory
        self._embedded: dict[str, tuple[UserRecord, ...] | None] | None = None
        self._listing = asyncio.Lock()

    @property
    def provider(self) -> str:
        """Return the provider's name, as people write it."""
        return self._inventory.provider

    async def databases(self) -> Sequence[DatabaseRecord]:
        """Return every database of the account, those without users included."""
        pairs = await self._inventory.databases_with_embedded_users()
        self._embedded = {database.id: users for database, users in pairs}
        return [database for database, _ in pairs]

    async def users(self, database: DatabaseRecord) -> Sequence[UserRecord]:
        """Return the users that came with the database; its own list if none did."""
        # A list that is missing is not an empty one.
        embedded = await self._users_that_came_with(database)
        return await self._inventory.users(database) if embedded is None else embedded

    def is_partial(self, database: DatabaseRecord) -> bool:
        """Tell whether a database's own list is not asked for: it may have more users, and more."""
        return self._embeds(database)

    def requests_to_list(self) -> int:
        """Return the least requests that `databases` takes."""
        return self._inventory.requests_to_list()

    def requests_for(self, databases: Sequence[DatabaseRecord]) -> int:
        """Return the requests that reading the users of these takes, at least."""
        if self._embedded is None and databases:  # of a run that is resumed
            return self.requests_to_list()
        return self._inventory.requests_for([each for each in databases if self._asks_for(each)])

    def _asks_for(self, database: DatabaseRecord) -> bool:
        """Tell whether a database's own list is asked for, as far as that is known."""
        return not self._embeds(database)

    def _embeds(self, database: DatabaseRecord) -> bool:
        return (self._embedded or {}).get(database.id) is not None

    async def _users_that_came_with(
        self, database: DatabaseRecord
    ) -> tuple[UserRecord, ...] | None:
        async with self._listing:
            if self._embedded is None:
                await self.databases()
        return (self._embedded or {}).get(database.id)


class SampledUsers(EmbeddedUsers):
    """Takes the users that come with the databases of an engine where a sample says it is safe.

    The sample is drawn from the databases that `takes` lets through, the same one every time.
    """

    def __init__(
        self, inventory: EmbeddingInventory, takes: Callable[[DatabaseRecord], bool]
    ) -> None:
        super().__init__(inventory)
        self._takes = takes
        self._samples: dict[Engine | str | None, _Sample] = {}

    async def databases(self) -> Sequence[DatabaseRecord]:
        """Return every database of the account, those without users included."""
        databases = await super().databases()
        told: dict[Engine | str | None, list[DatabaseRecord]] = {}
        for database in databases:
            if database.has_users and self._embeds(database) and self._takes(database):
                told.setdefault(database.engine, []).append(database)
        self._samples = {engine: _Sample(sample_of(found)) for engine, found in told.items()}
        return databases

    async def users(self, database: DatabaseRecord) -> Sequence[UserRecord]:
        """Return the users of a database: its own list, or what came with it where that is safe."""
        embedded = await self._users_that_came_with(database)
        sample = self._samples.get(database.engine)
        if embedded is None or sample is None:
            return await self._inventory.users(database)
        async with sample.reading:
            if sample.agrees is None:
                sample.agrees = await self._compare(sample)
        if database.id in sample.databases:
            return sample.users_of(database)
        return embedded if sample.agrees else await self._inventory.users(database)

    def is_partial(self, database: DatabaseRecord) -> bool:
        """Tell whether a database's own list is not asked for: it may have more users, and more."""
        sample = self._samples.get(database.engine)
        return sample is not None and sample.agrees is True and not self._asks_for(database)

    def _asks_for(self, database: DatabaseRecord) -> bool:
        sample = self._samples.get(database.engine)
        if sample is None or sample.agrees is False or database.id in sample.databases:
            return True
        return not self._embeds(database)

    async def _compare(self, sample: "_Sample") -> bool:
        """Read a sample, and tell whether all of it was read and is as the databases came."""
        few = asyncio.Semaphore(SAMPLED_AT_ONCE)

        async def agrees(database: DatabaseRecord) -> bool:
            try:
                async with few:
                    users = await self._inventory.users(database)
            except DbusersError as error:
                sample.read[database.id] = error
                return False
            sample.read[database.id] = users
            embedded = await self._users_that_came_with(database)
            return _names_and_roles(users) == _names_and_roles(embedded or ())

        async with asyncio.TaskGroup() as group:
            comparisons = [group.create_task(agrees(each)) for each in sample.databases.values()]
        return all(comparison.result() for comparison in comparisons)


@attrs.define(eq=False)
class _Sample:
    """The databases of one engine whose lists are compared, and what came of it."""

    databases: Mapping[str, DatabaseRecord]
    read: dict[str, Sequence[UserRecord] | DbusersError] = attrs.field(factory=dict)
    agrees: bool | None = None
    reading: asyncio.Lock = attrs.field(factory=asyncio.Lock)

    def users_of(self, database: DatabaseRecord) -> Sequence[UserRecord]:
        found = self.read[database.id]
        if isinstance(found, DbusersError):
            raise found
        return found


def sample_of(databases: Iterable[DatabaseRecord]) -> dict[str, DatabaseRecord]:
    """Return `SAMPLE` of the databases by id, or all if there are no more.

    Always the same ones, so that a run that is resumed comes out as one that was not; and by
    chance, as an id's hash has nothing to do with what the provider says of the database.
    """
    by_chance = sorted(databases, key=lambda each: hashlib.sha256(each.id.encode()).digest())
    return {database.id: database for database in by_chance[:SAMPLE]}


def _names_and_roles(users: Iterable[UserRecord]) -> set[tuple[str, bool | None]]:
    return {(user.name, user.built_in) for user in users}
