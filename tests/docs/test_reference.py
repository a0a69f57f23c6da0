"""The reference has every public name, and the navigation every page."""

import re
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
REFERENCE: Final = ROOT / "docs/reference"
MODULES: Final = (
    "dbusers",
    "dbusers.errors",
    "dbusers.digitalocean",
    "dbusers.scalingo",
    "dbusers.audit",
    "dbusers.bulk",
    "dbusers.fastapi",
    "dbusers.otel",
    "dbusers.testing",
)
DIRECTIVES: Final = {
    name
    for page in REFERENCE.glob("*.md")
    for name in re.findall(r"^::: ([\w.]+)$", page.read_text(), re.M)
}


def homes(module: str, name: str) -> set[str]:
    """Return where in the reference a name may stand: as itself, or with the whole of a module."""
    value = getattr(import_module(module), name)
    defined_in = getattr(value, "__module__", module)
    return {f"{module}.{name}", f"{defined_in}.{name}", module, defined_in} | {
        f"{other}.{name}" for other in MODULES if getattr(import_module(other), name, None) is value
    }


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_in_the_reference(module: str) -> None:
    loaded = import_module(module)
    names = getattr(loaded, "__all__", None) or [
        name for name, value in vars(loaded).items() if getattr(value, "__module__", "") == module
    ]

    missing = [name for name in names if name[0] != "_" and not homes(module, name) & DIRECTIVES]
    assert not missing


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / ".mkdocs.yml").read_text().partition("nav:")[2].partition("plugins:")[0]
    pages = {str(p.relative_to(ROOT / "docs")) for p in (ROOT / "docs").rglob("*.md")}

    assert set(re.findall(r"[\w/-]+\.md", navigation)) == {
        page for page in pages if not page.startswith("examples/")
    }
