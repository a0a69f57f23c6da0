"""Several worker processes share a token's budget by dividing its windows."""

import asyncio
import os
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from dbusers.digitalocean.client import WINDOWS
from dbusers.testing import Sandbox
from docs.examples.fastapi_app.clients import share_of

ROOT: Final = Path(__file__).parents[2]
WORKERS: Final = 2
REQUESTS: Final = 120  # twice what the provider takes in a minute, and its answers do not tell
AT_ONCE: Final = 10
PATIENCE: Final = 60  # seconds


@asynccontextmanager
async def running(sandbox: Sandbox) -> AsyncIterator[str]:
    """Run uvicorn with its workers; who connects before they have started waits in the queue."""
    with socket.create_server(("127.0.0.1", 0), backlog=REQUESTS) as listening:
        fd = listening.fileno()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "uvicorn", "--fd", str(fd), "tests.fastapi.worker_app:app"),
            cwd=ROOT,
            env=os.environ | sandbox.environment | {"WEB_CONCURRENCY": str(WORKERS)},
            pass_fds=[fd],
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stderr
            said = b""
            while said.count(b"Application startup complete") < WORKERS:
                line = await asyncio.wait_for(process.stderr.readline(), PATIENCE)
                assert line, said.decode()
                said += line
            reading = asyncio.create_task(process.stderr.read())  # a full pipe would stop it
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            process.terminate()
            await process.wait()
        assert b"Traceback" not in await reading


async def test_two_workers_together_keep_to_the_budget_of_the_token() -> None:
    async with Sandbox(limits=True) as sandbox, running(sandbox) as url:
        turn = asyncio.Semaphore(AT_ONCE)
        # A connection for each request: whichever worker is free accepts it.
        one_each = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(limits=one_each, timeout=PATIENCE) as browser:

            async def ask() -> httpx.Response:
                async with turn:
                    return await browser.get(f"{url}/apps")

            answers = await asyncio.gather(*(ask() for _ in range(REQUESTS)))

    statuses = Counter(answer.status_code for answer in answers)
    workers = Counter(answer.headers["x-worker"] for answer in answers if answer.is_success)
    assert set(statuses) == {200, 503}
    assert len(workers) == WORKERS
    assert max(workers.values()) < 60 // WORKERS  # one was for the bearer
    assert {request.status for request in sandbox.requests} == {200}  # not one 429
    refused = [answer for answer in answers if answer.status_code == 503]
    assert all(0 < int(answer.headers["retry-after"]) <= 62 for answer in refused)


@pytest.mark.parametrize(("workers", "share"), [(None, 250), ("1", 250), ("4", 62), ("999", 1)])
async def test_a_worker_has_its_share(
    workers: str | None, share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)
    if workers:
        monkeypatch.setenv("WEB_CONCURRENCY", workers)

    limit = share_of(WINDOWS[:1])

    for _ in range(share):
        assert limit.delay() == 0
        await limit.acquire()
    assert limit.delay() > 0
