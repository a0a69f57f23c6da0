"""The wheel, made from the sdist, as its users install it."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

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
    folder = tmp_path_factory.mktemp("dist")
    # Without isolation: the build backend is among the test tools, and nothing is downloaded.
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
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
    assert "tests/test_packaging.py" in names
