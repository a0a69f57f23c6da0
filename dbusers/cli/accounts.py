"""Which account a command is for, and what commands ask of it, whoever the provider is."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any, ClassVar, Final, Protocol

import attrs

from dbusers.cli.digitalocean import DigitalOceanAccount
from dbusers.cli.output import Columns
from dbusers.cli.scalingo import ScalingoAccount
from dbusers.cli.wishes import Change, Wishes
from dbusers.digitalocean.client import DigitalOceanClient
from dbusers.errors import ConfigurationError, InvalidRequest
from dbusers.scalingo.client import ScalingoClient


class Provider(StrEnum):
    """Who runs the databases."""

    DIGITALOCEAN = "digitalocean"
    SCALINGO = "scalingo"


TOKENS: Final = {
    Provider.DIGITALOCEAN: ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN"),
    Provider.SCALINGO: ("SCALINGO_API_TOKEN",),
}


@attrs.frozen
class Target:
    """The account that a command names by its options."""

    provider: Provider | None = None
    url: str | None = None
    app: str | None = None
    region: str | None = None


class Account(Protocol):
    """What commands ask of an account. Models are the provider's own."""

    database_columns: ClassVar[Columns]
    user_columns: ClassVar[Columns]
    secret_columns: ClassVar[Columns]

    async def databases(self) -> Sequence[Any]:
        """Return all databases."""

    async def users(self, database: str) -> Sequence[Any]:
        """Return all users of a database."""

    async def user(self, database: str, name: str) -> Any:
        """Return one user."""

    async def create(self, database: str, name: str, wishes: Wishes) -> Any:
        """Create a user and return it."""

    async def plan(self, database: str, name: str, wishes: Wishes) -> Change:
        """Return what updating a user would do, without doing it."""

    async def update(self, database: str, name: str, change: Change) -> Any:
        """Do what was planned and return the user."""

    async def delete(self, database: str, name: str) -> None:
        """Remove a user."""

    async def reset(self, database: str, name: str, wishes: Wishes) -> Any:
        """Make a new password for a user and return it."""


@asynccontextmanager
async def account(target: Target) -> AsyncIterator[Account]:
    """Open the account. Raises `ConfigurationError` if it is not clear which, or without a token.

    Raises `InvalidRequest` for options of another provider.
    """
    provider = target.provider or provider_of_the_environment()
    if provider is Provider.DIGITALOCEAN:
        if target.app or target.region:
            raise InvalidRequest("--app and --region are for Scalingo")
        async with DigitalOceanClient(base_url=target.url) as client:
            yield DigitalOceanAccount(client)
    else:
        async with ScalingoClient(
            region=target.region,
            auth_url=target.url,
            api_url=target.url,
            database_api_url=target.url,
        ) as scalingo:
            yield ScalingoAccount(scalingo, target.app)


def provider_of_the_environment() -> Provider:
    """Return the one provider whose token is set. Raises `ConfigurationError` if none or both."""
    found = [p for p, names in TOKENS.items() if any(os.environ.get(name) for name in names)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigurationError("tokens of both providers are set: say which by --provider")
    raise ConfigurationError(
        "no token: set DIGITALOCEAN_TOKEN or SCALINGO_API_TOKEN in the environment; to look around "
        "without an account, run `dbusers demo` or `dbusers sandbox`"
    )
