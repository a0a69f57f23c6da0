"""An answer, what its headers say, and the error that a refusal becomes."""

import gc
import json
import os
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from dbusers.digitalocean import DatabaseUser
from dbusers.digitalocean.errors import read_error as digitalocean
from dbusers.errors import APIError, NotFound, RateLimited, ServerError, UnexpectedBody
from dbusers.response import ErrorBody, RateLimitState, Response
from dbusers.scalingo.errors import read_error as scalingo
from dbusers.secret import Secret

TOKEN = "canary-token-5d1c"
REQUEST_ID = "515850a0-a812-50bf-aa3c-d0d21d287e40"


def headers(**values: str) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(
        CIMultiDict({name.replace("_", "-"): value for name, value in values.items()})
    )


def limits(**values: str) -> RateLimitState | None:
    return Response(200, headers(**values)).rate_limit


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(os.environ, "TZ", "UTC+11")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


# What the headers say


def test_the_rate_limit_is_read_from_the_headers() -> None:
    assert limits(
        ratelimit_limit="5000", ratelimit_remaining="4816", ratelimit_reset="1444931833"
    ) == RateLimitState(limit=5000, remaining=4816, resets_at=1444931833.0, retry_after=None)


@pytest.mark.parametrize(
    "name", ["ratelimit_limit", "ratelimit_remaining", "ratelimit_reset", "retry_after"]
)
def test_one_of_the_headers_is_enough(name: str) -> None:
    assert limits(**{name: "7"}) not in (None, RateLimitState())


def test_gateways_spell_the_headers_in_other_cases() -> None:
    found = Response(200, CIMultiDictProxy(CIMultiDict({"RateLimit-Remaining": "7"}))).rate_limit

    assert found is not None
    assert found.remaining == 7


def test_without_the_headers_nothing_is_known() -> None:
    assert limits(content_type="application/json") is None


@pytest.mark.parametrize("value", ["", "nan", "inf", "1e999", "-1", "many", "9" * 400, "0x10"])
def test_a_header_that_is_no_number_says_nothing(value: str) -> None:
    assert (
        limits(ratelimit_limit=value, ratelimit_remaining=value, ratelimit_reset=value)
        == RateLimitState()
    )


@pytest.mark.parametrize(("value", "seconds"), [("0", 0.0), ("12", 12.0), (" 7 ", 7.0)])
def test_retry_after_in_seconds(value: str, seconds: float) -> None:
    assert limits(retry_after=value) == RateLimitState(retry_after=seconds)


@pytest.mark.parametrize(
    "until",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ],
)
@pytest.mark.usefixtures("far_from_utc")
def test_retry_after_as_a_date_in_each_form_of_rfc_9110(until: str) -> None:
    found = limits(retry_after=until, date="Sun, 06 Nov 1994 08:49:07 GMT")

    assert found == RateLimitState(retry_after=30.0)


def test_a_date_that_has_passed_is_no_wait() -> None:
    found = limits(
        retry_after="Sun, 06 Nov 1994 08:49:37 GMT", date="Sun, 06 Nov 1994 09:00:00 GMT"
    )

    assert found == RateLimitState(retry_after=0.0)


@pytest.mark.parametrize("value", ["soon", "Sun, 99 Nov 1994 08:49:37 GMT", "-5"])
def test_a_retry_after_that_is_neither_says_nothing(value: str) -> None:
    assert limits(retry_after=value) == RateLimitState()


def test_the_request_id_is_the_header() -> None:
    assert Response(200, headers(x_request_id=REQUEST_ID)).request_id == REQUEST_ID
    assert Response(200).request_id is None


def test_the_repr_shows_neither_headers_nor_content() -> None:
    response = Response(200, headers(x="canary"), b"canary")

    assert "200" in repr(response)
    assert "canary" not in repr(response)


# The body


def test_a_body_is_read_under_its_key() -> None:
    response = Response(200, content=b'{"user": {"name": "app"}}')

    assert response.read(DatabaseUser, "user") == DatabaseUser("app")


