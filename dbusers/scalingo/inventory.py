"""Scalingo's databases and users in the audit's words."""

from collections.abc import Sequence
from typing import Final

import attrs

from dbusers.audit.records import DatabaseRecord, Engine, UserRecord, make_user
from dbusers.scalingo.client import ScalingoClient
from dbusers.scalingo.models import DatabaseUser, FoundDatabase

PROVIDER: Final = "Scalingo"
# Scalingo manages the users of the other engines that it offers. One that is new is asked: if it
# has none it refuses, which is reported, whereas users that nobody asked for would be missed.
WITHOUT_USERS: Final = frozenset({Engine.REDIS, Engine.ELASTICSEARCH, Engine.OPENSEARCH})


@attrs.frozen
class ScalingoInventory:
    """The databases and users that a client's API token can see.

    Finding the databases takes two requests and one per app, their users two per database: its
    bearer and the list.
    """

    client: ScalingoClient = attrs.field(repr=False)

    @property
    def provider(self) -> str:
        """Return "Scalingo"."""
        return PROVIDER

    async def databases(self) -> list[DatabaseRecord]:
        """Return every database of every app. Needs the API token."""
        return [database_record(database) for database in await self.client.databases.get()]

    async def users(self, database: DatabaseRecord) -> list[UserRecord]:
        """Return every user of a database that `databases` returned, now or in an earlier run."""
        # The app is named, so that an earlier run's database is not looked for among all apps.
        users = await self.client.databases.by_id(database.id, app=database.name).users.get()
        return [user_record(user) for user in users]

    def requests_to_list(self) -> int:
        """Return 3: the platform's bearer, dedicated databases and apps; then one for each app."""
        return 3

    def requests_to_begin(self) -> int:
        """Return 1: the platform's bearer; runs of more than 55 minutes renew it."""
        return 1

    def requests_for(self, databases: Sequence[DatabaseRecord]) -> int:
        """Return two for each database that has users: its bearer and the list."""
        return 2 * sum(database.has_users for database in databases)


def database_record(database: FoundDatabase) -> DatabaseRecord:
    """Return what the audit knows of a database, under the name of its app."""
    known = Engine.of(database.engine) if database.engine else None
    return DatabaseRecord(
        provider=PROVIDER,
        id=database.id,
        name=database.app,
        engine=known or database.engine,
        status=database.addon.status or None,
        has_users=known not in WITHOUT_USERS,
    )


def user_record(user: DatabaseUser) -> UserRecord:
    """Return what the audit knows of a user; a password stays behind."""
    attributes = user.dbms_attributes
    return make_user(
        user.name,
        built_in=user.protected if isinstance(user.protected, bool) else None,
        password_encryption=(attributes.password_encryption or None) if attributes else None,
        read_only=user.read_only if isinstance(user.read_only, bool) else None,
        secrets_visible=bool(user.password),
    )
