"""`python -X dev -W error` has nothing to say of any use of the SDK, good or bad."""

import asyncio
import os
import sys
from typing import Final

import pytest

from dbusers.testing import Sandbox

IMPORTS: Final = """
import importlib, pkgutil
import dbusers

modules = [m.name for m in pkgutil.walk_packages(dbusers.__path__, "dbusers.")]
for name in modules:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(modules) > 30)
"""

LIVES: Final = """
import asyncio
from dbusers import DigitalOceanClient, NotFound, ScalingoClient
from dbusers.digitalocean import UserCreate, UserSettings, UserUpdate
from dbusers.scalingo import UserCreate as ScalingoUserCreate, UserUpdate as ScalingoUserUpdate

async def main() -> None:
    async with DigitalOceanClient() as client:
        cluster = next(c for c in await client.databases.get() if c.engine == "pg")
        users = client.databases.by_id(cluster.id).users
        await users.post(UserCreate("app"))
        app = users.by_username("app")
        await app.put(UserUpdate(settings=UserSettings(pg_allow_replication=True)))
        await app.reset_auth.post()
        await app.delete()
        try:
            await app.get()
        except NotFound as error:
            print(error.status)
    async with ScalingoClient() as client:
        found = next(d for d in await client.databases.get() if d.engine == "postgresql")
        users = client.databases.by_id(found.id, app=found.app).users
        await users.post(ScalingoUserCreate("reports"))
        user = users.by_username("reports")
        await user.patch(ScalingoUserUpdate(password="correct-horse-battery-staple"))
        await user.reset_password.post()
        await user.delete()
        print(len(await users.get()) > 0)

asyncio.run(main())
"""

FAULTS: Final = """
import asyncio
from dbusers import DbusersError, RetryOption, TimeoutOption
from dbusers.testing import Fault, Sandbox

FAULTS = [
    dict(status=503), dict(status=429, headers={"retry-after": "0"}), dict(status=401),
    dict(cut="before"), dict(cut="after"), dict(cut="headers"), dict(cut="body"),
    dict(body="<html>"), dict(body=b"\\xff"), dict(wrong_type="databases"), dict(delay=0.3),
]

async def main() -> None:
    ended = set()
    async with Sandbox(limits=False) as sandbox:
        wishes = {
            "rate_limit": None,
            "options": [RetryOption(max_retries=1, base_delay=0), TimeoutOption(attempt=0.1)],
        }
        for fault in FAULTS:
            sandbox.inject(Fault("*", times=3, **fault))
            for client in (sandbox.digitalocean(**wishes), sandbox.scalingo(**wishes)):
                async with client:
                    for _ in range(3):
                        try:
                            await client.databases.get()
                        except DbusersError as error:
                            ended.add(type(error).__name__)
    print(*sorted(ended))

asyncio.run(main())
"""

ENDS: Final = """
import asyncio
from dbusers import ConfigurationError
from dbusers.testing import Fault, Sandbox

async def main() -> None:
    async with Sandbox(limits=False) as sandbox:
        sandbox.inject(Fault("*", times=None, delay=60))
        for make in (sandbox.digitalocean, sandbox.scalingo):
            for turns in (0, 1, 2, 5, 50):
                async with make() as client:
                    calls = [asyncio.create_task(client.databases.get()) for _ in range(120)]
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    for call in calls[::2]:
                        call.cancel()
                for call in calls[1::2]:
                    try:
                        await call
                    except ConfigurationError:
                        pass
                await asyncio.wait(calls)
                try:
                    await client.databases.get()
                except ConfigurationError as error:
                    print(error)

asyncio.run(main())
"""


async def said_by(*arguments: str, sandbox: Sandbox) -> tuple[str, str]:
    """Return what a Python in development mode prints to stdout and to stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "dev", "-W", "error", *arguments),
        env=os.environ | sandbox.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, complaints = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    # In this mode asyncio measures how long each step takes: on a busy machine, the machine.
    lines = complaints.decode().splitlines()
    return out.decode(), "\n".join(line for line in lines if not line.startswith("Executing <"))


CLOSED: Final = "the client is closed: make a new one\n"
FAILURES: Final = (
    "ConnectionFailed RateLimited RequestTimedOut ServerError Unauthorized UnexpectedBody"
)


@pytest.mark.parametrize(
    ("program", "prints"),
    [
        (IMPORTS, "True\n"),
        (LIVES, "404\nTrue\n"),
        (FAULTS, f"{FAILURES}\n"),
        (ENDS, CLOSED * 10),
    ],
    ids=["imports", "lives", "faults", "ends"],
)
async def test_a_program_is_silent(sandbox: Sandbox, program: str, prints: str) -> None:
    assert await said_by("-c", program, sandbox=sandbox) == (prints, "")


@pytest.mark.parametrize(
    ("arguments", "shows"),
    [
        (["--help"], "Usage"),
        (["databases", "list", "-p", "digitalocean"], "pg"),
        (["databases", "list", "-p", "scalingo"], "postgresql"),
        (["users", "list", "{cluster}", "-p", "digitalocean", "--output", "json"], "doadmin"),
    ],
    ids=lambda value: "-".join(value[:2]) if isinstance(value, list) else "",
)
async def test_the_command_is_silent(sandbox: Sandbox, arguments: list[str], shows: str) -> None:
    cluster = next(c["id"] for c in sandbox.fleet.digitalocean if c["engine"] == "pg")
    filled = [argument.format(cluster=cluster) for argument in arguments]

    out, complaints = await said_by("-m", "dbusers.cli", *filled, sandbox=sandbox)
    assert shows in out
    assert complaints == ""
