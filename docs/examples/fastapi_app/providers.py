"""The two providers behind one face: what the app does with users, and no more."""

from typing import Annotated, Protocol

from fastapi import Depends

from dbusers import DigitalOceanClient, ScalingoClient, digitalocean, scalingo
from dbusers.audit import DatabaseRecord, UserRecord
from dbusers.digitalocean.inventory import DigitalOceanInventory
from dbusers.digitalocean.inventory import user_record as digitalocean_record
from dbusers.fastapi import DigitalOcean, Scalingo
from dbusers.scalingo.inventory import ScalingoInventory
from dbusers.scalingo.inventory import user_record as scalingo_record

from .models import Credentials, Database, ProviderName, User


class Provider(Protocol):
    """What the app asks of a provider."""

    async def databases(self) -> list[Database]:
        """Return every database that the token can see."""

    async def users(self, database: str) -> list[User]:
        """Return the users of a database."""

    async def create(self, database: str, name: str) -> Credentials:
        """Create a user."""

    async def rotate(self, database: str, name: str) -> Credentials:
        """Give a user a new password; the old one is void."""

    async def delete(self, database: str, name: str) -> None:
        """Remove a user."""


class AtDigitalOcean:
    """Clusters and their users."""

    def __init__(self, client: DigitalOceanClient) -> None:
        self._client = client

    async def databases(self) -> list[Database]:
        """Return every cluster."""
        found = await DigitalOceanInventory(self._client).databases()
        return [_database(record) for record in found]

    async def users(self, database: str) -> list[User]:
        """Return the users of a cluster."""
        users = await self._client.databases.by_id(database).users.get()
        return [_user(digitalocean_record(user)) for user in users]

    async def create(self, database: str, name: str) -> Credentials:
        """Create a user."""
        users = self._client.databases.by_id(database).users
        return _credentials(await users.post(digitalocean.UserCreate(name)))

    async def rotate(self, database: str, name: str) -> Credentials:
        """Give a user a new password."""
        user = self._client.databases.by_id(database).users.by_username(name)
        return _credentials(await user.reset_auth.post())

    async def delete(self, database: str, name: str) -> None:
        """Remove a user."""
        await self._client.databases.by_id(database).users.by_username(name).delete()


class AtScalingo:
    """Databases of apps, and their users.

    Without `app` a database is looked for among all apps, at a request for each.
    """

    def __init__(self, client: ScalingoClient, app: str | None) -> None:
        self._client = client
        self._app = app

    async def databases(self) -> list[Database]:
        """Return every database of every app."""
        found = await ScalingoInventory(self._client).databases()
        return [_database(record, app=record.name) for record in found]

    async def users(self, database: str) -> list[User]:
        """Return the users of a database."""
        users = await self._client.databases.by_id(database, app=self._app).users.get()
        return [_user(scalingo_record(user)) for user in users]

    async def create(self, database: str, name: str) -> Credentials:
        """Create a user."""
        users = self._client.databases.by_id(database, app=self._app).users
        return _credentials(await users.post(scalingo.UserCreate(name)))

    async def rotate(self, database: str, name: str) -> Credentials:
        """Give a user a new password."""
        users = self._client.databases.by_id(database, app=self._app).users
        return _credentials(await users.by_username(name).reset_password.post())

    async def delete(self, database: str, name: str) -> None:
        """Remove a user."""
        users = self._client.databases.by_id(database, app=self._app).users
        await users.by_username(name).delete()


def provider_of(
    provider: ProviderName,
    digitalocean_client: DigitalOcean,
    scalingo_client: Scalingo,
    app: str | None = None,
) -> Provider:
    """Return the provider that the path names."""
    if provider is ProviderName.DIGITALOCEAN:
        return AtDigitalOcean(digitalocean_client)
    return AtScalingo(scalingo_client, app)


AtProvider = Annotated[Provider, Depends(provider_of)]


def _database(record: DatabaseRecord, *, app: str | None = None) -> Database:
    return Database(
        id=record.id, name=record.name, engine=record.engine, app=app, has_users=record.has_users
    )


def _user(record: UserRecord) -> User:
    return User(name=record.name, built_in=bool(record.built_in))


def _credentials(user: digitalocean.DatabaseUser | scalingo.DatabaseUser) -> Credentials:
    # Here, and only here, a password leaves its Secret: for who has just made it.
    return Credentials(name=user.name, password=user.password.reveal() if user.password else None)
