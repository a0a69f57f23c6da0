"""What the commands do at Scalingo."""

from typing import ClassVar

import attrs

from dbusers.absent import ABSENT
from dbusers.cli.output import Columns
from dbusers.cli.wishes import Change, Wishes
from dbusers.scalingo.client import ScalingoClient
from dbusers.scalingo.databases import UsersRequestBuilder
from dbusers.scalingo.models import DatabaseUser, FoundDatabase, UserCreate, UserUpdate


def rights(user: DatabaseUser) -> str:
    """Return what the user may do, as far as the answer says."""
    if user.protected:
        return "protected"
    if user.read_only is ABSENT or user.read_only is None:
        return ""
    return "read only" if user.read_only else "read and write"


def encryption(user: DatabaseUser) -> str:
    """Return how the password is kept, as far as the answer says."""
    attributes = user.dbms_attributes
    return attributes.password_encryption or "" if attributes else ""


@attrs.frozen
class ScalingoAccount:
    """An account at Scalingo, behind the commands; `app` is the app of the database, if known."""

    client: ScalingoClient
    app: str | None

    database_columns: ClassVar[Columns] = {
        "ID": lambda database: database.id,
        "App": lambda database: database.app,
        "Engine": lambda database: database.engine or "",
        "Status": lambda database: database.addon.status or "",
    }
    user_columns: ClassVar[Columns] = {
        "Name": lambda user: user.name,
        "Rights": rights,
        "Password kept as": encryption,
    }
    secret_columns: ClassVar[Columns] = {
        "Password": lambda user: user.password.reveal() if user.password else "not in the answer",
    }

    async def databases(self) -> list[FoundDatabase]:
        """Return all databases of all apps, or of the one app."""
        found = await self.client.databases.get()
        return [database for database in found if self.app in (None, database.app)]

    async def users(self, database: str) -> list[DatabaseUser]:
        """Return all users of a database."""
        return await self._users(database).get()

    async def user(self, database: str, name: str) -> DatabaseUser:
        """Return one user, picked from the list."""
        return await self._users(database).by_username(name).get()

    async def create(self, database: str, name: str, wishes: Wishes) -> DatabaseUser:
        """Create a user and return it with its password."""
        wishes.refuse_all_but("read_only", "password", because="not at Scalingo")
        body = UserCreate(
            name=name,
            read_only=ABSENT if wishes.read_only is None else wishes.read_only,
            password=wishes.password or ABSENT,
        )
        return await self._users(database).post(body)

    async def plan(self, database: str, name: str, wishes: Wishes) -> Change:
        """Return the update that gives the user the wished password, or a generated one."""
        wishes.refuse_all_but("password", because="Scalingo updates nothing but the password")
        body = UserUpdate(password=wishes.password or ABSENT)
        return Change(body, loses=("its present password",), makes_a_password=True)

    async def update(self, database: str, name: str, change: Change) -> DatabaseUser:
        """Change the password and return the user with it."""
        return await self._users(database).by_username(name).patch(change.body)

    async def delete(self, database: str, name: str) -> None:
        """Remove a user."""
        await self._users(database).by_username(name).delete()

    async def reset(self, database: str, name: str, wishes: Wishes) -> DatabaseUser:
        """Make a new password for a user and return the user with it."""
        wishes.refuse_all_but(because="a reset does not change it")
        return await self._users(database).by_username(name).reset_password.post()

    def _users(self, database: str) -> UsersRequestBuilder:
        return self.client.databases.by_id(database, self.app).users
