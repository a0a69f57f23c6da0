"""Builders for DigitalOcean's databases and their users: one class for each path.

Each verb takes an optional `RequestConfiguration` and raises an error of `dbusers.errors`: what a
refusal means is told by its class and message, and no verb repeats what could do harm twice.
"""

from typing import Any

import attrs

from dbusers import codec
from dbusers.auth import origin
from dbusers.builder import RequestBuilder
from dbusers.codec import Problem
from dbusers.digitalocean.models import (
    DatabaseCluster,
    DatabaseUser,
    ResetAuth,
    UserCreate,
    UserUpdate,
)
from dbusers.errors import InvalidRequest
from dbusers.paging import all_pages
from dbusers.request import Repeat, RequestConfiguration, RequestInformation
from dbusers.response import Response

EMPTY_RESET = ResetAuth()


@attrs.frozen
class DatabasesQuery:
    """Query parameters of the list of clusters."""

    tag_name: str | None = None
    """Only clusters with this tag."""


class DatabasesRequestBuilder(RequestBuilder):
    """The clusters: `/v2/databases`."""

    url_template = "/v2/databases"

    __slots__ = ()

    async def get(self, configuration: RequestConfiguration | None = None) -> list[DatabaseCluster]:
        """Return all clusters; an empty list if there are none.

        `GET /v2/databases`, scope `database:read`. Query: `DatabasesQuery`.
        """
        request = self.to_get_request_information(configuration)
        clusters, _ = await all_pages(
            self.adapter, request, _next_page, DatabaseCluster, "databases"
        )
        return clusters

    def to_get_request_information(
        self, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `get`, unsent."""
        return self._information("GET", configuration)

    def by_id(self, database_cluster_uuid: str) -> "DatabaseRequestBuilder":
        """Return the builder of one cluster."""
        parameters = {**self.path_parameters, "database_cluster_uuid": database_cluster_uuid}
        return DatabaseRequestBuilder(self.adapter, self.base_url, parameters)


class DatabaseRequestBuilder(RequestBuilder):
    """One cluster: `/v2/databases/{database_cluster_uuid}`."""

    url_template = "/v2/databases/{database_cluster_uuid}"

    __slots__ = ()

    async def get(self, configuration: RequestConfiguration | None = None) -> DatabaseCluster:
        """Return the cluster.

        `GET /v2/databases/{database_cluster_uuid}`, scope `database:read`; the connections' secrets
        are there only with `database:view_credentials`.
        """
        request = self.to_get_request_information(configuration)
        cluster: DatabaseCluster
        cluster = (await self.adapter.send(request)).read(DatabaseCluster, "database")
        return cluster

    def to_get_request_information(
        self, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `get`, unsent."""
        return self._information("GET", configuration)

    @property
    def users(self) -> "UsersRequestBuilder":
        """Return the builder of the cluster's users."""
        return UsersRequestBuilder(self.adapter, self.base_url, self.path_parameters)


class UsersRequestBuilder(RequestBuilder):
    """The users of a cluster: `/v2/databases/{database_cluster_uuid}/users`.

    The engines `redis` and `valkey` have none and refuse every call.
    """

    url_template = "/v2/databases/{database_cluster_uuid}/users"

    __slots__ = ()

    async def get(self, configuration: RequestConfiguration | None = None) -> list[DatabaseUser]:
        """Return all users of the cluster, the primary one included.

        `GET /v2/databases/{database_cluster_uuid}/users`, scope `database:read`; passwords and
        keys are there only with `database:view_credentials`.
        """
        request = self.to_get_request_information(configuration)
        users, _ = await all_pages(self.adapter, request, _next_page, DatabaseUser, "users")
        return users

    def to_get_request_information(
        self, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `get`, unsent."""
        return self._information("GET", configuration)

    async def post(
        self, body: UserCreate, configuration: RequestConfiguration | None = None
    ) -> DatabaseUser:
        """Create a user and return it; keep its password, MongoDB never shows it again.

        `POST /v2/databases/{database_cluster_uuid}/users`, scope `database:create`. Repeated only
        where it cannot have been processed. A read straight afterwards may answer 404: trust this
        answer instead. MongoDB is known to answer 500 to creates that run side by side.
        """
        request = self.to_post_request_information(body, configuration)
        return _user(await self.adapter.send(request))

    def to_post_request_information(
        self, body: UserCreate, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `post`, unsent."""
        if not body.name:
            raise InvalidRequest("UserCreate: name is empty")
        return self._information("POST", configuration, content=codec.encode(body))

    def by_username(self, username: str) -> "UserRequestBuilder":
        """Return the builder of one user."""
        parameters = {**self.path_parameters, "username": username}
        return UserRequestBuilder(self.adapter, self.base_url, parameters)


class UserRequestBuilder(RequestBuilder):
    """One user: `/v2/databases/{database_cluster_uuid}/users/{username}`."""

    url_template = "/v2/databases/{database_cluster_uuid}/users/{username}"

    __slots__ = ()

    async def get(self, configuration: RequestConfiguration | None = None) -> DatabaseUser:
        """Return the user. Absent `settings` do not mean that there are none.

        `GET /v2/databases/{database_cluster_uuid}/users/{username}`, scope `database:read`; the
        password and keys are there only with `database:view_credentials`.
        """
        request = self.to_get_request_information(configuration)
        return _user(await self.adapter.send(request))

    def to_get_request_information(
        self, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `get`, unsent."""
        return self._information("GET", configuration)

    async def put(
        self, body: UserUpdate, configuration: RequestConfiguration | None = None
    ) -> DatabaseUser:
        """Replace the user's settings and return the user: what `body` leaves out is revoked.

        `PUT /v2/databases/{database_cluster_uuid}/users/{username}`, scope `database:update`. Start
        from what is there with `UserUpdate.keeping`. Documented for PostgreSQL, OpenSearch and
        Kafka; what other engines make of it is not.
        """
        request = self.to_put_request_information(body, configuration)
        return _user(await self.adapter.send(request))

    def to_put_request_information(
        self, body: UserUpdate, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `put`, unsent."""
        return self._information("PUT", configuration, content=codec.encode(body))

    async def delete(self, configuration: RequestConfiguration | None = None) -> None:
        """Remove the user.

        `DELETE /v2/databases/{database_cluster_uuid}/users/{username}`, scope `database:delete`.
        Raises `NotFound` if there was none, unless an earlier attempt of this very call, whose
        answer was lost, may have removed it.
        """
        (await self.adapter.send(self.to_delete_request_information(configuration))).done()

    def to_delete_request_information(
        self, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `delete`, unsent."""
        return self._information("DELETE", configuration)

    @property
    def reset_auth(self) -> "ResetAuthRequestBuilder":
        """Return the builder that rotates the user's secret."""
        return ResetAuthRequestBuilder(self.adapter, self.base_url, self.path_parameters)


class ResetAuthRequestBuilder(RequestBuilder):
    """A user's secret: `/v2/databases/{database_cluster_uuid}/users/{username}/reset_auth`."""

    url_template = "/v2/databases/{database_cluster_uuid}/users/{username}/reset_auth"

    __slots__ = ()

    async def post(
        self, body: ResetAuth | None = None, configuration: RequestConfiguration | None = None
    ) -> DatabaseUser:
        """Make a new secret for the user and return the user with it; the old one is void.

        `POST /v2/databases/{database_cluster_uuid}/users/{username}/reset_auth`, scope
        `database:create`; the answer holds the secret only with `database:view_credentials`.
        `body` chooses the plugin on MySQL. Never repeated once it was sent: a lost answer means
        that the secret may have changed.
        """
        request = self.to_post_request_information(body, configuration)
        return _user(await self.adapter.send(request))

    def to_post_request_information(
        self, body: ResetAuth | None = None, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `post`, unsent."""
        content = codec.encode(body or EMPTY_RESET)
        return self._information("POST", configuration, content=content, repeat=Repeat.IF_UNSENT)


def _user(response: Response) -> DatabaseUser:
    user: DatabaseUser = response.read(DatabaseUser, "user")
    return user


def _next_page(document: Any, request: RequestInformation) -> RequestInformation | Problem | None:
    """Follow `links.pages.next`: the API's general rule, though these lists document no pages."""
    found = document
    for path, key in (("$", "links"), ("$.links", "pages"), ("$.links.pages", "next")):
        if not isinstance(found, dict):
            return Problem((f"expected an object @ {path}",))
        found = found.get(key)
        if found is None:
            return None
    try:
        if origin(found) != origin(request.url):
            return Problem(("another host @ $.links.pages.next",))
    except InvalidRequest:
        return Problem(("expected a URL @ $.links.pages.next",))
    return attrs.evolve(request, raw_url=found, query_parameters={})
