"""The command as a whole: its groups, its help, its version."""

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dbusers.cli.audit.group import audit
from dbusers.cli.config import config
from dbusers.cli.databases import databases
from dbusers.cli.demo import demo
from dbusers.cli.doctor import doctor
from dbusers.cli.examples import examples
from dbusers.cli.sandbox import sandbox
from dbusers.cli.users import users
from dbusers.cli.verbosity import VERBOSE, log_to_standard_error, verbose_first
from dbusers.version import __version__

HELP = """The users of managed databases at DigitalOcean and Scalingo.

\b
Tokens come from the environment, never from the command line:
  DIGITALOCEAN_TOKEN or DIGITALOCEAN_ACCESS_TOKEN
  SCALINGO_API_TOKEN
Other hosts than the providers': --url, or in the environment
  DIGITALOCEAN_API_URL
  SCALINGO_AUTH_URL, SCALINGO_API_URL, SCALINGO_DB_URL
Scalingo's region: --region, or SCALINGO_REGION

`dbusers config` shows what is in force, `dbusers doctor` whether it works.
"""

EPILOG = """\b
Exit codes:
  0    done
  1    not done: the provider refused or failed, or you answered no
  2    wrong usage, configuration or credentials; nothing was changed
  3    incomplete: something could not be read
  130  interrupted
"""


class Dbusers(TyperGroup):
    """The command as a whole; `--verbose` is heard wherever it stands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line."""
        return super().parse_args(ctx, verbose_first(args))

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names for the help, groups first: they are what one comes for."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: not isinstance(self.commands[name], TyperGroup))


app: typer.Typer = typer.Typer(
    name="dbusers",
    cls=Dbusers,
    help=HELP,
    epilog=EPILOG,
    no_args_is_help=True,
    # Plain help and errors read the same on a terminal, in a log and in the documentation.
    rich_markup_mode=None,
    # A traceback with locals would show what a request holds.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(databases, name="databases")
app.add_typer(users, name="users")
app.add_typer(audit, name="audit")
for _command in (config, doctor, sandbox, demo):
    app.command(epilog=examples(_command.__name__))(_command)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"dbusers {__version__}")
        raise typer.Exit


@app.callback()
def dbusers(
    ctx: typer.Context,
    verbose: Annotated[
        bool,
        typer.Option(
            *VERBOSE,
            help="Log each attempt to standard error, and all about an error. May stand anywhere.",
        ),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Prepare the streams; what the command does is in its help."""
    for stream in (sys.stdout, sys.stderr):
        # A name, or a line of ours, that the terminal's encoding does not have is no reason to die.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if verbose:
        log_to_standard_error(ctx)
