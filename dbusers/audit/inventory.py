"""`Inventory`: what an audit needs of a provider."""

from collections.abc import Sequence
from typing import Protocol

from dbusers.audit.records import DatabaseRecord, UserRecord


class Inventory(Protocol):
    """The databases and users of one account. Reading raises a `DbusersError` or is complete."""

    @property
    def provider(self) -> str:
        """Return the provider's name, as people write it."""

    async def databases(self) -> Sequence[DatabaseRecord]:
        """Return every database of the account, those without users included."""

    async def users(self, database: DatabaseRecord) -> Sequence[UserRecord]:
        """Return every user of one database."""

    def requests_to_list(self) -> int:
        """Return the least requests that `databases` takes."""

    def requests_for(self, databases: Sequence[DatabaseRecord]) -> int:
        """Return the requests that reading the users of these databases takes."""
