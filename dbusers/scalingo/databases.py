"""Builders for Scalingo's databases and their users: one class for each path.

Each verb takes an optional `RequestConfiguration` and raises an error of `dbusers.errors`. Calls
below `by_id` need the bearer of that database, which the client fetches through the app that it
belongs to; where `app` is not given it is looked up once.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from dbusers import codec
from dbusers.adapter import Adapter
from dbusers.builder import RequestBuilder
from dbusers.errors import InvalidRequest, NotFound, UnexpectedBody
from dbusers.paging import all_pages
from dbusers.request import Repeat, RequestConfiguration, RequestInformation
from dbusers.response import Response
from dbusers.scalingo.apps import AppsRequestBuilder
from dbusers.scalingo.auth import Hosts, TokenChain
from dbusers.scalingo.models import (
    Addon,
    Database,
    DatabaseUser,
    DedicatedDatabase,
    FoundDatabase,
    UserCreate,
    UserUpdate,
)
from dbusers.scalingo.paging import next_page
from dbusers.secret import Secret
from dbusers.urls import fill

ADDONS_AT_ONCE: Final = 10  # apps whose addons are asked for side by side


class DatabasesRequestBuilder(RequestBuilder):
    """The databases of the account: `/v1/databases`, apps and addons on the platform host."""

    url_template = "/v1/databases"

    __slots__ = ("_hosts", "_tokens")

    def __init__(self, adapter: Adapter, hosts: Hosts, tokens: TokenChain) -> None:
        super().__init__(adapter, hosts.api, {})
        self._hosts = hosts
        self._tokens = tokens

    async def get(self, configuration: RequestConfiguration | None = None) -> list[FoundDatabase]:
        """Return every database of the account, found over its apps; all of them or an error.

        `GET /v1/databases`, `GET /v1/apps` and `GET /v1/apps/{app}/addons` for each app, bearer of
        the platform; `configuration` counts for each of these requests. Every addon is taken for a
        database, whatever its engine: one that this SDK does not know is not passed over.
        """
        dedicated: list[DedicatedDatabase]
        request = self.to_get_request_information(configuration)
        dedicated, _ = await all_pages(
            self.adapter, request, next_page, DedicatedDatabase, "databases"
        )
        apps = AppsRequestBuilder(self.adapter, self.base_url, {})
        dedicated_names = {database.name for database in dedicated}
        names = dedicated_names | {app.name for app in await apps.get(configuration)}
        _refuse_what_cannot_be_asked_for(names)
        found: list[FoundDatabase] = []
        one_of_few = asyncio.Semaphore(ADDONS_AT_ONCE)

        async def find(app: str) -> None:
            async with one_of_few:
                addons = await apps.by_name(app).addons.get(configuration)
            for addon in addons:
                if not addon.deprovisioned_at:
                    found.append(_found(addon, app, dedicated=app in dedicated_names))
                    self._tokens.remember_app(addon.id, app)

        try:
            async with asyncio.TaskGroup() as group:
                for app in sorted(names):
                    group.create_task(find(app))
        except ExceptionGroup as errors:
            error = errors.exceptions[0]
        else:
            return sorted(found, key=lambda database: (database.app, database.id))
        raise error

    def to_get_request_information(
        self, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the first request of `get`, unsent: the one for dedicated databases."""
        return self._information("GET", configuration)

    def by_id(self, db: str, app: str | None = None) -> "DatabaseRequestBuilder":
        """Return the builder of one database; its id is the id of its addon.

        `app` is the app it belongs to. Without it the first call looks for it among all apps.
        """
        if app is not None:
            self._tokens.remember_app(db, app)
        return DatabaseRequestBuilder(self.adapter, self._hosts.database_api, {"db": db})


def _refuse_what_cannot_be_asked_for(apps: Iterable[str]) -> None:
    try:
        for app in apps:
            fill("/{app}", {"app": app})
    except InvalidRequest as error:
        problem = f"the provider lists an app that no URL can name: {error.message}"
    else:
        return
    raise UnexpectedBody(problem, problems=(problem,))


