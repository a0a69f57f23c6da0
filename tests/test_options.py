"""Options: typed values, checked when they are made."""

import copy
from typing import Any

import attrs
import pytest

from dbusers import DigitalOceanClient, InvalidRequest, RequestConfiguration, RequestOption
from dbusers.options import OnResponse, RetryOption, TimeoutOption


@pytest.mark.parametrize("option", [RetryOption(), TimeoutOption(), OnResponse(print)])
def test_an_option_is_a_frozen_value(option: RequestOption) -> None:
    cls: Any = type(option)
    name = attrs.fields(cls)[0].name

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(option, name, 1)
    assert option == copy.copy(option)
    assert hash(option) == hash(copy.copy(option))


def test_by_default_every_documented_failure_is_retried() -> None:
    statuses = RetryOption().statuses

    assert {408, 429, 500, 502, 503, 504, 599} <= statuses
    assert not statuses & {*range(200, 408), *range(409, 429), *range(430, 500)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_retries", -1),
        ("max_retries", "3"),
        ("max_retries", True),
        ("max_retries", 2.5),
        ("base_delay", -0.1),
        ("max_delay", float("nan")),
        ("max_retry_after", -1),
        ("jitter", -0.1),
        ("jitter", 1.1),
    ],
)
def test_a_retry_that_makes_no_sense_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=name):
        RetryOption(**{name: value})


@pytest.mark.parametrize("name", ["total", "attempt", "connect", "read"])
@pytest.mark.parametrize("value", [-1, float("nan"), "5", True])
def test_a_timeout_that_makes_no_sense_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=name):
        TimeoutOption(**{name: value})


@pytest.mark.parametrize("name", ["total", "attempt", "connect", "read"])
def test_a_timeout_of_zero_is_refused_rather_than_taken_for_endless(name: str) -> None:
    # aiohttp takes 0 for "without end"; who writes 0 means anything but that.
    with pytest.raises(InvalidRequest, match=name):
        TimeoutOption(**{name: 0})


@pytest.mark.parametrize("name", ["total", "attempt", "connect", "read"])
def test_a_timeout_can_be_switched_off(name: str) -> None:
    assert getattr(TimeoutOption(**{name: None}), name) is None


def test_two_options_of_one_type_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="two options"):
        RequestConfiguration(options=[RetryOption(), RetryOption()])
    with pytest.raises(InvalidRequest, match="two options"):
        DigitalOceanClient("a-token", options=[TimeoutOption(), TimeoutOption()])


def test_what_is_not_an_option_is_refused() -> None:
    wrong: Any = [3]

    with pytest.raises(InvalidRequest, match="not a RequestOption"):
        RequestConfiguration(options=wrong)
