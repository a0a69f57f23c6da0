"""The pytest plug-in, in runs of its own: under every plug-in for asyncio, and under none."""

from pathlib import Path

import pytest

from tests.testing.installation import install

pytest_plugins = ["pytester"]

# What users of the fixtures write; each is run as it stands.
COROUTINES = """
import pytest
from dbusers import ServerError
from dbusers.digitalocean import UserCreate
from dbusers.testing import Fault
{imports}

{mark}
async def test_both_clients(dbusers_sandbox, digitalocean_client, scalingo_client):
    clusters = await digitalocean_client.databases.get()
    databases = await scalingo_client.databases.get()
    assert len(clusters) + len(databases) == 20
    assert {{r.status for r in dbusers_sandbox.requests}} == {{200}}

{mark}
async def test_a_fault(dbusers_sandbox, dbusers_clock, digitalocean_client):
    started = dbusers_clock()
    dbusers_sandbox.inject(Fault("/v2/databases", status=503, times=None))
    with pytest.raises(ServerError):
        await digitalocean_client.databases.get()
    assert dbusers_clock() > started

{mark}
async def test_a_client_that_is_closed_by_hand(digitalocean_client):
    async with digitalocean_client as client:
        assert await client.databases.get()

{mark}
async def test_a_client_that_is_not_used(digitalocean_client, scalingo_client):
    pass

{mark}
async def test_a_state_of_its_own(dbusers_sandbox, digitalocean_client):
    cluster = next(c for c in await digitalocean_client.databases.get() if c.engine == "pg")
    await digitalocean_client.databases.by_id(cluster.id).users.post(UserCreate("app-01"))
    assert len(dbusers_sandbox.requests) == 2
"""
OTHERS = """
import asyncio
import unittest

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from dbusers import DigitalOceanClient


def test_a_loop_within_the_test(digitalocean_client):
    async def names():
        return [c.name for c in await digitalocean_client.databases.get()]

    assert len(asyncio.run(names())) == 15


class TestOfUnittest(unittest.IsolatedAsyncioTestCase):
    @pytest.fixture(autouse=True)
    def _wire(self, digitalocean_client):
        self.client = digitalocean_client

    async def test_its_own_loop(self):
        self.assertEqual(len(await self.client.databases.get()), 15)


async def count(request: Request) -> int:
    return len(await request.app.state.client.databases.get())


def test_a_client_in_an_app(digitalocean_client):
    app = FastAPI()
    app.add_api_route("/count", count)
    app.state.client = digitalocean_client
    with TestClient(app) as browser:
        assert [browser.get("/count").json() for _ in range(3)] == [15, 15, 15]


def test_an_app_that_makes_its_own(dbusers_environment):
    async def own() -> int:
        async with DigitalOceanClient() as client:
            return len(await client.databases.get())

    app = FastAPI()
    app.add_api_route("/count", own)
    with TestClient(app) as browser:
        assert browser.get("/count").json() == 15
    assert len(dbusers_environment.requests_to("GET", "/v2/databases")) == 1
"""
ANYIO = """
@pytest.fixture
def anyio_backend():
    return "asyncio"
"""

WITHOUT_ASYNCIO = ("-p", "no:asyncio")
SCOPES = ("function", "session")


def of_scope(scope: str) -> tuple[str, ...]:
    """Return the options that have pytest-asyncio keep one loop for so long."""
    kinds = ("test", "fixture")
    return tuple(f"-oasyncio_default_{kind}_loop_scope={scope}" for kind in kinds)


