"""What servers say in headers, links and bearers, and no client should do."""

from typing import Any

import pytest

from dbusers import (
    ConnectionFailed,
    RateLimited,
    RetryOption,
    ScalingoClient,
    UnexpectedBody,
    paging,
)
from tests.both_providers import GOOD, ONCE, VERBS, opened
from tests.canary import TOKEN
from tests.clocks import JumpingClock
from tests.odd_answers import (
    OK,
    READ,
    USERS,
    failure,
)
from tests.raw_server import (
    Exchange,
    RawServer,
    Step,
    answer,
    raw,
)

# Bearers


def with_bearers(platform: str, database: str) -> Step:
    """Answer as Scalingo's three hosts do, with these bearers."""

    async def step(exchange: Exchange) -> None:
        assert exchange.received is not None
        body: Any = GOOD
        if exchange.received.target == b"/v1/tokens/exchange":
            body = {"token": platform}
        elif exchange.received.target.startswith(b"/v1/apps/"):
            body = {"addon": {"token": database}}
        await answer(200, body)(exchange)

    return step


@pytest.mark.parametrize(
    "token",
    ["", " ", "canary x", "canary-é", "canary-x\r\nX-Injected: 1", "canary-\x00", "canary-x\n"],
)
@pytest.mark.parametrize("which", ["platform", "database"])
async def test_a_bearer_that_is_none_is_not_kept(server: RawServer, token: str, which: str) -> None:
    hosts: dict[str, Any] = dict.fromkeys(("auth_url", "api_url", "database_api_url"), server.url)
    bad = {"platform": "a-bearer", "database": "another"} | {which: token}
    server.plays(with_bearers(**bad))

    async with ScalingoClient(TOKEN, rate_limit=None, options=[ONCE], **hosts) as client:
        users = client.databases.by_id("ad-1", app="shop").users
        error = await failure(users.get())
        assert isinstance(error, UnexpectedBody)
        assert error.problems[0].endswith("token")
        assert not server.requests[-1].target.startswith(b"/api/")

        server.plays(with_bearers("a-bearer", "another"))
        assert await users.get() == [USERS[1]]


# Headers


BACKOFF = [0.5]  # of RetryOption(base_delay=0.5, jitter=0)
WAITS: dict[str, tuple[str | bytes, list[float]]] = {
    "negative": ("-1", BACKOFF),
    "NaN": ("NaN", BACKOFF),
    "infinite": ("inf", BACKOFF),
    "an exponent": ("1e9", BACKOFF),
    "30 digits": ("9" * 30, BACKOFF),
    "empty": ("", BACKOFF),
    "words": ("canary-answer", BACKOFF),
    "8,000 bytes": ("1 " * 4000, BACKOFF),
    "no date": ("Fri, 31 Dec 10000 23:59:59 GMT", BACKOFF),
    "an overflow": ("Fri, 31 Dec 9999 23:59:59 -9999", BACKOFF),
    "long past": ("Sun, 06 Nov 1994 08:49:37 GMT", [0.0]),
    "zero": ("0", [0.0]),
    "seconds": ("2", [2.0]),
    "two": ("2\r\nRetry-After: 999999", [2.0]),
}


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("value", "waits"), WAITS.values(), ids=WAITS)
async def test_a_hostile_retry_after_is_no_wait_of_its_own(
    server: RawServer, status: int, value: str, waits: list[float]
) -> None:
    clock = JumpingClock()
    server.plays(answer(status, b"no", {"Retry-After": value}), answer(200, GOOD))

    async with opened(server.url, clock=clock, options=[RetryOption(jitter=0)]) as clients:
        assert await clients.do_users.get() in READ
    assert [wait for wait in clock.sleeps if wait] == [wait for wait in waits if wait]


