"""Every Python example of the docs runs as it stands, page by page, against the sandbox.

Pages with more than examples have tests of their own: `audit.md` beside the command, and what is
shown there of pytest, FastAPI and OpenTelemetry beside those.
"""

import asyncio
import re
from pathlib import Path
from typing import Any, Final

import pytest

from dbusers.testing import Sandbox

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGES: Final = (
    "index",
    "tutorial",
    "retries-and-limits",
    "proxies-and-tls",
    "middleware",
    "uncovered-endpoints",
)


def blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (DOCS / f"{page}.md").read_text(), re.M | re.S)


def run(page: str, number: int, block: str) -> None:
    """Run a block as a program; `asyncio.run` in it wants a thread without a loop."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(block, f"docs/{page}.md, example {number}", "exec"), names)


@pytest.mark.parametrize("page", PAGES)
async def test_the_examples_of_a_page_run_in_their_order(
    page: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert blocks(page)
    async with Sandbox() as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        for number, block in enumerate(blocks(page), 1):
            await asyncio.to_thread(run, page, number, block)

    said = capsys.readouterr().out
    assert said
    assert sandbox.digitalocean_token not in said
    assert sandbox.scalingo_token not in said
