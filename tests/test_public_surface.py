"""The promise: the names that users import, what they take, and that each is explained."""

import inspect
import typing
from collections.abc import Iterator
from importlib.resources import files
from types import ModuleType
from typing import Any

import pytest

import dbusers
import dbusers.bulk
import dbusers.digitalocean
import dbusers.errors
import dbusers.fastapi
import dbusers.otel
import dbusers.scalingo
import dbusers.testing
from dbusers import DigitalOceanClient, RequestConfiguration, RequestInformation, ScalingoClient
from dbusers.builder import RequestBuilder
from tests.contract.builders import VERBS, builders

TOP = [
    "ABSENT",
    "APIError",
    "Absent",
    "BadRequest",
    "ConfigurationError",
    "Conflict",
    "ConnectionFailed",
    "DbusersError",
    "DigitalOceanClient",
    "Forbidden",
    "Handler",
    "InvalidRequest",
    "Maybe",
    "Middleware",
    "NotFound",
    "OnResponse",
    "RateLimit",
    "RateLimitOption",
    "RateLimitState",
    "RateLimited",
    "RequestConfiguration",
    "RequestInformation",
    "RequestOption",
    "RequestTimedOut",
    "Response",
    "RetryOption",
    "ScalingoClient",
    "Secret",
    "ServerError",
    "TimeoutOption",
    "Unauthorized",
    "UnexpectedBody",
    "Unprocessable",
    "Window",
    "__version__",
    "time_limit",
]
DIGITALOCEAN = [
    "UserCreate",
    "UserUpdate",
    "ResetAuth",
    "UserSettings",
    "KafkaAcl",
    "OpenSearchAcl",
    "MongoUserSettings",
    "MySQLSettings",
    "DatabaseUser",
    "DatabaseCluster",
    "DigitalOceanClient",
]
SCALINGO = ["UserCreate", "UserUpdate", "DatabaseUser", "Database", "ScalingoClient"]
ERRORS = [
    "DbusersError",
    "ConfigurationError",
    "InvalidRequest",
    "ConnectionFailed",
    "RequestTimedOut",
    "UnexpectedBody",
    "APIError",
    "BadRequest",
    "Unauthorized",
    "Forbidden",
    "NotFound",
    "Conflict",
    "Unprocessable",
    "RateLimited",
    "ServerError",
]
PUBLIC_MODULES = [
    dbusers,
    dbusers.bulk,
    dbusers.digitalocean,
    dbusers.fastapi,
    dbusers.otel,
    dbusers.scalingo,
    dbusers.testing,
]


def test_the_top_of_the_package_is_a_table_of_contents() -> None:
    assert sorted(dbusers.__all__) == sorted(TOP)
    assert set(dbusers.__all__) <= set(dir(dbusers))


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (dbusers, TOP),
        (dbusers.digitalocean, DIGITALOCEAN),
        (dbusers.scalingo, SCALINGO),
        (dbusers.errors, ERRORS),
        (dbusers.testing, ["Sandbox", "Fault"]),
    ],
)
def test_the_promised_names_are_there(module: ModuleType, names: list[str]) -> None:
    for name in names:
        assert getattr(module, name) is not None


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    name = "NoSuchClient"
    with pytest.raises(AttributeError, match=name):
        getattr(dbusers, name)


def parameters(function: Any) -> dict[str, Any]:
    return {
        name: parameter.kind
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self"
    }


def test_the_clients_are_made_as_promised() -> None:
    digitalocean = parameters(DigitalOceanClient.__init__)
    scalingo = parameters(ScalingoClient.__init__)

    shared = {"session", "middleware", "operation_middleware", "options", "rate_limit"}
    assert next(iter(digitalocean)) == "token"
    assert {"base_url", *shared} <= set(digitalocean)
    assert next(iter(scalingo)) == "api_token"
    urls = {"auth_url", "api_url", "database_api_url"}
    assert {"database_token", "region", *urls, *shared} <= set(scalingo)
    for keywords in (digitalocean, scalingo):
        kinds = list(keywords.values())
        assert kinds[0] is inspect.Parameter.POSITIONAL_OR_KEYWORD
        assert set(kinds[1:]) == {inspect.Parameter.KEYWORD_ONLY}