@pytest.mark.parametrize("value", ["91", "9" * 14, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_nobody_waits_until_the_year_9999(server: RawServer, value: str) -> None:
    clock = JumpingClock()
    server.plays(answer(429, b"no", {"Retry-After": value}), answer(200, GOOD))

    async with opened(server.url, clock=clock, options=[]) as clients:
        for verb in (VERBS["do-list"], VERBS["sc-create"]):
            server.plays(answer(429, b"no", {"Retry-After": value}))
            error = await failure(verb(clients, None))
            assert isinstance(error, RateLimited)
            assert error.retry_after is not None
            assert error.retry_after > 90
    assert clock.sleeps == []


@pytest.mark.parametrize(
    "value",
    ["", "-1", "NaN", "inf", "1e999", "9" * 400, "0x10", "1,000", "5, 6", "Fri", "\u0661", "²"],
)
@pytest.mark.parametrize("status", [200, 429])
async def test_a_hostile_budget_is_no_budget(server: RawServer, status: int, value: str) -> None:
    names = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After")
    server.plays(answer(status, GOOD, dict.fromkeys(names, value)))

    async with opened(server.url) as clients:
        for verb in (VERBS["do-list"], VERBS["sc-create"]):
            if status == 200:
                assert await verb(clients, None) in READ
                continue
            error = await failure(verb(clients, None))
            state = error.rate_limit
            assert state is not None
            assert (state.limit, state.remaining, state.resets_at) == (None, None, None)
            assert state.retry_after is None


# Pages


def hostile_links(url: str) -> dict[str, Any]:
    return {
        "another host": "http://192.0.2.1/v2/databases?page=2",
        "another port": "http://127.0.0.1:1/v2/databases?page=2",
        "another name of the host": url.replace("127.0.0.1", "localhost"),
        "a shorter name of the host": url.replace("127.0.0.1", "127.1"),
        "another scheme": url.replace("http:", "https:"),
        "no web": url.replace("http:", "ftp:"),
        "user information": url.replace("http://", "http://user:canary-x@"),
        "the host as user": url.replace("http://", "http://192.0.2.1@"),
        "a backslash": f"{url}\\@192.0.2.1/",
        "a path": "/v2/databases?page=2",
        "no scheme": "//192.0.2.1/v2/databases",
        "a script": "javascript:alert(1)",
        "a fragment": f"{url}/v2/databases#page=2",
        "dots": f"{url}/v2/databases/../account",
        "quoted dots": f"{url}/v2/databases/%2e%2E/account",
        "a space": f"{url}/v2/data bases",
        "a second request": f"{url}/v2 HTTP/1.1\r\nHost: x\r\n\r\nDELETE /v2",
        "a tab": f"{url}/v2/\tdatabases",
        "a line separator": f"{url}/v2/\u2028",
        "brackets": "http://[::1",
        "a port that is none": "http://127.0.0.1:canary-port/",
        "empty": "",
        "a number": 2,
        "a truth": True,
        "a list": [f"{url}/v2/databases?page=2"],
        "an object": {"href": f"{url}/v2/databases?page=2"},
    }


@pytest.mark.parametrize("kind", hostile_links(""))
async def test_a_hostile_link_to_the_next_page_is_not_followed(
    server: RawServer, kind: str
) -> None:
    link = hostile_links(server.url)[kind]
    server.plays(answer(200, {**GOOD, "links": {"pages": {"next": link}}}))

    async with opened(server.url) as clients:
        error = await failure(clients.do_users.get())
    assert isinstance(error, UnexpectedBody)
    assert str(error).endswith("@ $.links.pages.next")
    assert len(server.requests) == 1


@pytest.mark.parametrize("number", ["2", 2.0, True, [2], {"page": 2}, "http://192.0.2.1/", "../x"])
async def test_a_hostile_number_of_the_next_page_is_not_followed(
    server: RawServer, number: Any
) -> None:
    meta = {"pagination": {"next_page": number}}
    server.plays(answer(200, {**GOOD, "meta": meta}))

    async with opened(server.url) as clients:
        error = await failure(clients.sc_users.get())
    assert isinstance(error, UnexpectedBody)
    assert str(error).endswith("@ $.meta.pagination.next_page")
    assert len(server.requests) == 1


@pytest.mark.parametrize("following", [1, 0, -1, 2**63])
async def test_numbers_of_pages_in_a_circle_end(server: RawServer, following: int) -> None:
    server.plays(answer(200, {**GOOD, "meta": {"pagination": {"next_page": following}}}))

    async with opened(server.url) as clients:
        error = await failure(clients.sc_users.get())
    assert "circle" in str(error)
    assert len(server.requests) == 2


async def test_pages_without_end_end(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MOST_PAGES", 20)

    async def one_more(exchange: Exchange) -> None:
        number = len(server.requests) + 1
        link = f"{server.url}/v2/databases/c-1/users?page={number}"
        more = {"links": {"pages": {"next": link}}, "meta": {"pagination": {"next_page": number}}}
        await answer(200, {**GOOD, **more})(exchange)

    server.plays(one_more)
    async with opened(server.url) as clients:
        for listed in (clients.do_users, clients.sc_users):
            server.requests.clear()
            error = await failure(listed.get())
            assert isinstance(error, UnexpectedBody)
            assert "20 pages" in str(error)
            assert len(server.requests) == 20


async def test_a_page_that_fails_fails_the_list(server: RawServer) -> None:
    following = {"pages": {"next": f"{server.url}/v2/databases/c-1/users?page=2"}}
    server.plays(answer(200, {**GOOD, "links": following}), raw(OK[:-5]))

    async with opened(server.url) as clients:
        error = await failure(clients.do_users.get())
    assert isinstance(error, ConnectionFailed)
