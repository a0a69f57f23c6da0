"""Users' lives at both providers with everything going wrong, and all that is ever printed of it.

test_secrets_stay_secret.py takes one failure at a time, and our own errors; here the sandbox makes
the secrets, and logs, traces, warnings, tasks, reprs and the command are read for any spelling.
"""

import asyncio
import base64
import json
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
)
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from dbusers import (
    DbusersError,
    DigitalOceanClient,
    OnResponse,
    RequestConfiguration,
    RetryOption,
    ScalingoClient,
    TimeoutOption,
)
from dbusers import digitalocean as do
from dbusers import scalingo as sc
from dbusers.testing import Fault, Sandbox
from tests.canary import shown_by
from tests.canary_search import (
    ANYTHING,
    NAMELESS,
    SENT,
    SHORT,
    found_in,
    secrets_of,
)
from tests.clocks import JumpingClock
from tests.listening import Listener, listening, tracing
from tests.raw_server import (
    BeforeReading,
    Exchange,
    RawServer,
    Step,
    answer,
    end,
    raw,
    silence,
)


@pytest.mark.parametrize("secret", [SENT, "0123456789abcdef", "-----BEGIN X-----\nMIIabcdefgh\n"])
def test_the_search_finds_every_spelling(secret: str) -> None:
    pair = base64.b64encode(f"user:{secret}".encode()).decode()
    shown = [
        secret,
        quote(secret),
        json.dumps({"a": [secret]}),
        json.dumps({"a": secret}, ensure_ascii=False),
        repr({"a": secret}),
        repr({"a": secret.encode()}),
        repr(json.dumps({"a": secret}).encode()),
        f"Basic {pair}",
        f"Basic {base64.b64encode(f':{secret}'.encode()).decode()}",
        secret.encode().hex(),
    ]

    for text in shown:
        assert found_in(["before", f"x{text}y"], [secret]), text
    assert not found_in(["nothing of it", "-----BEGIN X-----"], [secret])


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    with listening() as heard:
        yield heard


# The life


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A small one: its secrets are searched for in megabytes."""
    async with Sandbox(limits=False, databases=20, users=40) as running:
        yield running


class Life:
    """A user's life at both providers, and everything that can be printed of it."""

    def __init__(self, digitalocean: DigitalOceanClient, scalingo: ScalingoClient) -> None:
        self.digitalocean = digitalocean
        self.scalingo = scalingo
        self.printed: list[str] = []
        self.errors = 0
        self.values = 0

    async def note(self, call: Awaitable[object]) -> Any:
        """Await the call, and print what became of it."""
        value: object
        try:
            value = await call
        except (DbusersError, TimeoutError, asyncio.CancelledError) as error:
            self.errors += 1
            self.printed.append(shown_by(error))
            return None
        self.values += 1
        self.printed += [repr(value), str(value), f"{value}"]
        return value

    async def lead(self, cluster: str, database: str, app: str) -> None:
        """Go through every verb of both providers."""
        with_ = RequestConfiguration(options=[OnResponse(lambda r: self.printed.append(repr(r)))])
        users = self.digitalocean.databases.by_id(cluster).users
        mine = users.by_username("app-01")
        await self.note(self.digitalocean.databases.get(with_))
        await self.note(self.digitalocean.databases.by_id(cluster).get(with_))
        await self.note(users.get(with_))
        await self.note(users.post(do.UserCreate("app-01"), with_))
        await self.note(mine.get(with_))
        await self.note(mine.put(do.UserUpdate(settings=do.UserSettings(acl=[])), with_))
        await self.note(mine.reset_auth.post(configuration=with_))
        await self.note(mine.delete(with_))
        others = self.scalingo.databases.by_id(database, app=app).users
        its = others.by_username("app-01")
        await self.note(self.scalingo.databases.get(with_))
        await self.note(others.get(with_))
        await self.note(others.post(sc.UserCreate("app-01", password=SENT), with_))
        await self.note(its.get(with_))
        await self.note(its.patch(sc.UserUpdate(password=SENT), with_))
        await self.note(its.reset_password.post(with_))
        await self.note(its.delete(with_))


CALLS = 15
Lead = Callable[..., Coroutine[Any, Any, Life]]
FAULTS: dict[str, Fault] = {
    "failures": Fault(ANYTHING, status=503, times=None, after=4),
    "limits": Fault(ANYTHING, status=429, headers={"Retry-After": "7"}, times=None, after=4),
    "another type": Fault("/*/users*", body=NAMELESS, times=None),
    "half a body": Fault(ANYTHING, cut="body", times=None, after=3),
    "lost answers": Fault(ANYTHING, cut="after", times=None, after=4),
    "lost requests": Fault(ANYTHING, cut="before", times=None, after=4),
    "silence": Fault(ANYTHING, delay=60, times=None, after=6),
    "a page of a proxy": Fault(ANYTHING, body="<html>no</html>", times=None, after=5),
}