def test_a_bare_body_is_read_where_a_call_is_known_for_it() -> None:
    bare = Response(200, content=b'{"name": "app"}')
    rooted = Response(200, content=b'{"user": {"name": "app"}}')

    assert bare.read(DatabaseUser, "user", bare=True) == DatabaseUser("app")
    assert rooted.read(DatabaseUser, "user", bare=True) == DatabaseUser("app")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the body is empty"),
        (b"{}", "required field missing @ $.user"),
        (b"[]", "expected an object @ $"),
        (b"null", "expected an object @ $"),
        (b'{"user": null}', "expected an object, found null @ $.user"),
        (b'{"user": []}', "expected an object, found an array @ $.user"),
        (b'{"user": {}}', "required field missing @ $.user.name"),
        (b'{"user": {"name": null}}', "expected a string, found null @ $.user.name"),
    ],
)
def test_a_wrong_body_says_where_it_is_wrong(content: bytes, problem: str) -> None:
    with pytest.raises(UnexpectedBody) as caught:
        Response(200, content=content).read(DatabaseUser, "user")

    assert caught.value.problems == (problem,)
    assert problem in str(caught.value)


def test_a_wrong_body_carries_the_facts_of_the_answer() -> None:
    response = Response(
        200,
        headers(x_request_id=REQUEST_ID, ratelimit_remaining="7"),
        b"<html>",
        attempts=2,
        retries=("503",),
    )

    with pytest.raises(UnexpectedBody) as caught:
        response.json()
    error = caught.value
    assert (error.status, error.request_id, error.attempts) == (200, REQUEST_ID, 2)
    assert error.retries == ("503",)
    assert error.rate_limit == RateLimitState(remaining=7)


# Refusals


def refusal(status: int, body: str | bytes, read: Any = digitalocean, **values: str) -> APIError:
    content = body.encode() if isinstance(body, str) else body
    return Response(status, headers(**values), content).error(read)


def test_digitaloceans_error_is_read() -> None:
    body = f'{{"id": "not_found", "message": "no such user", "request_id": "{REQUEST_ID}"}}'
    error = refusal(404, body, ratelimit_remaining="9")

    assert isinstance(error, NotFound)
    assert (error.id, error.message, error.request_id) == ("not_found", "no such user", REQUEST_ID)
    assert error.rate_limit == RateLimitState(remaining=9)


def test_the_request_id_may_be_in_the_header_only() -> None:
    error = refusal(500, '{"id": "server_error", "message": "oops"}', x_request_id=REQUEST_ID)

    assert isinstance(error, ServerError)
    assert error.request_id == REQUEST_ID


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, '{"error": "bad input", "code": "invalid"}', ["bad input"]),
        (402, '{"error": "pay first", "url": "https://example.com/pay"}', ["pay first", "/pay"]),
        (404, '{"resource": "Database", "error": "not found"}', ["not found", "Database"]),
        (422, '{"errors": {"name": ["is taken", "is bad"]}}', ["name", "is taken", "is bad"]),
        (422, '{"errors": {"name": ["a"], "password": ["b"]}}', ["name", "password"]),
    ],
)
def test_scalingos_errors_are_read(status: int, body: str, words: list[str]) -> None:
    message = refusal(status, body, scalingo).message

    assert all(word in message for word in words)


def test_scalingos_429_is_plain_text() -> None:
    error = refusal(429, "Retry later", scalingo, content_type="text/plain")

    assert isinstance(error, RateLimited)
    assert error.retry_after is None


@pytest.mark.parametrize("read", [digitalocean, scalingo])
@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>canary</html>",
        "null",
        "[]",
        '"canary"',
        "5",
        "{}",
        '{"message": 5, "id": [], "error": {"a": 1}, "errors": "canary", "request_id": 1}',
        '{"errors": {"name": "canary", "x": [1, null]}}',
        b"\xff\xfe\x00",
    ],
)
def test_an_error_of_any_form_is_still_the_error_of_its_status(
    body: str | bytes, read: Any
) -> None:
    error = refusal(502, body, read, content_type="text/html")

    assert isinstance(error, ServerError)
    assert error.message
    assert "canary" not in str(error)


def test_a_redirect_says_that_it_is_not_followed() -> None:
    assert "redirect" in refusal(302, "", location="https://elsewhere.example").message


@pytest.mark.parametrize("field", ["message", "id", "request_id"])
def test_a_servers_text_cannot_forge_a_log_line(field: str) -> None:
    texts = {"message": "m", "id": "i", "request_id": "r"}
    texts[field] = r"x\n2026-01-01 CRITICAL \u001b[2J\u0000\u2028 forged"
    body = "{" + ", ".join(f'"{name}": "{text}"' for name, text in texts.items()) + "}"

    assert str(refusal(400, body)).isprintable()


