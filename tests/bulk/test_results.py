import copy
import pickle

import pytest

from dbusers import (
    APIError,
    BadRequest,
    ConfigurationError,
    Conflict,
    ConnectionFailed,
    DbusersError,
    Forbidden,
    InvalidRequest,
    NotFound,
    RateLimited,
    RequestTimedOut,
    ServerError,
    Unauthorized,
    UnexpectedBody,
    Unprocessable,
)
from dbusers.bulk import Done, Failed, HookFailed, NotStarted, Summary, is_hopeless
from dbusers.bulk.results import maybe_done
from tests.bulk.work import broken

CLOSED = ConfigurationError("the client was closed during the call")
CLOSED.attempts = 1


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest("no such name"),
        ConfigurationError("no token"),
        ConnectionFailed("refused", sent=False),
        RequestTimedOut("in the queue", phase="rate limit", sent=False),
        BadRequest("", status=400),
        Unauthorized("", status=401),
        Forbidden("", status=403),
        NotFound("", status=404),
        Conflict("", status=409),
        Unprocessable("", status=422),
        RateLimited("", status=429, retries=("429", "429")),
        Unauthorized("", status=401, retries=("401, bearer renewed",)),
        APIError("elsewhere", status=301),
    ],
    ids=repr,
)
def test_what_was_refused_or_never_sent_is_undone(error: Exception) -> None:
    assert not maybe_done(error)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionFailed("reset", sent=True),
        RequestTimedOut("no answer", phase="read", sent=True),
        ServerError("", status=500),
        ServerError("", status=504),
        APIError("too slow", status=408),
        UnexpectedBody("an answer of 200 that cannot be read"),
        Unprocessable("the second time", status=422, retries=("503",)),
        NotFound("the second time", status=404, retries=("ConnectionFailed",)),
        CLOSED,
        broken(),
        KeyError("a defect after the call"),
    ],
    ids=repr,
)
def test_what_may_have_arrived_is_maybe_done(error: Exception) -> None:
    assert maybe_done(error)


@pytest.mark.parametrize(
    ("error", "hopeless"),
    [
        (Unauthorized("", status=401), True),
        (ConfigurationError("closed"), True),
        (KeyError("a defect"), True),
        (NotFound("", status=404), False),
        (Forbidden("", status=403), False),
        (RateLimited("", status=429), False),
        (ServerError("", status=500), False),
        (ConnectionFailed("reset", sent=True), False),
        (ExceptionGroup("", [NotFound("", status=404), NotFound("", status=404)]), False),
        (ExceptionGroup("", [NotFound("", status=404), ConfigurationError("closed")]), True),
        (ExceptionGroup("", [ExceptionGroup("", [KeyError("a defect")])]), True),
    ],
    ids=repr,
)
def test_what_would_fail_for_all_is_hopeless(error: Exception, hopeless: bool) -> None:
    assert is_hopeless(error) is hopeless


def test_a_result_unwraps_to_its_value_or_raises() -> None:
    error = broken()

    assert Done("a", 1).unwrap() == 1
    with pytest.raises(DbusersError) as raised:
        Failed("a", error, maybe_done=True).unwrap()
    assert raised.value is error
    with pytest.raises(DbusersError, match="not started: duplicate"):
        NotStarted("a", "duplicate").unwrap()


def test_a_value_is_not_shown_for_it_may_be_a_password() -> None:
    assert repr(Done("app", "correct-horse")) == "Done(item='app')"


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        (Summary(), "0 done"),
        (Summary(done=2, failed=1), "2 done, 1 failed"),
        (
            Summary(done=2, failed=3, maybe_done=1, not_started=4, duplicates=5),
            "2 done, 3 failed (1 of them maybe done), 4 not started, 5 given twice",
        ),
    ],
)
def test_a_summary_is_a_line(summary: Summary, said: str) -> None:
    assert str(summary) == said


def test_a_failed_hook_keeps_its_results_when_it_is_copied() -> None:
    error = HookFailed("`sink` raised OSError")
    error.unsaved = (Done("app", "value"),)

    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (again.unsaved, again.message) == (error.unsaved, error.message)
