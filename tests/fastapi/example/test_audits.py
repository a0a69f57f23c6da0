"""The example's audit: a stream of events, the summary last, which ends with its reader."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.sse import EventSourceResponse

from dbusers.fastapi import CancelOnDisconnect
from dbusers.testing import Fault, Sandbox
from docs.examples.fastapi_app.app import create_app
from tests.canary_search import secrets_of
from tests.fastapi.serving import PATIENCE, asked, connected, served
from tests.raw_server import RawServer, answer, silence

CLUSTER = {"id": "c-1", "name": "orders", "engine": "pg"}


def events_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of a stream that is over, by the rules of the format."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[:1] != ":")
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


async def audited(app: FastAPI) -> list[tuple[str, dict[str, Any]]]:
    async with asked(app) as browser:
        got = await browser.get("/api/audit")
    assert got.headers["content-type"].startswith("text/event-stream")
    return events_of(got.text)


async def test_every_database_has_an_event_and_the_summary_is_the_last(
    app: FastAPI, sandbox: Sandbox
) -> None:
    events = await audited(app)

    counts = Counter(event for event, _ in events)
    databases = len(sandbox.fleet.digitalocean) + len(sandbox.fleet.scalingo.databases)
    assert events[-1][0] == "summary"
    assert counts["summary"] == 1
    assert counts["listed"] == 2
    assert counts["read"] + counts["skipped"] == databases
    summary = events[-1][1]
    assert summary["complete"] is True
    assert summary["databases"] == databases
    assert summary["users"] == sum(data["users"] for event, data in events if event == "read")
    findings = [each for event, data in events if event == "read" for each in data["findings"]]
    assert findings
    for severity, count in Counter(each["severity"] for each in findings).items():
        assert summary[severity] == count


async def test_the_stream_holds_no_secret(app: FastAPI, sandbox: Sandbox) -> None:
    async with asked(app) as browser:
        text = (await browser.get("/api/audit")).text

    assert not [secret for secret in secrets_of(sandbox) if secret in text]


@pytest.mark.parametrize(
    ("path", "event"), [("/v2/databases/*/users", "not-read"), ("/v1/apps", "not-listed")]
)
async def test_what_was_not_read_is_said(
    app: FastAPI, sandbox: Sandbox, path: str, event: str
) -> None:
    sandbox.inject(Fault(path, status=403, body={"message": "canary-message"}))

    events = await audited(app)

    told = dict(events)
    assert told[event]["error"] == "Forbidden"
    assert told["summary"][event] == 1
    assert told["summary"]["complete"] is False
    assert "canary" not in json.dumps(events)


async def test_the_deadline_of_requests_is_not_the_audits(app: FastAPI) -> None:
    async with asked(app) as browser:
        got = await browser.get("/api/audit", headers={"X-Request-Timeout": "0"})

    assert events_of(got.text)[-1][1]["complete"] is True


@pytest.fixture
def silent_provider(server: RawServer, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> RawServer:
    server.plays(answer(200, {"databases": [CLUSTER]}), silence())
    monkeypatch.setenv("DIGITALOCEAN_API_URL", server.url)
    return server


async def test_a_reader_who_leaves_ends_the_audit(silent_provider: RawServer) -> None:
    async with served(create_app()) as url:
        async with connected(url, "/api/audit") as reader:
            await asyncio.wait_for(reader.readuntil(b'"DigitalOcean"'), PATIENCE)
            while len(silent_provider.requests) < 2:
                silent_provider.arrived.clear()
                await asyncio.wait_for(silent_provider.arrived.wait(), PATIENCE)
        await asyncio.wait_for(silent_provider.left.wait(), PATIENCE)


async def test_a_stream_of_events_that_is_left_between_two_is_not_complained_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = FastAPI()
    cleaned_up = asyncio.Event()

    async def cleaning_up() -> AsyncIterator[None]:
        try:
            yield
        finally:
            cleaned_up.set()

    @app.get("/events", response_class=EventSourceResponse, dependencies=[Depends(cleaning_up)])
    async def events() -> AsyncIterator[int]:
        while True:
            yield 1

    app.add_middleware(CancelOnDisconnect)
    async with served(app) as url:
        async with connected(url, "/events") as reader:
            await asyncio.wait_for(reader.readuntil(b"data: 1"), PATIENCE)
        await asyncio.wait_for(cleaned_up.wait(), PATIENCE)

    assert [each for each in caplog.records if each.levelno > logging.INFO] == []


async def test_events_come_as_they_happen(silent_provider: RawServer) -> None:
    async with (
        served(create_app()) as url,
        httpx.AsyncClient(timeout=PATIENCE) as browser,
        browser.stream("GET", f"{url}/api/audit") as stream,
    ):
        # The provider does not answer for the users, and what is known is here all the same.
        async for line in stream.aiter_lines():
            if '"DigitalOcean"' in line:
                break

    assert json.loads(line.removeprefix("data: ")) == {"provider": "DigitalOcean", "databases": 1}


async def test_a_silent_stream_is_kept_alive(
    silent_provider: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.01)  # seconds; theirs, for tests

    async with served(create_app()) as url, connected(url, "/api/audit") as reader:
        await asyncio.wait_for(reader.readuntil(b"\n: ping\n"), PATIENCE)