class DatabaseRequestBuilder(RequestBuilder):
    """One database: `/api/databases/{db}` on the database host."""

    url_template = "/api/databases/{db}"

    __slots__ = ()

    async def get(self, configuration: RequestConfiguration | None = None) -> Database:
        """Return the database. `GET /api/databases/{db}`, bearer of the database."""
        request = self.to_get_request_information(configuration)
        database: Database = (await self.adapter.send(request)).read(Database, "database")
        return database

    def to_get_request_information(
        self, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `get`, unsent."""
        return self._information("GET", configuration)

    @property
    def users(self) -> "UsersRequestBuilder":
        """Return the builder of the database's users."""
        return UsersRequestBuilder(self.adapter, self.base_url, self.path_parameters)


class UsersRequestBuilder(RequestBuilder):
    """The users of a database: `/api/databases/{db}/users` on the database host.

    PostgreSQL, MySQL, MongoDB and InfluxDB have them; other engines refuse every call.
    """

    url_template = "/api/databases/{db}/users"

    __slots__ = ()

    async def get(self, configuration: RequestConfiguration | None = None) -> list[DatabaseUser]:
        """Return all users of the database, the protected one included.

        `GET /api/databases/{db}/users`, bearer of the database.
        """
        users, _ = await _users(self.adapter, self.to_get_request_information(configuration))
        return users

    def to_get_request_information(
        self, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `get`, unsent."""
        return self._information("GET", configuration)

    async def post(
        self, body: UserCreate, configuration: RequestConfiguration | None = None
    ) -> DatabaseUser:
        """Create a user and return it with its password, which is never shown again.

        `POST /api/databases/{db}/users`, bearer of the database. Repeated only where it cannot
        have been processed.
        """
        request = self.to_post_request_information(body, configuration)
        return _user(await self.adapter.send(request))

    def to_post_request_information(
        self, body: UserCreate, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `post`, unsent."""
        if not body.name:
            raise InvalidRequest("UserCreate: name is empty")
        return self._information(
            "POST",
            configuration,
            content=_body(body, self.path_parameters["db"]),
            secrets=_secrets(body),
        )

    def by_username(self, username: str) -> "UserRequestBuilder":
        """Return the builder of one user."""
        parameters = {**self.path_parameters, "username": username}
        return UserRequestBuilder(self.adapter, self.base_url, parameters)


class UserRequestBuilder(RequestBuilder):
    """One user: `/api/databases/{db}/users/{username}` on the database host."""

    url_template = "/api/databases/{db}/users/{username}"

    __slots__ = ()

    async def get(self, configuration: RequestConfiguration | None = None) -> DatabaseUser:
        """Return the user, picked from the list: the API has no call for a single one.

        `GET /api/databases/{db}/users`, bearer of the database. Raises `NotFound` if the list does
        not have the user.
        """
        request = self.to_get_request_information(configuration)
        users, answer = await _users(self.adapter, request)
        name = self.path_parameters["username"]
        for user in users:
            if user.name == name:
                return user
        raise NotFound(
            f"no user {name!r} in database {self.path_parameters['db']!r}",
            **{**answer.facts(), "status": 404},
        )

    def to_get_request_information(
        self, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `get`, unsent: that for the list of users."""
        fill(self.url_template, self.path_parameters)  # the name is not sent, but must be one
        users = UsersRequestBuilder(self.adapter, self.base_url, self.path_parameters)
        if self._raw_url is not None:
            users = users.with_url(self._raw_url)
        return users.to_get_request_information(configuration)

    async def patch(
        self, body: UserUpdate, configuration: RequestConfiguration | None = None
    ) -> DatabaseUser:
        """Give the user another password and return the user with it.

        `PATCH /api/databases/{db}/users/{username}`, bearer of the database. The protected user
        cannot be changed. Repeated only where it cannot have been processed.
        """
        request = self.to_patch_request_information(body, configuration)
        return _user(await self.adapter.send(request))

    def to_patch_request_information(
        self, body: UserUpdate, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `patch`, unsent."""
        return self._information(
            "PATCH",
            configuration,
            content=_body(body, self.path_parameters["db"]),
            secrets=_secrets(body),
        )

    async def delete(self, configuration: RequestConfiguration | None = None) -> None:
        """Remove the user.

        `DELETE /api/databases/{db}/users/{username}`, bearer of the database. The protected user
        cannot be removed. Raises `NotFound` if there was none, unless an earlier attempt of this
        very call, whose answer was lost, may have removed it.
        """
        (await self.adapter.send(self.to_delete_request_information(configuration))).done()

    def to_delete_request_information(
        self, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `delete`, unsent."""
        return self._information("DELETE", configuration)

    @property
    def reset_password(self) -> "ResetPasswordRequestBuilder":
        """Return the builder that rotates the user's password."""
        return ResetPasswordRequestBuilder(self.adapter, self.base_url, self.path_parameters)


class ResetPasswordRequestBuilder(RequestBuilder):
    """A user's password: `/api/databases/{db}/users/{username}/reset_password`."""

    url_template = "/api/databases/{db}/users/{username}/reset_password"

    __slots__ = ()

    async def post(self, configuration: RequestConfiguration | None = None) -> DatabaseUser:
        """Make a new password for the user and return the user with it; the old one is void.

        `POST /api/databases/{db}/users/{username}/reset_password`, bearer of the database. Never
        repeated once it was sent: a lost answer means that the password may have changed.
        """
        return _user(await self.adapter.send(self.to_post_request_information(configuration)))

    def to_post_request_information(
        self, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `post`, unsent."""
        return self._information("POST", configuration, repeat=Repeat.IF_UNSENT)


def _found(addon: Addon, app: str, *, dedicated: bool) -> FoundDatabase:
    engine = None
    if addon.addon_provider:
        engine = addon.addon_provider.id.removeprefix("scalingo-").removesuffix("-ng")
    return FoundDatabase(id=addon.id, app=app, engine=engine, dedicated=dedicated, addon=addon)


async def _users(
    adapter: Adapter, request: RequestInformation
) -> tuple[list[DatabaseUser], Response]:
    # Documented with a hyphen; the underscore of all other keys is accepted too.
    return await all_pages(
        adapter, request, next_page, DatabaseUser, "database-users", "database_users"
    )


def _user(response: Response) -> DatabaseUser:
    # Documented bare, read under the key by the provider's own clients.
    user: DatabaseUser = response.read(DatabaseUser, "database_user", bare=True)
    return user


def _body(body: UserCreate | UserUpdate, db: str) -> bytes:
    beside = {"database_id": db, "password_confirmation": body.password}
    return codec.encode(body, under="database_user", beside=beside)


def _secrets(body: UserCreate | UserUpdate) -> tuple[Secret, ...]:
    return (body.password,) if body.password else ()
