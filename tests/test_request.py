"""A request, complete and unsent: its URL, its headers, and what may be said of it."""

import re
from typing import Any

import attrs
import pytest

from dbusers import InvalidRequest, RequestConfiguration, RequestInformation, RetryOption
from dbusers.digitalocean import DatabasesQuery
from dbusers.options import TimeoutOption
from dbusers.request import Repeat
from tests.hostile import BAD_URLS

BASE_URL = "https://api.example.com"


def url(**keywords: Any) -> str:
    return RequestInformation("GET", "/users", base_url=BASE_URL, **keywords).url


# URLs


def is_bad_by_host_or_port(url: str) -> bool:
    return "[" in url or re.search(r":(port|9+)/", url) is not None


# Hosts and ports are judged where the credential's own hosts are known: tests/test_auth.py
@pytest.mark.parametrize("url", [url for url in BAD_URLS if not is_bad_by_host_or_port(url)])
def test_a_url_that_is_not_what_it_looks_like_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        RequestInformation("GET", "/users", raw_url=url)
    assert "secret" not in str(caught.value)


def test_a_raw_url_is_used_as_it_is() -> None:
    raw = "https://api.example.com/v2/a%2Fb;x?page=2&q=%20"

    assert RequestInformation("GET", "/{x}", {"x": ".."}, raw_url=raw).url == raw


def test_a_raw_urls_query_is_added_to() -> None:
    assert (
        url(raw_url=f"{BASE_URL}/x?page=2", query_parameters={"a": 1}) == f"{BASE_URL}/x?page=2&a=1"
    )


# Query


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({}, ""),
        ({"tag_name": "team:data"}, "?tag_name=team%3Adata"),
        ({"a": "x&b=y#z?"}, "?a=x%26b%3Dy%23z%3F"),
        ({"a": "\r\nX: 1\x00"}, "?a=%0D%0AX%3A%201%00"),
        ({"a&b": "c"}, "?a%26b=c"),
        ({"a": "é/+ "}, "?a=%C3%A9%2F%2B%20"),
        ({"a": 5, "b": True, "c": False, "d": ""}, "?a=5&b=true&c=false&d="),
        ({"a": None, "b": "1"}, "?b=1"),
        (DatabasesQuery(tag_name="x"), "?tag_name=x"),
        (DatabasesQuery(), ""),
    ],
)
def test_query_values_are_quoted(query: Any, text: str) -> None:
    configuration = RequestConfiguration(query_parameters=query)

    assert url(query_parameters=configuration.query_parameters) == f"{BASE_URL}/users{text}"


@pytest.mark.parametrize(
    "query", [{"a": 1.5}, {"a": ["b"]}, {"a": object()}, {5: "a"}, {"a": "\ud800"}, {"\ud800": "a"}]
)
def test_a_query_that_cannot_be_written_is_refused(query: Any) -> None:
    with pytest.raises(InvalidRequest):
        url(query_parameters=query)


# Headers


@pytest.mark.parametrize(
    "headers",
    [
        {"": "x"},
        {"a b": "x"},
        {"a:": "x"},
        {"a\r\nb": "x"},
        {"é": "x"},
        {5: "x"},
        {"x": "a\r\nInjected: 1"},
        {"x": "a\nb"},
        {"x": "a\x00"},
        {"x": "\x7f"},
        {"x": "é"},
        {"x": "\ud800"},
        {"x": 5},
        {"x": b"y"},
        {"x": None},
    ],
)
@pytest.mark.parametrize(
    "made", [lambda h: RequestConfiguration(headers=h), lambda h: url(headers=h)]
)
def test_a_header_that_would_break_the_message_is_refused(headers: Any, made: Any) -> None:
    with pytest.raises(InvalidRequest):
        made(headers)


