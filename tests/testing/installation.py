"""The plug-in as pytest finds it in an installed package, for runs within a run."""

from pathlib import Path

import fastapi
import httpx
import pytest

import dbusers

LOADED = (fastapi, httpx)  # once, and not anew by each run within the run


def entry_point(site: Path) -> Path:
    """Write into `site` what pip would of the plug-in: for where the package is not installed."""
    metadata = site / "dbusers-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: dbusers\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[pytest11]\ndbusers = dbusers.testing.plugin\n")
    return site


def install(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the runs of `pytester` the entry point, whether or not the package is installed here."""
    pytester.syspathinsert(entry_point(pytester.path / "site"))
    monkeypatch.setenv("PYTHONPATH", str(Path(dbusers.__file__).parent.parent))
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
