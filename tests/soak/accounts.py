"""The callers: each account of a provider has its users, two clients, its share of the calls."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final

import attrs

from dbusers import (
    DbusersError,
    DigitalOceanClient,
    RequestConfiguration,
    RequestOption,
    ScalingoClient,
    TimeoutOption,
)
from dbusers import digitalocean as do
from dbusers import scalingo as sc
from tests.canary import MARK
from tests.soak import plan
from tests.soak.books import Book
from tests.soak.clock import FastClock

CLIENTS: Final = 2  # with each token
USERS_KEPT: Final = 16  # of an account, about: with fewer it makes more, with more it deletes
PATIENT: Final = RequestConfiguration()
IMPATIENT: Final = RequestConfiguration(options=[TimeoutOption(total=20)])  # of the fast clock
SETTINGS: Final = {
    "pg": do.UserSettings(pg_allow_replication=True),
    "kafka": do.UserSettings(acl=(do.KafkaAcl("orders", "consume"),)),
    "opensearch": do.UserSettings(opensearch_acl=(do.OpenSearchAcl("logs-*", "read"),)),
}


@attrs.frozen
class Call:
    """What is called, for which user of which database."""

    kind: str
    home: str
    name: str
    configuration: RequestConfiguration


Verb = Callable[[Call], Awaitable[object]]


def digitalocean_verb(client: DigitalOceanClient, engines: Mapping[str, str]) -> Verb:
    """Return the way to make a call; `engines` are those of the clusters."""

    async def make(call: Call) -> object:
        users = client.databases.by_id(call.home).users
        user, wish = users.by_username(call.name), call.configuration
        match call.kind:
            case "create":
                return await users.post(do.UserCreate(call.name), wish)
            case "get":
                return await user.get(wish)
            case "list":
                return await users.get(wish)
            case "change":
                return await user.put(do.UserUpdate(SETTINGS[engines[call.home]]), wish)
            case "reset":
                return await user.reset_auth.post(None, wish)
        await user.delete(wish)
        return None

    return make


def scalingo_verb(client: ScalingoClient, apps: Mapping[str, str]) -> Verb:
    """Return the way to make a call; `apps` are those that the databases belong to."""

    async def make(call: Call) -> object:
        users = client.databases.by_id(call.home, app=apps[call.home]).users
        user, wish = users.by_username(call.name), call.configuration
        match call.kind:
            case "create":
                return await users.post(sc.UserCreate(call.name), wish)
            case "get":
                return await user.get(wish)
            case "list":
                return await users.get(wish)
            case "change":
                update = sc.UserUpdate(password=f"{MARK}{call.name}-of-24-characters")
                return await user.patch(update, wish)
            case "reset":
                return await user.reset_password.post(wish)
        await user.delete(wish)
        return None

    return make


@attrs.define
class Account:
    """One token: the clients that share it, the users made with it, the calls to make."""

    book: Book
    clients: tuple[Any, ...]
    verbs: tuple[Verb, ...]
    calls: Iterator[tuple[str, bool]]
    chance: Random
    idle: list[int] = attrs.field(factory=list)

    async def work(self, verb: Verb, ended: Callable[[object], None]) -> None:
        """Make calls until none is left; `ended` is told the value or the error of each."""
        for kind, impatient in self.calls:
            ended(await self._call(verb, kind, IMPATIENT if impatient else PATIENT))

    async def _call(self, verb: Verb, kind: str, configuration: RequestConfiguration) -> object:
        kind, number = self._choose(kind)
        if kind == "reset":
            self.book.reset(number)
        call = Call(kind, self.book.home(number), self.book.name(number), configuration)
        error: Exception | None = None
        outcome: object = None
        try:
            outcome = await verb(call)
        except DbusersError as failure:
            outcome = error = failure
        except Exception as failure:  # there should be none: it is reported
            outcome = error = failure
        match kind:
            case "create":
                self.book.created(number, error)
                is_there = error is None
            case "delete":
                is_there = self.book.deleted(number, error)
            case _:
                is_there = True
        if is_there:
            self.idle.append(number)
        return outcome

    def _choose(self, kind: str) -> tuple[str, int]:
        # A user is in the hands of one caller at a time, so that each answer tells something.
        if not self.idle or (kind == "delete" and len(self.idle) < USERS_KEPT // 2):
            kind = "create"
        elif kind == "create" and len(self.idle) > USERS_KEPT:
            kind = "delete"
        if kind == "create":
            return kind, self.book.open_for_new()
        return kind, self.idle.pop(self.chance.randrange(len(self.idle)))


@attrs.frozen
class Opening:
    """What accounts are opened with."""

    run: str
    """What the names of their users begin with."""
    seed: int
    requests: int
    sites: Sequence[Mapping[str, Any]]
    clock: FastClock
    options: Sequence[RequestOption]

    def accounts(self) -> Iterator[Account]:
        """Yield the accounts at all sandboxes: those of DigitalOcean, then those of Scalingo."""
        shares = iter(plan.shared_out(self.requests))
        tokens = [(site, token) for site in self.sites for token in site["digitalocean_tokens"]]
        for number, (site, token) in enumerate(tokens):
            engines = dict(site["clusters"])
            pair = [
                DigitalOceanClient(
                    token, base_url=site["url"], clock=self.clock, options=self.options
                )
                for _ in range(CLIENTS)
            ]
            verbs = [digitalocean_verb(client, engines) for client in pair]
            yield self._account(f"d{number}", tuple(engines), pair, verbs, next(shares))
        for number, site in enumerate(self.sites):
            apps = dict(site["databases"])
            hosts = dict.fromkeys(("auth_url", "api_url", "database_api_url"), site["url"])
            twins = [
                ScalingoClient(
                    site["scalingo_token"], clock=self.clock, options=self.options, **hosts
                )
                for _ in range(CLIENTS)
            ]
            verbs = [scalingo_verb(client, apps) for client in twins]
            yield self._account(f"s{number}", tuple(apps), twins, verbs, next(shares))

    def _account(
        self,
        name: str,
        homes: tuple[str, ...],
        clients: Sequence[Any],
        verbs: Sequence[Verb],
        calls: int,
    ) -> Account:
        return Account(
            book=Book(f"{self.run}-{name}", homes, capacity=calls),
            clients=tuple(clients),
            verbs=tuple(verbs),
            calls=plan.calls(f"{self.seed} {self.run} {name}", calls),
            chance=Random(f"{self.seed} {self.run} {name}"),
        )
