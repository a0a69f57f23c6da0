"""A client as Kiota generates them for Python, on Kiota's own runtime; written by hand.

In its favour: the models stand in one module, where generated ones import each other inside of the
methods that are called for each document.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
from kiota_abstractions.api_client_builder import register_default_deserializer
from kiota_abstractions.authentication import (
    AccessTokenProvider,
    AllowedHostsValidator,
    BaseBearerTokenAuthenticationProvider,
)
from kiota_abstractions.base_request_builder import BaseRequestBuilder
from kiota_abstractions.get_path_parameters import get_path_parameters
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_http.httpx_request_adapter import HttpxRequestAdapter
from kiota_http.kiota_client_factory import KiotaClientFactory
from kiota_serialization_json.json_parse_node_factory import JsonParseNodeFactory

from tests.benchmarks.peers.kiota_models import Error, UserAnswer, UsersAnswer

PACKAGES: Final = (
    "microsoft-kiota-abstractions",
    "microsoft-kiota-http",
    "microsoft-kiota-serialization-json",
)
IMPORT: Final = f"from {__name__} import KiotaClient"
ERRORS: Final = {"401": Error, "404": Error, "429": Error, "500": Error}


class _Builder(BaseRequestBuilder):
    """A place in the URL tree; generated ones repeat these two methods in every class."""

    TEMPLATE = "{+baseurl}"

    def __init__(self, request_adapter: Any, path_parameters: Any) -> None:
        super().__init__(request_adapter, self.TEMPLATE, path_parameters)

    def to_get_request_information(self, request_configuration: Any = None) -> Any:
        request = RequestInformation(Method.GET, self.url_template, self.path_parameters)
        request.configure(request_configuration)
        request.headers.try_add("Accept", "application/json")
        return request

    def _with(self, name: str, value: str) -> Any:
        if value is None:
            raise TypeError(f"{name} cannot be null.")
        parameters = get_path_parameters(self.path_parameters)
        parameters[name] = value
        return parameters


class UserItemRequestBuilder(_Builder):
    TEMPLATE = "{+baseurl}/v2/databases/{database_cluster_uuid}/users/{username}"

    async def get(self, request_configuration: Any = None) -> Any:
        request = self.to_get_request_information(request_configuration)
        return await self.request_adapter.send_async(request, UserAnswer, dict(ERRORS))


class UsersRequestBuilder(_Builder):
    TEMPLATE = "{+baseurl}/v2/databases/{database_cluster_uuid}/users"

    def by_username(self, username: str) -> UserItemRequestBuilder:
        return UserItemRequestBuilder(self.request_adapter, self._with("username", username))

    async def get(self, request_configuration: Any = None) -> Any:
        request = self.to_get_request_information(request_configuration)
        return await self.request_adapter.send_async(request, UsersAnswer, dict(ERRORS))


class DatabaseItemRequestBuilder(_Builder):
    TEMPLATE = "{+baseurl}/v2/databases/{database_cluster_uuid}"

    @property
    def users(self) -> UsersRequestBuilder:
        return UsersRequestBuilder(self.request_adapter, self.path_parameters)


class DatabasesRequestBuilder(_Builder):
    TEMPLATE = "{+baseurl}/v2/databases"

    def by_database_cluster_uuid(self, database: str) -> DatabaseItemRequestBuilder:
        parameters = self._with("database_cluster_uuid", database)
        return DatabaseItemRequestBuilder(self.request_adapter, parameters)


class V2RequestBuilder(_Builder):
    TEMPLATE = "{+baseurl}/v2"

    @property
    def databases(self) -> DatabasesRequestBuilder:
        return DatabasesRequestBuilder(self.request_adapter, self.path_parameters)


class KiotaClient(_Builder):
    def __init__(self, request_adapter: Any) -> None:
        super().__init__(request_adapter, None)
        register_default_deserializer(JsonParseNodeFactory)
        self.path_parameters["base_url"] = request_adapter.base_url

    @property
    def v2(self) -> V2RequestBuilder:
        return V2RequestBuilder(self.request_adapter, self.path_parameters)


class _Token(AccessTokenProvider):
    def __init__(self, token: str) -> None:
        self.token = token
        self.hosts = AllowedHostsValidator(["127.0.0.1"])

    async def get_authorization_token(
        self, uri: str, additional_authentication_context: dict[str, Any] | None = None
    ) -> str:
        return self.token if self.hosts.is_url_host_valid(uri) else ""

    def get_allowed_hosts_validator(self) -> Any:
        return self.hosts


@attrs.frozen
class _Client:
    client: KiotaClient

    async def user(self, database: str, name: str) -> object:
        found = self.client.v2.databases.by_database_cluster_uuid(database)
        return await found.users.by_username(name).get()

    async def users(self, database: str) -> object:
        return await self.client.v2.databases.by_database_cluster_uuid(database).users.get()


@asynccontextmanager
async def connected(url: str, token: str) -> AsyncIterator[_Client]:
    authentication = BaseBearerTokenAuthenticationProvider(_Token(token))
    async with KiotaClientFactory.create_with_default_middleware() as session:
        adapter = HttpxRequestAdapter(authentication, http_client=session)
        adapter.base_url = url
        yield _Client(KiotaClient(adapter))


def decode(content: bytes) -> object:
    node = JsonParseNodeFactory().get_root_parse_node("application/json", content)
    return node.get_object_value(UsersAnswer)
