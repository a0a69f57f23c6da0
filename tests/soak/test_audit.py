"""What the soak takes for a lost user, or for one made twice."""

import pytest

from dbusers import (
    APIError,
    BadRequest,
    ConnectionFailed,
    NotFound,
    RateLimited,
    RequestTimedOut,
    ServerError,
    Unauthorized,
    UnexpectedBody,
)
from tests.soak.audit import NEVER, ONCE, REMOVED, Fate, differences
from tests.soak.books import Book, excluded, is_expected

TWICE = Fate(2, 0, present=True)
REFUSED = RateLimited("wait", status=429)
LOST_ANSWER = ConnectionFailed("cut off", sent=True)
UNSENT = ConnectionFailed("no connection", sent=False)


def book_of(created: Exception | None, deleted: Exception | None | str = "not") -> Book:
    book = Book("a", ("db",), capacity=3)
    number = book.open_for_new()
    book.created(number, created)
    if not isinstance(deleted, str):
        book.deleted(number, deleted)
    return book


def differ(book: Book, fate: Fate, resets: int = 0) -> bool:
    return bool(list(differences([book], {"db/a-000000": fate}, {"a-000000": resets})))


@pytest.mark.parametrize(
    ("book", "possible"),
    [
        (book_of(None), {ONCE}),
        (book_of(REFUSED), {NEVER}),
        (book_of(UNSENT), {NEVER}),
        (book_of(LOST_ANSWER), {NEVER, ONCE}),
        (book_of(ServerError("broken", status=500)), {NEVER, ONCE}),
        (book_of(UnexpectedBody("not JSON", status=201)), {NEVER, ONCE}),
        (book_of(ZeroDivisionError()), {NEVER, ONCE}),
        (book_of(None, None), {REMOVED}),
        (book_of(None, REFUSED), {ONCE}),
        (book_of(None, LOST_ANSWER), {ONCE, REMOVED}),
        (book_of(None, RateLimited("", status=429, retries=("500",))), {ONCE, REMOVED}),
        (book_of(None, RateLimited("", status=429, retries=("429",))), {ONCE}),
    ],
)
def test_only_what_the_answers_allow_is_as_promised(book: Book, possible: set[Fate]) -> None:
    fates = {NEVER, ONCE, REMOVED, TWICE, Fate(2, 1, present=True), Fate(1, 2, present=False)}

    assert {fate for fate in fates if not differ(book, fate)} == possible


def test_a_call_that_has_not_ended_is_a_difference() -> None:
    book = Book("a", ("db",), capacity=3)
    book.open_for_new()

    assert differ(book, NEVER)


def test_a_user_that_nobody_asked_for_is_a_difference() -> None:
    assert list(differences([], {"db/x": ONCE}, {}))


def test_a_user_in_another_database_is_lost_here_and_found_there() -> None:
    assert len(list(differences([book_of(None)], {"other/a-000000": ONCE}, {}))) == 2


def test_a_reset_that_was_made_twice_is_a_difference() -> None:
    book = book_of(None)
    book.reset(0)

    assert not differ(book, ONCE, resets=0)
    assert not differ(book, ONCE, resets=1)
    assert differ(book, ONCE, resets=2)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ServerError("", status=503), True),
        (REFUSED, True),
        (LOST_ANSWER, True),
        (RequestTimedOut("", phase="read", sent=True), True),
        (UnexpectedBody(""), True),
        (NotFound("", status=404), False),
        (Unauthorized("", status=401), False),
        (BadRequest("", status=400), False),
        (KeyError(), False),
    ],
)
def test_errors_that_no_fault_explains_are_surprises(error: Exception, expected: bool) -> None:
    assert is_expected(error) is expected


def test_a_request_timeout_of_the_server_does_not_exclude_that_it_was_done() -> None:
    assert not excluded(APIError("", status=408))
