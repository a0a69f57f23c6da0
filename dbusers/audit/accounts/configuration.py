"""Which accounts to audit: `dbusers.toml`, or for one account of each provider the environment.

    [[accounts]]
    name = "production"                       # as reports call it
    provider = "digitalocean"                 # or "scalingo"
    token_env = "DIGITALOCEAN_TOKEN_PROD"     # the environment variable that holds the token
    include = { tag = ["production"] }        # by name, tag, engine or region; `*` and `?` match
    exclude = { name = ["*-scratch"] }

    [[accounts]]
    name = "agency"
    provider = "scalingo"
    region = "osc-secnum-fr1"
    token_command = ["pass", "show", "scalingo/agency"]   # prints the token; there is no shell
    reserve = 0.2                             # the share of the rate limit that is left for others

A token never stands in the file itself. Without `token_env` and `token_command` it is taken from
the provider's own variable.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import attrs

from dbusers.audit import patterns
from dbusers.audit.accounts.selection import EVERYTHING, FIELDS, Selection
from dbusers.audit.toml.document import Document, Table, instead, shown
from dbusers.errors import ConfigurationError

VARIABLES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "digitalocean": ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN"),
        "scalingo": ("SCALINGO_API_TOKEN",),
    }
)
"""The providers, and the environment variables that hold their tokens."""

KEYS: Final = (
    "name",
    "provider",
    "token_env",
    "token_command",
    "region",
    "url",
    "reserve",
    "include",
    "exclude",
)
FORBIDDEN: Final = frozenset({"token", "api_token", "access_token", "password", "secret"})


@attrs.frozen
class AccountSettings:
    """One account as it is configured; see the top of this module.

    `place` is where that is said, for error messages.
    """

    name: str
    provider: str
    place: str
    token_env: tuple[str, ...] = attrs.field(default=(), repr=False)  # may be a token by mistake
    token_command: tuple[str, ...] = attrs.field(default=(), repr=False)
    region: str | None = None
    url: str | None = None
    reserve: float = 0.0
    selection: Selection = EVERYTHING


def accounts_from_environment() -> list[AccountSettings]:
    """Return an account for each provider whose token is set.

    Raises `ConfigurationError` if there is none.
    """
    found = [
        AccountSettings(provider, provider, "environment", token_env=variables)
        for provider, variables in VARIABLES.items()
        if any(os.environ.get(variable) for variable in variables)
    ]
    if not found:
        raise ConfigurationError(
            "no account to audit: set DIGITALOCEAN_TOKEN or SCALINGO_API_TOKEN in the environment, "
            "or describe several accounts in dbusers.toml"
        )
    return found


def accounts_from_file(path: Path) -> list[AccountSettings]:
    """Return the accounts that a `dbusers.toml` describes, in its order.

    Raises `ConfigurationError`, which names file, line and key, for all that is wrong in it; it
    never repeats a value that could be a token.
    """
    try:
        return _accounts(Document.read(path))
    except ConfigurationError as error:
        # The frames of reading hold the file, and in it perhaps a token that should not be there.
        error.__context__ = None
        raise error.with_traceback(None) from None


def _accounts(document: Document) -> list[AccountSettings]:
    document.table.only("accounts")
    lines: dict[str, int] = {}
    settings = []
    for table in document.table.tables("accounts"):
        account = _read(table)
        settings.append(account)
        if account.name in lines:
            table.problem(f"is also that of the account in line {lines[account.name]}", "name")
        lines.setdefault(account.name, table.anchor("name").line)
    if not settings and "accounts" not in document.table:
        document.problem("is missing; give an [[accounts]] table for each account", "accounts")
    elif not settings and not document.problems:
        document.problem("is empty; give an [[accounts]] table for each account", "accounts")
    document.raise_problems()
    return settings


def _read(table: Table) -> AccountSettings:
    for key in FORBIDDEN.intersection(table.values):
        table.problem(
            "a token does not belong in a file; allowed: token_env, the name of an environment "
            "variable, or token_command, a program that prints it; replace the token that was here",
            key,
        )
    for key in table.values:
        if key not in FORBIDDEN and key not in KEYS:
            table.problem(f"unknown key{instead(key, KEYS)}", key)
    provider = _provider(table)
    region = table.text("region")
    if region is not None and provider == "digitalocean":
        table.problem(
            "chooses the hosts of Scalingo; to audit some regions only: "
            'include = { region = ["fra1"] }',
            "region",
        )
    anchor = table.anchor()
    return AccountSettings(
        _name(table),
        provider,
        f"{anchor.file}:{anchor.line}",
        token_env=_token_env(table, provider),
        token_command=_token_command(table),
        region=region,
        url=table.text("url"),
        reserve=_reserve(table),
        selection=Selection(_patterns(table, "include"), _patterns(table, "exclude")),
    )


def _name(table: Table) -> str:
    name = table.text("name")
    if name is None and "name" not in table:
        table.problem("is missing; it is what reports call the account", "name")
    elif name is not None and (not name.strip() or not name.isprintable()):
        table.problem("is empty, or not on one line; it is what reports call the account", "name")
    return name or ""


def _provider(table: Table) -> str:
    provider = table.text("provider")
    if provider is None and "provider" not in table:
        table.problem(f"is missing; allowed: {', '.join(VARIABLES)}", "provider")
    elif provider is not None and provider not in VARIABLES:
        table.problem(f"is {shown(provider)!r}{instead(provider, VARIABLES)}", "provider")
    return provider or ""


def _token_env(table: Table, provider: str) -> tuple[str, ...]:
    if "token_env" not in table:
        return () if "token_command" in table else VARIABLES.get(provider, ())
    if "token_command" in table:
        table.problem("stands beside token_env; give one of them", "token_command")
    variable = table.text("token_env") or ""
    # What is wrong is not repeated: it may be the token itself.
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
        table.problem("is not the name of an environment variable", "token_env")
    return (variable,)


def _token_command(table: Table) -> tuple[str, ...]:
    if isinstance(table.values.get("token_command"), str):
        table.problem(
            'is text, and there is no shell that would split it; allowed: ["pass", "show", "do"]',
            "token_command",
        )
        return ()
    command = table.texts("token_command")
    if command is not None and (not command or not command[0]):
        table.problem("is empty; allowed: a program and its arguments", "token_command")
    return command or ()


def _reserve(table: Table) -> float:
    reserve = table.values.get("reserve", 0.0)
    known = isinstance(reserve, int | float) and not isinstance(reserve, bool)
    if known and 0 <= reserve < 1:
        return float(reserve)
    table.problem("is no share; allowed: a number that is at least 0 and less than 1", "reserve")
    return 0.0


def _patterns(table: Table, key: str) -> Mapping[str, tuple[str, ...]]:
    fields = table.table(key)
    fields.only(*FIELDS)
    found = {}
    for field in FIELDS:
        wanted = fields.texts(field)
        if wanted is None:
            continue
        if not wanted:
            fields.problem("is empty; leave it out, or name a pattern", field)
        for pattern in wanted:
            wrong = patterns.why_invalid(pattern)
            if wrong is not None:
                fields.problem(f"{shown(pattern)!r}: {wrong}", field)
        found[field] = wanted
    return found
