"""Writes two pages of the reference from what they describe.

    python -m tests.cli.command_reference

They are the help of every command, and what `--output json` prints, which stands in a JSON Schema.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer
from typer.testing import CliRunner

from dbusers.cli.app import app

FOLDER: Final = Path(__file__).parents[2] / "docs" / "reference"
HELP: Final = FOLDER / "command.md"
OUTPUT: Final = FOLDER / "command-output.md"
SCHEMA: Final = FOLDER / "command-output.schema.json"
WIDTH: Final = 80  # columns
TYPER: Final = "0.29."  # each version prints options in a way of its own

HELP_BEGINS: Final = """\
# The command

What `dbusers` says of itself with `--help`. For programs, most commands print JSON:
[what `--output json` prints](command-output.md). [The audit](../audit.md) has a page of its own.

Tab completes commands, options and values, after this and in a new terminal:

```
dbusers --install-completion
```
"""
OUTPUT_BEGINS: Final = """\
# What `--output json` prints

One JSON document on standard output, and nothing else there. What is said to people goes to
standard error; where a command fails, that is all there is, and the exit code says so.

Fields may be added in any version. None is renamed, removed or given another meaning but in a
major one. Secrets are left out, but for a password that was just made; `--show-secrets` shows
them. The databases and users have the provider's own fields, of which the most important ones are
here; a field that the provider leaves out is left out.

The same as a [JSON Schema](command-output.schema.json). The reports of `dbusers audit run` and
`merge` have formats of their own: [Auditing](../audit.md#reports).
"""


def commands() -> Iterator[tuple[str, ...]]:
    """Yield the names of every command and group, the whole one first, as the help lists them."""
    yield ()
    yield from _below((), typer.main.get_command(app))


def help_page() -> str:
    """Return the page with the help of every command."""
    return "\n".join((HELP_BEGINS, *map(_help, commands())))


def output_page() -> str:
    """Return the page with what `--output json` prints."""
    shapes = json.loads(SCHEMA.read_text())["$defs"].values()
    return "\n".join((OUTPUT_BEGINS, *map(_shape, shapes)))


def _below(path: tuple[str, ...], group: Any) -> Iterator[tuple[str, ...]]:
    for name in group.list_commands(None):
        command = group.commands[name]
        yield (*path, name)
        if hasattr(command, "commands"):
            yield from _below((*path, name), command)


def _help(path: tuple[str, ...]) -> str:
    said = CliRunner().invoke(
        app, [*path, "--help"], prog_name="dbusers", terminal_width=WIDTH, color=False
    )
    return f"## {' '.join(('dbusers', *path))}\n\n```text\n{said.stdout.rstrip()}\n```\n"


def _shape(shape: dict[str, Any]) -> str:
    rows = (
        f"| `{name}` | {_type(field)} | {field['description']} |"
        for name, field in shape["properties"].items()
    )
    table = "\n".join(("| field | type | |", "|---|---|---|", *rows))
    return f"## {shape['title']}\n\n{shape['description']}\n\n{table}\n"


def _type(field: dict[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{json.dumps(value).strip(chr(34))}`" for value in field["enum"])
    kinds = [field["type"]] if isinstance(field["type"], str) else field["type"]
    return " or ".join(kinds)


if __name__ == "__main__":
    HELP.write_text(help_page())
    OUTPUT.write_text(output_page())
