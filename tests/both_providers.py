"""A client of each provider at one server, and the verbs of both."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from attrs import frozen

from dbusers import DigitalOceanClient, RequestConfiguration, RetryOption, ScalingoClient
from dbusers import digitalocean as do
from dbusers import scalingo as sc
from tests.canary import PASSWORD, TOKEN
from tests.clocks import JumpingClock

ONCE: Final = RetryOption(max_retries=0)
# What either provider would answer, whatever it was asked for.
USER: Final = {"name": "app"}
GOOD: Final = {
    "user": USER,
    "users": [USER],
    "database_user": USER,
    "database-users": [USER],
}


@frozen
class Clients:
    """One client of each provider."""

    digitalocean: DigitalOceanClient
    scalingo: ScalingoClient

    @property
    def do_users(self) -> do.UsersRequestBuilder:
        return self.digitalocean.databases.by_id("c-1").users

    @property
    def sc_users(self) -> sc.UsersRequestBuilder:
        return self.scalingo.databases.by_id("ad-1").users


@asynccontextmanager
async def opened(url: str, **keywords: Any) -> AsyncIterator[Clients]:
    """Clients of both, whose waits take no time, and which try once."""
    keywords = {"clock": JumpingClock(), "rate_limit": None, "options": [ONCE]} | keywords
    async with (
        DigitalOceanClient(TOKEN, base_url=url, **keywords) as digitalocean,
        ScalingoClient(database_token=TOKEN, database_api_url=url, **keywords) as scalingo,
    ):
        yield Clients(digitalocean, scalingo)


Verb = Callable[[Clients, RequestConfiguration | None], Awaitable[object]]

UPDATE: Final = do.UserUpdate(settings=do.UserSettings(pg_allow_replication=True))
CREATE: Final = sc.UserCreate("app", password=PASSWORD)

READING_VERBS: Final[Mapping[str, Verb]] = {
    "do-list": lambda clients, with_: clients.do_users.get(with_),
    "do-get": lambda clients, with_: clients.do_users.by_username("app").get(with_),
    "do-create": lambda clients, with_: clients.do_users.post(do.UserCreate("app"), with_),
    "do-put": lambda clients, with_: clients.do_users.by_username("app").put(UPDATE, with_),
    "do-reset": lambda clients, with_: clients.do_users.by_username("app").reset_auth.post(
        configuration=with_
    ),
    "sc-list": lambda clients, with_: clients.sc_users.get(with_),
    "sc-get": lambda clients, with_: clients.sc_users.by_username("app").get(with_),
    "sc-create": lambda clients, with_: clients.sc_users.post(CREATE, with_),
    "sc-patch": lambda clients, with_: clients.sc_users.by_username("app").patch(
        sc.UserUpdate(password=PASSWORD), with_
    ),
    "sc-reset": lambda clients, with_: clients.sc_users.by_username("app").reset_password.post(
        with_
    ),
}
"""The verbs whose answer has a body that counts."""

VERBS: Final[Mapping[str, Verb]] = {
    **READING_VERBS,
    "do-delete": lambda clients, with_: clients.do_users.by_username("app").delete(with_),
    "sc-delete": lambda clients, with_: clients.sc_users.by_username("app").delete(with_),
}
