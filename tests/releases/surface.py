"""The public surface as text: each name that users may import, with what it takes and gives.

`python -m tests.releases.surface` writes it to `public.txt`. It is read from the sources, so that
it is the same on every Python.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import griffe

ROOT: Final = Path(__file__).parents[2]
PUBLIC: Final = Path(__file__).parent / "public.txt"
MODULES: Final = (
    "dbusers",
    "dbusers.errors",
    "dbusers.digitalocean",
    "dbusers.digitalocean.inventory",
    "dbusers.scalingo",
    "dbusers.scalingo.inventory",
    "dbusers.audit",
    "dbusers.audit.accounts.account",
    "dbusers.audit.accounts.configuration",
    "dbusers.audit.accounts.opening",
    "dbusers.audit.accounts.selection",
    "dbusers.audit.accounts.sources",
    "dbusers.audit.plan",
    "dbusers.audit.policy",
    "dbusers.audit.report",
    "dbusers.audit.run",
    "dbusers.audit.store",
    "dbusers.bulk",
    "dbusers.fastapi",
    "dbusers.logs",
    "dbusers.otel",
    "dbusers.testing",
)


def surface() -> str:
    """Return the surface, a line for each name, in order."""
    package = griffe.load("dbusers", search_paths=[ROOT])
    lines = {line for name in MODULES for line in _module(package.modules_collection[name])}
    return "".join(f"{line}\n" for line in sorted(lines, key=_name))


def _name(line: str) -> str:
    return line.removeprefix("class ").removeprefix("async ")


def _module(module: griffe.Module) -> Iterator[str]:
    for name in module.exports or _own_names(module):
        member = module.members.get(str(name))
        if member is not None:  # else it is loaded on use, and read where it is defined
            yield from _lines(f"{module.path}.{name}", member)


def _own_names(module: griffe.Module) -> list[str]:
    return [n for n, m in module.members.items() if not m.is_alias and not n.startswith("_")]


def _lines(
    path: str, named: griffe.Object | griffe.Alias, *, in_class: bool = False
) -> Iterator[str]:
    member = named.final_target if isinstance(named, griffe.Alias) else named
    if isinstance(member, griffe.Class):
        yield f"class {path}({', '.join(map(str, member.bases))})"
        for name, inner in member.all_members.items():
            if name == "__init__" or not name.startswith("_"):
                yield from _lines(f"{path}.{name}", inner, in_class=True)
    elif isinstance(member, griffe.Function):
        # One line each, whatever the formatter makes of the source.
        signature = " ".join(member.signature(return_type=True, name=path).split())
        yield f"async {signature}" if "async" in member.labels else signature
    elif isinstance(member, griffe.Attribute):
        annotation = f": {member.annotation}" if member.annotation else ""
        # What a method assigns is no default.
        is_default = member.value and ("class-attribute" in member.labels or not in_class)
        value = f" = {member.value}" if is_default else ""
        yield " ".join(f"{path}{annotation}{value}".split())


if __name__ == "__main__":
    PUBLIC.write_text(surface())
