"""Measurements: durations, attempts and waits, by template and status."""

import asyncio
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import HistogramDataPoint

from dbusers import RetryOption, ServerError
from dbusers.testing import Fault, ManualClock, Sandbox
from tests.calls import get, opened
from tests.otel.conftest import USER, Recorded, with_budget
from tests.raw_server import RawServer, answer, end, silence

# The conventions' own, for request durations in seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
ENDED = ("http.response.status_code", "error.type")


def counts(points: list[HistogramDataPoint]) -> dict[tuple[Any, ...], int]:
    """Return how many measurements there are, by status and class of error."""
    found = [tuple((point.attributes or {}).get(name) for name in ENDED) for point in points]
    assert len(set(found)) == len(found)
    return dict(zip(found, (point.count for point in points), strict=True))


async def test_each_attempt_and_each_operation_is_measured_by_how_it_ended(
    server: RawServer, recorded: Recorded
) -> None:
    server.plays(answer(503), end, answer(200, USER), answer(200, USER), answer(503))

    async with opened(server, **recorded.hooks) as client:
        await get(client)
        await get(client)
        with pytest.raises(ServerError):
            await get(client, RetryOption(max_retries=1))

    failed = "dbusers.errors.ConnectionFailed"
    requests = recorded.measured("http.client.request.duration")
    assert counts(requests) == {(503, "503"): 3, (None, failed): 1, (200, None): 2}
    operations = recorded.measured("dbusers.operation.duration")
    assert counts(operations) == {(200, None): 2, (503, "503"): 1}
    attempts = recorded.measured("dbusers.operation.attempts")
    assert counts(attempts) == {(200, None): 2, (503, "503"): 1}
    assert sorted(point.sum for point in attempts) == [2, 3 + 1]


async def test_measurements_have_the_template_and_the_server_and_the_conventions_buckets(
    server: RawServer, recorded: Recorded
) -> None:
    server.plays(answer(200, USER))

    async with opened(server, **recorded.hooks) as client:
        await get(client)

    (point,) = recorded.measured("http.client.request.duration")
    assert dict(point.attributes or {}) == {
        "http.request.method": "GET",
        "url.template": "/v2/databases/{database_cluster_uuid}/users/{username}",
        "server.address": "127.0.0.1",
        "server.port": int(server.url.rpartition(":")[2]),
        "http.response.status_code": 200,
    }
    assert tuple(point.explicit_bounds) == BUCKETS
    assert 0 < point.sum < 10  # seconds, then; a loopback's milliseconds would be more


async def test_operations_have_room_for_long_waits(server: RawServer, recorded: Recorded) -> None:
    server.plays(answer(200, USER))

    async with opened(server, **recorded.hooks) as client:
        await get(client)

    (operation,) = recorded.measured("dbusers.operation.duration")
    assert operation.explicit_bounds[-1] == 600  # `TimeoutOption.total`, by default


async def test_only_attempts_that_had_to_wait_are_among_the_waits(
    server: RawServer, recorded: Recorded
) -> None:
    server.plays(answer(200, USER))

    async with with_budget(2, server, recorded) as client:
        for _ in range(3):
            await get(client)

    (waits,) = recorded.measured("dbusers.rate_limit.wait")
    assert waits.count == 1
    assert waits.sum == pytest.approx(60, abs=1)
    assert "http.response.status_code" not in (waits.attributes or {})


async def test_a_cancelled_call_is_measured_too(server: RawServer, recorded: Recorded) -> None:
    server.plays(silence())

    async with opened(server, **recorded.hooks) as client:
        call = asyncio.create_task(get(client))
        await server.arrived.wait()
        call.cancel()
        await asyncio.wait([call])

    cancelled = {(None, "asyncio.exceptions.CancelledError"): 1}
    assert counts(recorded.measured("http.client.request.duration")) == cancelled
    assert counts(recorded.measured("dbusers.operation.duration")) == cancelled
    assert recorded.measured("dbusers.operation.attempts") == []


async def test_many_calls_make_few_series(recorded: Recorded) -> None:
    async with Sandbox(limits=False, databases=12) as sandbox:
        sandbox.inject(Fault("/v2/*", status=503, times=3, after=1))
        async with sandbox.digitalocean(clock=ManualClock(), **recorded.hooks) as client:
            clusters = await client.databases.get()
            await asyncio.gather(*(client.databases.by_id(c.id).get() for c in clusters * 5))

    requests = recorded.measured("http.client.request.duration")
    assert sum(point.count for point in requests) == 1 + 5 * len(clusters) + 3
    assert len(requests) <= 4  # two templates, two statuses
