"""The sandbox leans on nothing of the SDK, so that it cannot mirror a mistake in it."""

import ast
from pathlib import Path

import dbusers.testing

PACKAGE = Path(dbusers.testing.__file__).parent
CLIENTS = {"dbusers.digitalocean.client", "dbusers.scalingo.client"}


def imported_modules(source: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(source.read_text())))
    names = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    return names | {n.module or "." * n.level for n in nodes if isinstance(n, ast.ImportFrom)}


def test_only_the_sandbox_and_its_fixtures_know_the_clients() -> None:
    foreign = {
        source.relative_to(PACKAGE).as_posix(): sdk_modules
        for source in PACKAGE.rglob("*.py")
        if (
            sdk_modules := {
                name
                for name in imported_modules(source)
                if name.startswith(("dbusers", ".")) and not name.startswith("dbusers.testing")
            }
        )
    }

    assert foreign == {
        "sandbox.py": CLIENTS,
        "plugin.py": {"dbusers", *CLIENTS},
        "wire.py": {"dbusers.secret"},  # which hides texts, and has no part in what is answered
    }


def test_the_providers_do_not_know_each_other() -> None:
    for provider, other in (("digitalocean", "scalingo"), ("scalingo", "digitalocean")):
        for source in (PACKAGE / provider).glob("*.py"):
            assert not any(f"testing.{other}" in name for name in imported_modules(source))
