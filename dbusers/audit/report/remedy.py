"""The remedy of a finding, with the names filled in, so that it can be copied and run.

A name is quoted for where it goes: a user called `x; rm -rf ~` stays one argument of the command,
and one string of the call. A check's templates therefore hold `{database}` and `{user}` bare, and
a command has its options before them: `--` ends these for a user called `--help`. Whose database it
is stands in every command of ours, since tokens of several providers may be set.
"""

import re
import shlex
from collections.abc import Callable
from typing import Final

from dbusers.audit.findings import Finding

PLACE: Final = re.compile(r"\{(database|user|app)\}")
ARGUMENT: Final = re.compile(r"(?<= )\{(database|user)\}")
OURS: Final = re.compile(r"dbusers (?:users|databases) [a-z]+")
# What the command calls the providers, and how it finds a database of theirs without a search.
TARGETS: Final = {
    "DigitalOcean": "-p digitalocean",
    "Scalingo": "-p scalingo --app={app}",
}


def call_for(finding: Finding) -> str:
    """Return the remedy as the SDK's call, "" if there is none."""
    if finding.by_hand:
        return ""
    return _filled(finding.check.call, finding, ascii)


def command_for(finding: Finding) -> str:
    """Return the remedy as a shell command, "" if there is none."""
    if finding.by_hand:
        return ""
    template = _for_provider(finding)
    if any(name.startswith("-") for name in (finding.database.id, finding.user or "")):
        template = ARGUMENT.sub(r"-- \g<0>", template, count=1)
    return _filled(template, finding, _argument)


def _for_provider(finding: Finding) -> str:
    command, database = finding.check.command, finding.database
    target, ours = TARGETS.get(database.provider), OURS.match(command)
    if target is None or ours is None:
        return command
    return f"{ours[0]} {target}{command[ours.end() :]}"


def _filled(template: str, finding: Finding, quote: Callable[[str], str]) -> str:
    # All at once: a name that is itself "{user}" is not filled in again.
    names = _names(finding)
    return PLACE.sub(lambda place: quote(names[place[1]]), template)


def _names(finding: Finding) -> dict[str, str]:
    database = finding.database
    return {"database": database.id, "user": finding.user or "", "app": database.name}


def _argument(name: str) -> str:
    if name.isprintable():
        return shlex.quote(name)
    # The shell's $'…' turns escapes back, so that the command shows what it does.
    escaped = "".join(_shell_escape(character) for character in name)
    return f"$'{escaped}'"


def _shell_escape(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x80 else f"\\U{code:08x}"