@pytest.mark.parametrize(
    "name", ["Authorization", "AUTHORIZATION", "host", "Content-Length", "Transfer-Encoding"]
)
def test_the_clients_own_headers_are_not_the_callers(name: str) -> None:
    with pytest.raises(InvalidRequest, match="set by the client"):
        RequestConfiguration(headers={name: "x"})


def test_a_refused_header_does_not_show_its_value() -> None:
    with pytest.raises(InvalidRequest) as caught:
        RequestConfiguration(headers={"x-gateway-key": "canary\n"})

    assert "canary" not in str(caught.value)


def test_the_repr_shows_neither_header_values_nor_content() -> None:
    request = RequestInformation("POST", "/x", headers={"x-key": "canary"}, content=b"canary")

    assert "x-key" in repr(request)
    assert "canary" not in repr(request)
    assert "canary" not in repr(RequestConfiguration(headers={"x-key": "canary"}))


def test_a_header_replaces_that_of_the_same_name_in_any_case() -> None:
    request = RequestInformation("GET", "/x", headers={"X-Trace": "1", "y": "2"})

    changed = request.with_header("x-trace", "3")
    assert dict(changed.headers) == {"x-trace": "3", "y": "2"}
    assert dict(request.headers) == {"X-Trace": "1", "y": "2"}


# Values


def test_nothing_is_shared_between_two_configurations() -> None:
    headers = {"x": "1"}
    configuration = RequestConfiguration(headers=headers)
    headers["x"] = "2"

    assert dict(configuration.headers) == {"x": "1"}
    with pytest.raises(TypeError):
        configuration.headers["y"] = "3"  # type: ignore[index]  # what is tested
    assert dict(RequestConfiguration().headers) == {}


def test_a_configuration_is_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        RequestConfiguration().headers = {}  # type: ignore[misc]  # what is tested


def test_a_calls_option_replaces_the_clients_whole() -> None:
    own = RetryOption(max_retries=1)
    request = RequestInformation("GET", "/x", options=(own,))
    merged = request.with_defaults(BASE_URL, (RetryOption(base_delay=9.0), TimeoutOption(total=5)))

    assert merged.option(RetryOption) == own
    assert merged.option(TimeoutOption) == TimeoutOption(total=5)
    assert merged.url == f"{BASE_URL}/x"


# What may be repeated


@pytest.mark.parametrize(
    ("method", "repeat"),
    [
        ("GET", Repeat.ALWAYS),
        ("HEAD", Repeat.ALWAYS),
        ("PUT", Repeat.ALWAYS),
        ("DELETE", Repeat.ALWAYS),
        ("POST", Repeat.IF_REFUSED),
        ("PATCH", Repeat.IF_REFUSED),
        ("post", Repeat.IF_REFUSED),
        ("Patch", Repeat.IF_REFUSED),
        ("ROTATE", Repeat.IF_REFUSED),
    ],
)
def test_only_idempotent_methods_are_repeated_freely(method: str, repeat: Repeat) -> None:
    assert RequestInformation(method, "/x").repeat is repeat


@pytest.mark.parametrize("method", ["", "GET /x HTTP/1.1\r\nX: 1", "G T", "GÉT", "\x00"])
def test_a_method_that_is_no_token_is_refused(method: str) -> None:
    with pytest.raises(InvalidRequest, match="method"):
        RequestInformation(method, "/x")


def test_a_query_of_nothing_but_none_leaves_the_url_as_it_is() -> None:
    request = RequestInformation(
        "GET", "/v2/databases", query_parameters={"tag_name": None}, base_url="https://api.example"
    )

    assert request.url == "https://api.example/v2/databases"


@attrs.frozen
class Traced(RequestInformation):
    """Somebody's own kind of request."""

    trace: str = "7"


def test_a_clients_options_leave_a_subclass_what_it_is() -> None:
    request = Traced("GET", "/users", base_url=BASE_URL, trace="8")

    changed = request.with_defaults(BASE_URL, (RetryOption(),))
    assert type(changed) is Traced
    assert changed == attrs.evolve(request, options=(RetryOption(),))
