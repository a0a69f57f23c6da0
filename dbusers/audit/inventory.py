"""`Inventory`: what an audit needs of a provider."""

from collections.abc import Sequence
from typing import Protocol

from dbusers.audit.records import DatabaseRecord, UserRecord


class Inventory(Protocol):
    """The databases and users of one account. Both calls raise a `DbusersError` or are complete."""

    @property
    def provider(self) -> str:
        """Return the provider's name, as people write it."""

    async def databases(self) -> Sequence[DatabaseRecord]:
        """Return every database of the account, those without users included."""

    async def users(self, database: DatabaseRecord) -> Sequence[UserRecord]:
        """Return every user of one database."""