def test_a_configuration_is_made_as_promised() -> None:
    assert {"headers", "query_parameters", "options", "middleware", "aiohttp_middlewares"} == set(
        parameters(RequestConfiguration.__init__)
    )


def all_builders() -> list[RequestBuilder]:
    clients = (DigitalOceanClient("t"), ScalingoClient("t"))
    return [builder for client in clients for builder in builders(client, {})]


def test_the_chains_are_as_promised() -> None:
    digitalocean = DigitalOceanClient("t").databases
    user = digitalocean.by_id("c").users.by_username("u")
    for verb in (
        digitalocean.get,
        digitalocean.by_id("c").get,
        digitalocean.by_id("c").users.get,
        digitalocean.by_id("c").users.post,
        user.get,
        user.put,
        user.delete,
        user.reset_auth.post,
    ):
        assert inspect.iscoroutinefunction(verb)

    client = ScalingoClient("t")
    scalingo = client.databases
    their_user = scalingo.by_id("d", app="a").users.by_username("u")
    for their_verb in (
        scalingo.get,
        scalingo.by_id("d").get,
        scalingo.by_id("d").users.get,
        scalingo.by_id("d").users.post,
        their_user.get,
        their_user.patch,
        their_user.delete,
        their_user.reset_password.post,
        client.apps.get,
        client.apps.by_name("a").addons.get,
    ):
        assert inspect.iscoroutinefunction(their_verb)


@pytest.mark.parametrize("builder", all_builders(), ids=lambda builder: type(builder).__name__)
def test_each_verb_has_its_request_unsent_and_takes_a_configuration(
    builder: RequestBuilder,
) -> None:
    assert isinstance(builder.with_url("https://api.example.com/x"), type(builder))
    for verb in (name for name in VERBS if hasattr(builder, name)):
        unsent = getattr(builder, f"to_{verb}_request_information")
        for method in (getattr(builder, verb), unsent):
            last = list(inspect.signature(method).parameters.values())[-1]
            assert (last.name, last.default) == ("configuration", None)
        assert typing.get_type_hints(unsent)["return"] is RequestInformation
        assert list(parameters(unsent)) == list(parameters(getattr(builder, verb)))


def test_nothing_but_nouns_and_verbs_stands_on_a_builder() -> None:
    for builder in all_builders():
        for name, member in inspect.getmembers(type(builder)):
            if name.startswith(("_", "to_", "by_")) or name in (*VERBS, "with_url"):
                continue
            data = {"adapter", "base_url", "path_parameters", "url_template"}
            assert name in data or isinstance(member, property), f"{type(builder)}: {name}"


def documented(module: ModuleType) -> Iterator[tuple[str, Any]]:
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            yield f"{module.__name__}.{name}", value


@pytest.mark.parametrize(("name", "value"), [d for m in PUBLIC_MODULES for d in documented(m)])
def test_every_public_name_is_explained(name: str, value: Any) -> None:
    assert value.__doc__, name
    if not inspect.isclass(value):
        return
    for member_name, member in vars(value).items():
        if member_name.startswith("_"):
            continue
        function = member.fget if isinstance(member, property) else member
        function = getattr(function, "__func__", function)
        if inspect.isfunction(function):
            assert inspect.getdoc(function), f"{name}.{member_name}"


def test_the_package_says_how_it_is_laid_out() -> None:
    for part in ("errors", "codec", "adapter", "builder", "testing", "audit", "cli"):
        assert f"`{part}`" in (dbusers.__doc__ or "")


def test_the_package_is_typed() -> None:
    assert files(dbusers).joinpath("py.typed").is_file()
