"""Paths: whatever a name is, it stays one segment, or it is refused."""

import re
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from dbusers import InvalidRequest
from dbusers.urls import fill
from tests.hostile import QUOTED_NAMES, REFUSED_NAMES

BASE_URL = "https://api.example.com"


@pytest.mark.parametrize("name", REFUSED_NAMES)
def test_a_name_that_cannot_be_a_segment_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        fill("/users/{username}", {"username": name})

    assert "username" in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("name", QUOTED_NAMES)
def test_a_hostile_name_becomes_one_quoted_segment(name: str) -> None:
    path = fill("/users/{username}/reset", {"username": name})

    before, segment, after = path.removeprefix("/").split("/")
    assert (before, unquote(segment), after) == ("users", name, "reset")
    assert re.fullmatch(r"([A-Za-z0-9_.~-]|%[0-9A-F]{2})+", segment)


@given(st.text(st.characters(), max_size=20))
def test_any_name_is_refused_or_is_one_segment_that_nothing_normalises(name: str) -> None:
    try:
        path = fill("/users/{username}", {"username": name})
    except InvalidRequest:
        assert name in ("", ".", "..") or re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", name)
        return
    _, users, segment = path.split("/")
    assert (users, unquote(segment)) == ("users", name)
    # Neither what is sent (encoded) nor a library that normalises ends elsewhere.
    assert URL(BASE_URL + path, encoded=True).raw_path == path
    assert len(URL(BASE_URL + path).raw_parts) == 3


@pytest.mark.parametrize("value", [None, 5, b"app", ["app"], True])
def test_a_name_that_is_no_string_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRequest):
        fill("/users/{username}", {"username": value})


def test_a_missing_parameter_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="username"):
        fill("/users/{username}", {})


def test_braces_in_a_value_are_not_filled_again() -> None:
    path = fill("/{a}/{b}", {"a": "{b}", "b": "x"})

    assert path == "/%7Bb%7D/x"


def test_a_plain_value_cannot_lend_its_neighbour_a_segment() -> None:
    path = fill("/v2/databases/{id}/users/{name}", {"id": "a/users/b", "name": "c"})

    assert path == "/v2/databases/a%2Fusers%2Fb/users/c"


def test_a_path_is_filled_anew_after_one_that_was_refused() -> None:
    with pytest.raises(InvalidRequest):
        fill("/{a}/{b}", {"a": "one", "b": ".."})

    assert fill("/{a}/{b}", {"a": "two", "b": "x"}) == "/two/x"


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ("/v2/{a}-{b}", {"a": "", "b": "x-y"}),
        ("/v2/{a}-{b}", {"a": "u-v", "b": "."}),
        ("/v2/{a}{b}", {"a": "", "b": "xy"}),
    ],
)
def test_each_of_two_parameters_in_one_segment_is_looked_at(
    template: str, values: dict[str, str]
) -> None:
    with pytest.raises(InvalidRequest):
        fill(template, values)


def test_two_parameters_in_one_segment_are_quoted_each() -> None:
    assert fill("/v2/{a}:{b}", {"a": "x/y", "b": "z"}) == "/v2/x%2Fy:z"
