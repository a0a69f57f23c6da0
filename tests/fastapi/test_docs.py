"""Every example of docs/fastapi.md is an app that starts and answers, or a test that passes."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI

from dbusers.fastapi import problems
from dbusers.testing import Sandbox
from tests.fastapi.serving import asked

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/fastapi.md").read_text()
BLOCKS: Final = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
LINE: Final = "uvicorn docs.examples.fastapi_app.app:app --timeout-graceful-shutdown 5"


def defined_by(block: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(block, "docs/fastapi.md", "exec", dont_inherit=True), names)
    return names


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
async def test_an_example_works(
    block: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    cluster = next(c["id"] for c in sandbox.fleet.digitalocean if c["engine"] == "pg")
    names = defined_by(block)
    tests = [names[name] for name in names if name.startswith("test_")]
    for test in tests:
        await test()
    if tests:
        return
    app: FastAPI = names["app"]

    async with asked(app) as browser:
        users = await browser.get(f"/clusters/{cluster}/users")
        others = [
            await browser.request(method, path.format(cluster=cluster))
            for path, methods in app.openapi()["paths"].items()
            for method in methods
        ]

    assert "doadmin" in users.json()
    assert [each.status_code for each in others if not each.is_success] == []


def test_the_page_has_an_example_for_each_part() -> None:
    assert len(BLOCKS) == 5
    for needed in ("CancelOnDisconnect", "ClientDependency", "without_deadline", "RateLimit("):
        assert any(needed in block for block in BLOCKS), needed


def test_the_two_tables_of_answers_are_one() -> None:
    told = problems.problem_response.__doc__ or ""

    def rows(text: str) -> list[tuple[frozenset[str], str]]:
        table = re.findall(r"^ *\| ([^|]*`[A-Z].*?) *\| *(\d{3})", text, re.M)
        return [(frozenset(re.findall(r"`(\w+)`", errors)), status) for errors, status in table]

    assert len(rows(told)) == 8
    assert rows(told) == rows(PAGE)


def test_the_line_that_runs_the_example_is_the_same_everywhere() -> None:
    from_the_code = (ROOT / "docs/examples/fastapi_app/__init__.py").read_text()

    assert f"$ {LINE}\n" in PAGE
    assert f"    {LINE}\n" in from_the_code