@pytest.fixture
async def life(listener: Listener) -> Lead:
    """Leads a life in the sandbox, with sessions that are traced."""

    async def lead(sandbox: Sandbox, attempt: float = 10) -> Life:
        options = [RetryOption(max_retries=1, base_delay=0), TimeoutOption(attempt=attempt)]
        keywords: dict[str, Any] = {"options": options, "rate_limit": None, "clock": JumpingClock()}
        kafka = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "kafka")
        database = next(d for d in sandbox.fleet.scalingo.databases if d["type_name"] == "mysql")
        async with (
            aiohttp.ClientSession(trace_configs=[tracing(listener.heard)]) as session,
            sandbox.digitalocean(session=session, **keywords) as digitalocean,
            sandbox.scalingo(session=session, **keywords) as scalingo,
        ):
            led = Life(digitalocean, scalingo)
            await led.lead(kafka["id"], database["id"], database["app_name"])
            led.printed += [repr(task) for task in asyncio.all_tasks()]
            led.printed += map(repr, (vars(digitalocean), vars(digitalocean.adapter)))
            led.printed += map(repr, (vars(scalingo), vars(scalingo.adapter)))
        return led

    return lead


async def test_a_life_without_faults_shows_nothing(
    sandbox: Sandbox, life: Lead, listener: Listener
) -> None:
    led = await life(sandbox)

    secrets = secrets_of(sandbox)
    assert (led.values, led.errors) == (CALLS, 0)
    assert len(secrets) > 50
    assert "asyncio" in listener.names
    assert any("TraceRequestHeadersSentParams" in text for text in listener.heard)
    assert found_in([*led.printed, *listener.heard], secrets) == set()
    # What was searched for is what went over the wire: the three forms of Scalingo's tokens too.
    sent = {request.authorization.reveal() for request in sandbox.requests}
    assert sum(credential.startswith("Basic ") for credential in sent) == 1
    assert sum(credential.startswith("Bearer ey") for credential in sent) >= 2
    assert any(SENT in json.loads(r.body or b"{}").get("database_user", {}).values()
               for r in sandbox.requests)  # fmt: skip


async def test_the_reprs_of_the_sandbox_show_nothing(sandbox: Sandbox, life: Lead) -> None:
    await life(sandbox)

    shown = [repr(sandbox), str(sandbox), repr(sandbox.fleet), repr(sandbox.requests)]
    shown += [repr(home.users) for home in sandbox.fleet.digitalocean]
    shown += map(repr, [*sandbox.fleet.digitalocean, *sandbox.fleet.scalingo.databases])
    assert found_in(shown, secrets_of(sandbox)) == set()


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_life_with_faults_shows_nothing(
    sandbox: Sandbox,
    life: Lead,
    listener: Listener,
    fault: str,
) -> None:
    sandbox.inject(FAULTS[fault])

    led = await life(sandbox, attempt=SHORT if fault == "silence" else 10)
    assert led.errors
    assert led.errors + led.values == CALLS
    assert found_in([*led.printed, *listener.heard], secrets_of(sandbox)) == set()


async def test_a_life_with_bearers_that_are_refused_shows_nothing(
    sandbox: Sandbox, life: Lead, listener: Listener
) -> None:
    led = await life(sandbox)
    sandbox.revoke_bearers()
    sandbox.inject(Fault("/v1/tokens/exchange", status=401, times=1))
    led = await life(sandbox)

    assert led.errors == 1
    assert found_in([*led.printed, *listener.heard], secrets_of(sandbox)) == set()


async def test_a_life_in_which_every_call_is_cancelled_shows_nothing(
    sandbox: Sandbox, life: Lead, listener: Listener
) -> None:
    sandbox.inject(Fault(ANYTHING, delay=60, times=None))
    task = asyncio.create_task(life(sandbox))
    for number in range(1, CALLS + 1):
        while len(sandbox.requests) < number:  # noqa: ASYNC110  (the sandbox has no event for it)
            await asyncio.sleep(0)
        task.cancel()

    led = await task
    assert led.errors == CALLS
    assert sum("CancelledError" in text for text in led.printed) == CALLS
    assert found_in([*led.printed, *listener.heard, repr(task)], secrets_of(sandbox)) == set()


async def shown_of(call: Callable[[], Awaitable[object]]) -> str:
    # A frame of its own: a traceback begins here, and the caller's locals are the secrets.
    try:
        return repr(await call())
    except DbusersError as error:
        return shown_by(error)


def plainly(secret: str) -> dict[str, Any]:
    return {"body": {"message": f"bad: {secret}", "error": f"bad: {secret}"}}


def quoted(secret: str) -> dict[str, Any]:
    return plainly(quote(secret, safe=""))


