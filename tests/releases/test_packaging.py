"""What is uploaded: the sdist and the wheel made from it, as their users install them."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ("dbusers", "tests", "openapi", "docs")
FILES: Final = (
    ".gitignore",
    ".mkdocs.yml",
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
)

ONE_CALL = """
import asyncio
import dbusers
from dbusers.testing import Sandbox

async def main() -> None:
    async with Sandbox() as sandbox, sandbox.digitalocean() as client:
        clusters = await client.databases.get()
        users = await client.databases.by_id(clusters[0].id).get()
        print(dbusers.__file__, len(clusters), users.name)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with an sdist and the wheel built from it."""
    return build(ROOT, tmp_path_factory.mktemp("dist"))


def build(sources: Path, folder: Path) -> Path:
    # Without isolation: the build backend is among the test tools, and nothing is downloaded.
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(sources)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel is installed, and nothing else."""
    folder = tmp_path_factory.mktemp("site")
    (wheel,) = dist.glob("*.whl")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", str(folder), str(wheel)], check=True)
    return folder


def test_the_installed_wheel_makes_a_call(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ONE_CALL],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed)},
        check=True,
        capture_output=True,
        text=True,
    )

    module, clusters, name = done.stdout.split()
    assert Path(module).is_relative_to(installed)
    assert int(clusters) > 0
    assert name


def test_the_wheel_holds_the_package_alone_and_says_that_it_is_typed(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()

    assert "dbusers/py.typed" in names
    assert {f"dbusers/audit/report/html/page.{kind}" for kind in ("css", "js")} <= set(names)
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"dbusers"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_needs_four_packages_and_no_more(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()

    needed = {
        line.removeprefix("Requires-Dist: ").split(">")[0]
        for line in metadata.splitlines()
        if line.startswith("Requires-Dist: ") and "extra ==" not in line
    }
    assert needed == {"aiohttp", "attrs", "cattrs", "orjson"}


def test_the_sdist_holds_what_its_own_tests_need(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "Makefile",
        ".mkdocs.yml",
        "openapi/digitalocean.yaml",
    } <= names
    assert "tests/releases/test_packaging.py" in names


def test_the_same_sources_give_the_same_bytes_at_another_place_and_time(
    dist: Path, tmp_path: Path
) -> None:
    sources = tmp_path / "another/place"
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in SOURCES:
        shutil.copytree(ROOT / name, sources / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, sources / name)
    for path in sources.rglob("*"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    again = build(sources, tmp_path / "dist")

    assert len(hashes(dist)) == 2
    assert hashes(dist) == hashes(again)


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_the_page_of_the_index_renders(dist: Path) -> None:
    command = [sys.executable, "-m", "twine", "--no-color", "check", "--strict"]
    paths = sorted(str(path) for path in dist.iterdir())
    done = subprocess.run([*command, *paths], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2
