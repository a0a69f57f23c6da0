"""The command `dbusers`: databases and users of either provider, audits, the sandbox, the demo.

`app` puts the commands together, which stand in `databases`, `users`, `audit`, `config`, `doctor`,
`sandbox` and `demo`. `options` has what they share, `examples` what their help ends with,
`completion` what Tab offers; `accounts` reaches a provider (`digitalocean`, `scalingo`), `settings`
knows what is configured; `output` is what people and programs see, `verbosity` what they see with
`--verbose`, and `exits` how a command ends.
"""

import sys
from importlib.util import find_spec

NEEDED = ("typer", "rich")


def main() -> None:
    """Run the command; the entry point. Exits with 2 where the extra `cli` is not installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        print(
            f'dbusers: the command needs {" and ".join(missing)}: pip install "dbusers[cli]"',
            file=sys.stderr,
        )
        raise SystemExit(2)
    try:
        from dbusers.cli.app import app  # noqa: PLC0415  (needs what was just looked for)

        app(prog_name="dbusers")
    except KeyboardInterrupt:  # before there is a command to interrupt
        raise SystemExit(130) from None
