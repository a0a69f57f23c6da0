"""The commands of the audit, and which one it is without a name."""

from typing import Any, Final

import typer
from typer.core import TyperGroup

from dbusers.cli.audit.checks import checks, explain
from dbusers.cli.audit.init import init
from dbusers.cli.audit.plan import plan
from dbusers.cli.audit.run import run
from dbusers.cli.audit.runs import diff, merge, runs
from dbusers.cli.examples import examples

HELP = """Read every user of whole accounts, and say what is wrong.

\b
Without a command this is `dbusers audit run`:
  dbusers audit                                the findings, as tables
  dbusers audit -o table -o html=audit.html    and as a page
  dbusers audit --resume                       after Ctrl-C, a crash or a kill
  dbusers audit --from last                    judge a run anew; reads nothing
  dbusers audit run --help                     all options

Accounts come from dbusers.toml or, without one, from the tokens in the environment. What was read
is kept in a store, to resume, to judge again, and to see what changed.
"""

EPILOG = """\b
Exit codes:
  0    nothing found at or above --fail-on
  1    findings
  2    wrong usage, configuration or credentials
  3    incomplete: something could not be read, whatever was found
  130  interrupted; --resume goes on
"""

DEFAULT: Final = "run"


class RunByDefault(TyperGroup):
    """The commands of a group, of which `run` need not be named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `run` in front of options that belong to no command."""
        if not args:
            unnamed = not ctx.resilient_parsing  # else Tab is to offer the names
        else:
            unnamed = args[0].startswith("-") and args[0] not in ctx.help_option_names
        if unnamed:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


audit: typer.Typer = typer.Typer(cls=RunByDefault, help=HELP, epilog=EPILOG)
for _command in (run, plan, checks, explain, init, runs, diff, merge):
    audit.command(epilog=examples(f"audit {_command.__name__}"))(_command)