@pytest.mark.parametrize("field", ["message", "id", "request_id"])
def test_a_servers_novel_is_cut(field: str) -> None:
    texts = {"message": "m", "id": "i", "request_id": "r", field: "x" * 100_000}
    body = "{" + ", ".join(f'"{name}": "{text}"' for name, text in texts.items()) + "}"

    assert len(str(refusal(400, body))) < 2000


def test_cookies_are_not_kept_on_errors() -> None:
    assert "set-cookie" not in refusal(500, "", set_cookie="session=canary").headers


@pytest.mark.parametrize(
    "text",
    ["plain-token", "two words", "back\\slash", 'quo"te', "é-ü-名", "tab\there", "a/b<c>&d"],
)
def test_a_secret_that_a_server_quotes_is_masked_as_text_and_as_json_and_in_a_url(
    text: str,
) -> None:
    for quoted in (
        text,
        json.dumps(text),
        json.dumps(text, ensure_ascii=False),
        quote(text, safe=""),
        quote_plus(text),
    ):
        found = Response(422, content=f"<{quoted}>".encode(), secrets=(Secret(text),)).masked()

        assert quoted.strip('"').encode() not in found.content
        assert b"*" in found.content


def test_a_secret_that_a_server_quotes_in_a_header_is_masked() -> None:
    headers = CIMultiDictProxy(CIMultiDict({"x-refused": f"token {TOKEN}", "x-request-id": "r-1"}))

    found = Response(401, headers, secrets=(Secret(TOKEN),)).masked()
    assert TOKEN not in str(found.headers)
    assert found.request_id == "r-1"


def test_a_bearer_is_masked_without_its_scheme_too() -> None:
    found = Response(401, content=TOKEN.encode(), secrets=(Secret(f"Bearer {TOKEN}"),)).masked()

    assert TOKEN.encode() not in found.content


def test_an_empty_secret_masks_nothing() -> None:
    response = Response(422, content=b"refused", secrets=(Secret(""),))

    assert response.masked().content == b"refused"


@pytest.mark.parametrize("padding", [0, 480, 9_980, 9_995, 10_000])
def test_a_secret_is_masked_wherever_a_long_message_is_cut(padding: int) -> None:
    message = TOKEN * 400 + "x" * padding + TOKEN
    body = json.dumps({"message": message}).encode()

    error = Response(422, content=body, secrets=(Secret(TOKEN),)).error(
        lambda document: ErrorBody(message=document["message"])
    )
    assert TOKEN[:12] not in error.message


def test_a_secret_that_json_escapes_is_masked() -> None:
    body = json.dumps({"message": f"refused: {TOKEN}"}).replace("c", "\\u0063").encode()

    error = Response(422, content=body, secrets=(Secret(TOKEN),)).error(
        lambda document: ErrorBody(message=document["message"])
    )
    assert error.message.startswith("refused: *")
    assert TOKEN not in error.message


# The garbage collector


def list_of(count: int, **wrong: object) -> Response:
    users = [{"name": f"app-{n}", "password": "x" * 20} for n in range(count)]
    return Response(
        200, content=json.dumps({"users": [*users, {"name": "last", **wrong}]}).encode()
    )


@pytest.fixture
def collections() -> Iterator[list[str]]:
    """Yield what grows by one each time that the collector begins to look for garbage."""
    begun: list[str] = []

    def note(phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            begun.append(phase)

    gc.callbacks.append(note)
    yield begun
    gc.callbacks.remove(note)


def test_nothing_is_collected_while_a_long_list_is_read(collections: list[str]) -> None:
    response = list_of(5000)
    gc.collect()
    collections.clear()

    users = response.read(list[DatabaseUser], "users")

    assert len(users) == 5001
    # Twice as many objects were made, for which it would have begun more than ten times.
    assert len(collections) <= 1


@pytest.mark.parametrize("on", [True, False])
def test_the_collector_is_left_as_it_was_found(on: bool) -> None:
    if not on:
        gc.disable()
    try:
        list_of(5000).read(list[DatabaseUser], "users")
        read = gc.isenabled()
        with pytest.raises(UnexpectedBody, match=r"users\[5000\]\.role"):
            list_of(5000, role=1).read(list[DatabaseUser], "users")
        assert [read, gc.isenabled()] == [on, on]
    finally:
        gc.enable()
