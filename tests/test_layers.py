"""The arrows of the design: who may import whom, and what loads with the package."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dbusers

PACKAGE = Path(dbusers.__file__).parent

# Each row may import the rows above it, and its own; a module that is not here fails the tests.
LAYERS = (
    {"errors", "secret", "absent", "openenum", "clock", "urls", "version"},
    {"model", "fieldtypes", "unfrozen", "constructors"},
    {"codec", "response", "options", "request", "auth", "proxy", "windows", "ratelimit"},
    {"deadline", "logs", "retry", "middleware", "timeouts", "transport", "attempt", "adapter"},
    {"builder", "paging"},
    {"digitalocean", "scalingo"},
    {"audit"},
    {"bulk", "cli", "fastapi", "otel", "testing"},
)
# For people and frameworks: nothing imports them, but the cli.
EDGES = {"bulk", "cli", "fastapi", "otel", "testing"}
NEVER_TOGETHER = [("digitalocean", "scalingo"), ("scalingo", "digitalocean")]
# A provider's inventory fills in the audit's account of a user; nothing else of it is known there.
INVENTORIES = {"digitalocean.inventory", "scalingo.inventory"}
# Says which extra to install where it is missing, so it cannot import it first.
ENTRY_POINTS = {"cli"}
# Only the lines of the sandbox that hand out wired clients and fixtures know the SDK.
SANDBOX_EDGE = {"testing.sandbox", "testing.plugin"}


def modules() -> Iterator[tuple[str, Path]]:
    """Yield every module, named from the package on."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


def part_of(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imports(path: Path, *, run_time_only: bool = False) -> Iterator[tuple[str, int]]:
    """Yield what a module imports, in full, and on which line."""
    tree = ast.parse(path.read_text())
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if run_time_only and is_type_checking(node):
            skipped.update(ast.walk(node))
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                is_module = inner.removeprefix("dbusers.") in ALL
                yield (inner if is_module else str(node.module)), node.lineno


def own(name: str) -> str | None:
    """Return the part of the package that an import is of, None for others' modules."""
    if name == "dbusers":
        return "__init__"
    return part_of(name.removeprefix("dbusers.")) if name.startswith("dbusers.") else None


ALL = dict(modules())
INNER = {name: path for name, path in ALL.items() if name}


@pytest.mark.parametrize("module", INNER)
def test_a_module_imports_only_what_stands_before_it(module: str) -> None:
    (rank,) = (number for number, layer in enumerate(LAYERS) if part_of(module) in layer)
    allowed = set.union(*LAYERS[: rank + 1])

    for name, line in imports(INNER[module], run_time_only=module == "errors"):
        target = own(name)
        if module in INVENTORIES and name == "dbusers.audit.records":
            continue
        if target is None or (part_of(module) in EDGES and target == "__init__"):
            continue
        assert target in allowed, f"{module}:{line} imports {name}"
        assert (part_of(module), target) not in NEVER_TOGETHER, f"{module}:{line} imports {name}"
        if target in EDGES and part_of(module) != target:
            assert part_of(module) == "cli", f"{module}:{line} imports {name}"


def test_errors_imports_nothing() -> None:
    assert not [name for name, _ in imports(INNER["errors"], run_time_only=True) if own(name)]


def test_the_kernel_imports_in_no_circle() -> None:
    kernel = set.union(*LAYERS[:4]) & set(INNER)
    arrows = {
        module: {own(name) for name, _ in imports(INNER[module], run_time_only=module == "errors")}
        & kernel
        for module in kernel
    }
    done: set[str] = set()
    while ready := {m for m, targets in arrows.items() if m not in done and targets <= done}:
        done |= ready

    assert done == kernel


def test_the_audit_does_not_know_the_providers_but_where_it_opens_accounts() -> None:
    for module in (m for m in INNER if part_of(m) == "audit" and m != "audit.accounts.opening"):
        targets = {own(name) for name, _ in imports(INNER[module])}

        assert not targets & {"digitalocean", "scalingo"}, module


@pytest.mark.parametrize("module", [m for m in INNER if part_of(m) == "testing"])
def test_the_sandbox_does_not_know_what_it_tests(module: str) -> None:
    if module in SANDBOX_EDGE:
        return
    targets = {own(name) for name, _ in imports(INNER[module])}

    assert targets <= {None, "testing", "secret"}  # which hides texts, and nothing more


@pytest.mark.parametrize("module", sorted(set(ALL) - ENTRY_POINTS))
def test_imports_stand_at_the_top(module: str) -> None:
    tree = ast.parse(ALL[module].read_text())
    at_top = {
        inner
        for node in tree.body
        for inner in (ast.walk(node) if is_type_checking(node) else [node])
    }
    hidden = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in at_top
    ]

    assert not hidden, f"{module}: {hidden}"


def test_only_the_transport_and_the_sandbox_open_connections() -> None:
    for module, path in ALL.items():
        if part_of(module) in {"transport", "testing", "cli", "fastapi"}:
            continue
        source = path.read_text()
        for call in ("ClientSession(", "create_connection", "open_connection", "socket.socket"):
            assert call not in source, f"{module}: {call}"


def test_no_module_is_called_for_what_it_is_not() -> None:
    vague = {"utils", "helpers", "common", "base", "core", "misc", "manager"}

    assert not {part for name in ALL for part in name.split(".")} & vague


@pytest.mark.parametrize("module", ALL)
def test_a_module_can_be_read_in_one_sitting(module: str) -> None:
    assert len(ALL[module].read_text().splitlines()) <= 400


def run(code: str) -> set[str]:
    """Run code in a fresh interpreter and return the words it prints."""
    found = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=PACKAGE.parent,
    )
    return set(found.stdout.split())


def test_importing_the_package_loads_only_what_the_clients_need() -> None:
    loaded = run(
        "import sys, dbusers\n"
        "dbusers.DigitalOceanClient, dbusers.ScalingoClient\n"
        "print(*sys.modules)"
    )

    assert "aiohttp" in loaded
    heavy = {
        "typer",
        "rich",
        "fastapi",
        "opentelemetry",
        "click",
        "yaml",
        "pydo",
        "pytest",
        "hypothesis",
    }
    assert not loaded & heavy
    ours = {name for name in loaded if name.startswith("dbusers.")}
    assert not {
        name for name in ours if part_of(name.removeprefix("dbusers.")) in EDGES | {"audit"}
    }


def test_one_provider_does_not_load_the_other() -> None:
    digitalocean = run("import sys, dbusers.digitalocean; print(*sys.modules)")
    scalingo = run("import sys, dbusers.scalingo; print(*sys.modules)")

    assert not {name for name in digitalocean if name.startswith("dbusers.scalingo")}
    assert not {name for name in scalingo if name.startswith("dbusers.digitalocean")}
