"""The examples of docs/testing.md run, section by section, as files of a project of their own."""

import re
from pathlib import Path

import pytest

from tests.testing.installation import install

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text()
NAMED = re.compile(r"# (\w+\.py)\n")


def write(folder: Path, section: int, blocks: list[str]) -> None:
    folder.mkdir()
    for number, block in enumerate(blocks, 1):
        named = NAMED.match(block)
        # Of names that no other section has, for pytest imports both from where they stand.
        name = named[1] if named else f"test_{section}_{number}.py"
        (folder / name).write_text(block)


def test_the_examples_run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    sections = [re.findall(r"^```python\n(.*?)^```$", s, re.M | re.S) for s in PAGE.split("\n## ")]
    for number, blocks in enumerate(sections):
        write(pytester.path / f"section_{number}", number, blocks)
    install(pytester, monkeypatch)

    result = pytester.runpytest_inprocess(
        "-W", "error", "-W", "ignore:Using `httpx` with", "-p", "no:cacheprovider",
        "-o", "asyncio_default_fixture_loop_scope=function", "--ignore=site",
    )  # fmt: skip

    examples = "".join(block for blocks in sections for block in blocks)
    result.assert_outcomes(passed=len(re.findall(r"^ *(?:async )?def test_", examples, re.M)))
    assert all(sections[1:])


def test_the_page_names_every_fixture() -> None:
    source = (ROOT / "dbusers" / "testing" / "plugin.py").read_text()
    fixtures = re.findall(r"@pytest\.fixture\ndef (\w+)", source)

    assert len(fixtures) == 5
    for fixture in fixtures:
        assert f"`{fixture}`" in PAGE