def escaped(secret: str) -> dict[str, Any]:
    letters = "".join(f"\\u{ord(letter):04x}" for letter in secret)
    return {"body": f'{{"message": "bad: {letters}", "error": "bad: {letters}"}}'}


def with_slashes_escaped(secret: str) -> dict[str, Any]:
    return {"body": json.dumps(plainly(secret)["body"]).replace("/", "\\/")}


def in_a_header(secret: str) -> dict[str, Any]:
    return {"headers": {"x-echo": quote(secret), "x-request-id": secret}}


def in_a_wrong_body(secret: str) -> dict[str, Any]:
    return {"body": {secret: secret}, **in_a_header(secret)}


@pytest.mark.parametrize("status", [None, 302, 401, 422])
@pytest.mark.parametrize(
    "tell", [plainly, quoted, escaped, with_slashes_escaped, in_a_header, in_a_wrong_body]
)
async def test_a_server_that_repeats_what_it_was_sent_shows_nothing(
    sandbox: Sandbox, status: int | None, tell: Callable[[str], dict[str, Any]]
) -> None:
    pair = base64.b64encode(f":{sandbox.scalingo_token}".encode()).decode()
    with_ = RequestConfiguration(options=[RetryOption(max_retries=0)])
    async with (
        sandbox.digitalocean(rate_limit=None) as digitalocean,
        sandbox.scalingo(rate_limit=None) as scalingo,
        sandbox.scalingo(rate_limit=None, database_token="canary-bearer/+=") as ready_made,
    ):
        users = ready_made.databases.by_id("ad-1").users
        calls: list[tuple[str, Callable[[], Awaitable[object]]]] = [
            (str(sandbox.digitalocean_token), lambda: digitalocean.databases.by_id("c").get(with_)),
            (str(sandbox.scalingo_token), lambda: scalingo.apps.get(with_)),
            (pair, lambda: scalingo.apps.get(with_)),
            ("canary-bearer/+=", lambda: users.post(sc.UserCreate("app"), with_)),
            (SENT, lambda: users.post(sc.UserCreate("app", password=SENT), with_)),
            (
                SENT,
                lambda: users.by_username("a").patch(sc.UserUpdate(password=SENT), with_),
            ),
        ]
        for secret, call in calls:
            sandbox.inject(Fault(ANYTHING, status=status, **tell(secret)))
            shown = await shown_of(call)
            assert found_in([shown], [secret]) == set()


# A proxy's password


async def refuse_loudly(exchange: Exchange) -> None:
    assert exchange.received is not None
    login = exchange.received.headers["proxy-authorization"]
    challenge = {"Proxy-Authenticate": f'Basic realm="{login}"', "x-login": login}
    await answer(407, {"message": login}, challenge)(exchange)


PROXIES: dict[str, Step | BeforeReading] = {
    "loud": refuse_loudly,
    "502": answer(502, b"no"),
    "no proxy": raw(b"canary\r\n\r\n"),
    "no TLS behind it": answer(200),
    "ends": end,
    "ends before": BeforeReading(end),
    "silent": silence(),
}
WITHOUT_END = ("silent", "no TLS behind it")  # only the timeout ends these


@pytest.mark.parametrize("proxy", PROXIES)
async def test_the_password_of_a_proxy_is_not_shown(
    server: RawServer, listener: Listener, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    address = server.url.replace("//", f"//operator:{quote(SENT, safe='')}@")
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", address)
    server.plays(PROXIES[proxy])
    attempt = SHORT if proxy in WITHOUT_END else 10
    options = [RetryOption(max_retries=1, base_delay=0), TimeoutOption(attempt=attempt)]
    url = "https://provider.example"
    async with DigitalOceanClient("a-token", base_url=url, options=options) as client:
        shown = [await shown_of(client.databases.get), repr(vars(client.adapter))]

    assert "DbusersError" in shown[0] or "dbusers.errors" in shown[0]
    pair = base64.b64encode(f"operator:{SENT}".encode()).decode()
    assert all(r.headers["proxy-authorization"] == f"Basic {pair}" for r in server.requests)
    assert server.requests or proxy == "ends before"
    assert found_in([*shown, *listener.heard], [SENT, pair]) == set()


async def test_a_cancelled_call_through_a_proxy_does_not_show_its_password(
    server: RawServer, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.url.replace("//", f"//x:{quote(SENT, safe='')}@"))
    server.plays(silence())
    async with DigitalOceanClient("a-token", base_url="https://provider.example") as client:
        task = asyncio.create_task(client.databases.get())
        await server.arrived.wait()
        task.cancel()
        try:
            await task
        except asyncio.CancelledError as error:
            listener.heard.append(shown_by(error))

    assert any("create_connection" in text for text in listener.heard)
    pair = base64.b64encode(f"x:{SENT}".encode()).decode()
    monkeypatch.delenv("HTTPS_PROXY")
    assert found_in(listener.heard, [SENT, pair]) == set()
