"""What is uploaded: the same bytes from the same sources, with a page that renders."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ("dbusers", "tests", "openapi", "docs")
FILES: Final = (".mkdocs.yml", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "Makefile")


def build(place: Path, *, modified: int) -> Path:
    """Build from a copy of the sources, last touched at another time; return the folder."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in SOURCES:
        shutil.copytree(ROOT / name, place / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, place / name)
    for path in place.rglob("*"):
        os.utime(path, (modified, modified))
    # Without isolation: the build backend is among the test tools, and nothing is downloaded.
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(place / "dist")]
    subprocess.run([*command, str(place)], check=True, capture_output=True)
    return place / "dist"


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("one"), modified=1_600_000_000)


def test_two_builds_have_one_hash(built: Path, tmp_path: Path) -> None:
    again = build(tmp_path / "another/place", modified=1_700_000_000)

    assert len(hashes(built)) == 2
    assert hashes(built) == hashes(again)


def test_the_page_of_the_index_renders(built: Path) -> None:
    command = [sys.executable, "-m", "twine", "--no-color", "check", "--strict"]
    paths = sorted(str(path) for path in built.iterdir())
    done = subprocess.run([*command, *paths], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2
