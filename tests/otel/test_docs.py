"""docs/observability.md: its programs run as they stand, and it names what there is."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from dbusers.testing import Sandbox
from tests.calls import get, opened
from tests.canary_search import found_in, secrets_of
from tests.clocks import JumpingClock
from tests.otel.conftest import Recorded
from tests.raw_server import RawServer, answer

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "observability.md").read_text()
PRINTED = (  # by each program in turn
    ('"name": "GET /v2/databases/{database_cluster_uuid}"', "http.client.request.duration"),
    ("DEBUG dbusers.http GET /v2/databases: attempt 1", "ratelimit-remaining="),
    ("Counter({'GET /v2/databases: 200': 1})",),
    ("a new connection",),
)
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.mark.parametrize(
    ("program", "printed"), list(zip(PROGRAMS, PRINTED, strict=True)), ids=range(len(PRINTED))
)
async def test_a_program_of_the_page_runs(program: str, printed: tuple[str, ...]) -> None:
    async with Sandbox() as sandbox:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", program),
            cwd=ROOT,
            env=os.environ
            | {
                "DIGITALOCEAN_TOKEN": sandbox.digitalocean_token,
                "DIGITALOCEAN_API_URL": sandbox.url,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        shown = output.decode()

        assert process.returncode == 0, shown
        assert all(text in shown for text in printed), shown
        assert found_in([shown], secrets_of(sandbox)) == set()


async def test_the_page_names_every_attribute_and_histogram(
    server: RawServer, recorded: Recorded
) -> None:
    server.plays(answer(503, headers={"x-request-id": "r-1"}), answer(404))
    clock = JumpingClock()

    async with opened(server, clock=clock, **recorded.hooks) as client:
        for _ in range(2):
            await asyncio.gather(get(client), return_exceptions=True)

    attributes = {name for span in recorded.spans for name in span.attributes or {}}
    assert len(attributes) > 8
    assert not {name for name in attributes if f"`{name}`" not in PAGE}
    metrics = re.findall(r'"name": "([a-z_.]+)"', recorded.everything()[-1])
    assert not {name for name in metrics if f"`{name}`" not in PAGE and name != "dbusers"}