@pytest.fixture(autouse=True)
def _installed(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    install(pytester, monkeypatch)


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    # What is left open says so when it is collected as garbage; then it is an error.
    return pytester.runpytest_inprocess("-W", "error", "-p", "no:cacheprovider", *options)


def test_pytest_asyncio_in_strict_mode(pytester: pytest.Pytester) -> None:
    for scope in SCOPES:
        mark = f"@pytest.mark.asyncio(loop_scope='{scope}')"
        pytester.makepyfile(**{f"test_{scope}": COROUTINES.format(mark=mark, imports="")})

    result = run(pytester, "--asyncio-mode=strict", *of_scope("function"))

    result.assert_outcomes(passed=5 * len(SCOPES))


@pytest.mark.parametrize("scope", SCOPES)
def test_pytest_asyncio_in_auto_mode(pytester: pytest.Pytester, scope: str) -> None:
    pytester.makepyfile(COROUTINES.format(mark="", imports=""))

    result = run(pytester, "--asyncio-mode=auto", *of_scope(scope))

    result.assert_outcomes(passed=5)


def test_the_plug_in_of_anyio(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(COROUTINES.format(mark="@pytest.mark.anyio", imports=ANYIO))

    result = run(pytester, *WITHOUT_ASYNCIO)

    result.assert_outcomes(passed=5)


@pytest.mark.parametrize(
    "plug_ins",
    [of_scope("function"), (*WITHOUT_ASYNCIO, "-p", "no:anyio")],
    ids=["all", "none"],
)
def test_loops_of_others(pytester: pytest.Pytester, plug_ins: tuple[str, ...]) -> None:
    pytester.makepyfile(OTHERS)

    # Starlette would rather have httpx's successor.
    result = run(pytester, *plug_ins, "-W", "ignore:Using `httpx` with")

    result.assert_outcomes(passed=4)


def test_waits_take_no_time(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import asyncio

        def test_five_minutes_of_a_limit(dbusers_sandbox, dbusers_clock, digitalocean_client):
            async def read() -> None:
                cluster = digitalocean_client.databases.by_id(
                    dbusers_sandbox.fleet.digitalocean[0]["id"]
                )
                for _ in range(251):
                    await cluster.get()

            started = dbusers_clock()
            asyncio.run(read())
            assert {r.status for r in dbusers_sandbox.requests} == {200}
            assert 60 <= dbusers_clock() - started < 120
    """)

    run(pytester, *WITHOUT_ASYNCIO).assert_outcomes(passed=1)


def test_a_sandbox_of_one_s_own_is_that_of_the_clients(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import pytest
        from dbusers.testing import Sandbox

        @pytest.fixture
        def dbusers_sandbox(dbusers_clock):
            with Sandbox(clock=dbusers_clock, databases=3, users=9) as sandbox:
                yield sandbox
    """)
    pytester.makepyfile("""
        import asyncio

        def test_it(dbusers_sandbox, digitalocean_client):
            found = asyncio.run(digitalocean_client.databases.get())
            assert len(found) == len(dbusers_sandbox.fleet.digitalocean) == 2
    """)

    run(pytester, *WITHOUT_ASYNCIO).assert_outcomes(passed=1)


def test_a_failing_test_shows_no_secret(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import asyncio
        from dbusers.scalingo import UserCreate

        PASSWORD = "".join(["canary-", "password-", "of-30-characters"])

        def test_it(dbusers_sandbox, dbusers_environment, digitalocean_client, scalingo_client):
            async def write():
                await digitalocean_client.databases.get()
                found = next(d for d in await scalingo_client.databases.get() if d.id)
                users = scalingo_client.databases.by_id(found.id, app=found.app).users
                await users.post(UserCreate("app-01", password=PASSWORD, read_only=True))

            asyncio.run(write())
            first, last = dbusers_sandbox.requests[0], dbusers_sandbox.requests[-1]
            for compare in (
                lambda: dbusers_sandbox.requests == [],
                lambda: first.headers == {},
            ):
                assert not compare()
            try:
                assert last.body == b"{}"
            except AssertionError as error:
                print("BODY", error)
            try:
                assert first.authorization == "Bearer"
            except AssertionError as error:
                print("AUTHORIZATION", error)
            try:
                assert dict(first.headers) == {"authorization": "x"}
            except AssertionError as error:
                print("HEADERS", error)
            assert last.json == {"database_user": {"password": "other", "name": "app-01"}}
    """)

    result = run(pytester, *WITHOUT_ASYNCIO, "-vv", "-l")

    result.assert_outcomes(failed=1)
    output = result.stdout.str()
    for shown in ("BODY", "AUTHORIZATION", "HEADERS", "Secret('**********')"):
        assert shown in output
    for secret in ("canary-password", "dop_v1_", "tk-us-", "Bearer ey"):
        assert secret not in output.replace('"canary-", "password-"', "")


def test_the_fixtures_are_listed_with_what_they_give(pytester: pytest.Pytester) -> None:
    result = run(pytester, *WITHOUT_ASYNCIO, "--fixtures")

    listed = result.stdout.str()
    names = ("dbusers_clock", "dbusers_sandbox", "dbusers_environment")
    for name in (*names, "digitalocean_client", "scalingo_client"):
        _, _, after = listed.partition(f"\n{name} --")
        assert "\n    " in after.partition("\n\n")[0], name


def test_who_does_not_use_it_does_not_pay_for_it(pytester: pytest.Pytester) -> None:
    program = pytester.makepyfile("""
        import sys
        import pytest
        before = set(sys.modules)
        import dbusers.testing.plugin
        print(*sorted(set(sys.modules) - before))
    """)

    loaded = pytester.runpython(Path(program)).outlines[-1].split()

    assert loaded == ["dbusers", "dbusers.testing", "dbusers.testing.plugin", "dbusers.version"]
