"""Python code on a console."""

from textwrap import indent

from rich.console import Console
from rich.padding import Padding
from rich.syntax import Syntax


def print_code(console: Console, code: str) -> None:
    """Print code, indented; on a terminal in its own colours, which suit its background."""
    if not console.is_terminal:
        console.print(indent(code.rstrip(), "  "), soft_wrap=True)
        return
    syntax = Syntax(code, "python", theme="ansi_dark", background_color="default")
    console.print(Padding(syntax, (0, 0, 0, 2), expand=False))
