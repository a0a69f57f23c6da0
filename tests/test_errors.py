"""The tree of errors: what each is, what it carries, and that it survives its way to the caller."""

import copy
import pickle

import pytest

from dbusers import errors
from dbusers.errors import (
    APIError,
    BadRequest,
    Conflict,
    ConnectionFailed,
    DbusersError,
    Forbidden,
    NotFound,
    RateLimited,
    RequestTimedOut,
    ServerError,
    Unauthorized,
    UnexpectedBody,
    Unprocessable,
    error_class,
)
from dbusers.response import RateLimitState


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, BadRequest),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (422, Unprocessable),
        (429, RateLimited),
        (500, ServerError),
        (502, ServerError),
        (503, ServerError),
        (504, ServerError),
        (599, ServerError),
        (302, APIError),
        (402, APIError),
        (412, APIError),
        (418, APIError),
    ],
)
def test_a_status_has_its_class(status: int, expected: type[APIError]) -> None:
    assert error_class(status) is expected


def test_everything_is_a_dbusers_error_and_named_by_meaning() -> None:
    classes = [
        c for c in vars(errors).values() if isinstance(c, type) and c.__module__ == errors.__name__
    ]

    assert len(classes) == 15
    assert all(issubclass(c, DbusersError) for c in classes)


def test_the_docstring_draws_every_class() -> None:
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, DbusersError):
            assert name in (errors.__doc__ or "")


def test_an_error_says_status_id_message_and_request() -> None:
    error = NotFound("no such user", status=404, id="not_found", request_id="4d9d")

    assert str(error) == "404 not_found: no such user (request 4d9d)"


def test_an_error_without_id_and_request_says_what_there_is() -> None:
    assert str(ServerError("bad gateway", status=502)) == "502: bad gateway"


def test_retry_after_is_the_rate_limits() -> None:
    state = RateLimitState(limit=250, remaining=0, retry_after=12.0)

    assert RateLimited("slow down", status=429, rate_limit=state).retry_after == 12.0
    assert RateLimited("slow down", status=429).retry_after is None


ERRORS = [
    DbusersError("plain", retryable=True),
    ConnectionFailed("refused", sent=False),
    RequestTimedOut("late", phase="connect", sent=False),
    UnexpectedBody("bad", problems=("required field missing @ $.user",), status=200, attempts=2),
    RateLimited(
        "slow down",
        status=429,
        id="too_many_requests",
        headers={"retry-after": "1"},
        request_id="r",
        rate_limit=RateLimitState(remaining=0, retry_after=1.0),
        attempts=3,
        retries=("429", "429"),
    ),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "passed_on", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))]
)
def test_an_error_keeps_its_facts_between_processes(error: DbusersError, passed_on: object) -> None:
    assert callable(passed_on)
    twin = passed_on(error)

    assert type(twin) is type(error)
    assert str(twin) == str(error)
    assert twin.args == error.args
    assert vars(twin) == vars(error)


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (ConnectionFailed("refused", sent=False), True),
        (RequestTimedOut("late", phase="read", sent=True), True),
        (NotFound("none", status=404), False),
        (UnexpectedBody("bad"), False),
        (DbusersError("plain"), False),
    ],
)
def test_each_says_whether_it_is_retryable(error: DbusersError, *, retryable: bool) -> None:
    assert error.retryable is retryable
