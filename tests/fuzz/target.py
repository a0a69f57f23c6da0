"""The target: one call, one answer; what comes of it must be a value or one of our errors."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, cast
from zlib import crc32

import aiohttp
import attrs
from multidict import CIMultiDict

from dbusers import (
    ConfigurationError,
    DbusersError,
    DigitalOceanClient,
    InvalidRequest,
    RateLimit,
    RetryOption,
    ScalingoClient,
    Window,
)
from dbusers import digitalocean as do
from dbusers import scalingo as sc
from tests.canary import TOKEN, leaks, shown_by
from tests.clocks import JumpingClock
from tests.fuzz.playing import Session

LONGEST: Final = 1.0  # seconds of CPU for one answer, of up to a megabyte
FULLY_SHOWN: Final = 10  # of so many answers, the frames of the error are searched too: it is slow
OPTIONS: Final = (RetryOption(max_retries=1),)

Call = Callable[[Any], Coroutine[Any, Any, object]]
Run = Callable[[Coroutine[Any, Any, DbusersError | None]], DbusersError | None]


def _cluster(client: DigitalOceanClient) -> do.DatabaseRequestBuilder:
    return client.databases.by_id("9cc10173-e9ea-4176-9dbc-a4cee4c4ff30")


def _database(client: ScalingoClient) -> sc.DatabaseRequestBuilder:
    return client.databases.by_id("ad-1", app="shop")


DIGITALOCEAN: Final[dict[str, Call]] = {
    "databases_list_clusters": lambda one: one.databases.get(),
    "databases_get_cluster": lambda one: _cluster(one).get(),
    "databases_list_users": lambda one: _cluster(one).users.get(),
    "databases_add_user": lambda one: _cluster(one).users.post(do.UserCreate("app-01")),
    "databases_get_user": lambda one: _cluster(one).users.by_username("app-01").get(),
    "databases_update_user": lambda one: (
        _cluster(one).users.by_username("app-01").put(do.UserUpdate(do.UserSettings()))
    ),
    "databases_delete_user": lambda one: _cluster(one).users.by_username("app-01").delete(),
    "databases_reset_auth": lambda one: _cluster(one).users.by_username("app-01").reset_auth.post(),
}
SCALINGO: Final[dict[str, Call]] = {
    "tokens_exchange": lambda one: one.apps.get(),
    "regions_list": lambda one: one.regions.get(),
    "apps_list": lambda one: one.apps.get(),
    "addons_list": lambda one: one.apps.by_name("shop").addons.get(),
    "addon_token_create": lambda one: _database(one).get(),
    "dedicated_databases_list": lambda one: one.databases.get(),
    "database_get": lambda one: _database(one).get(),
    "database_users_list": lambda one: _database(one).users.by_username("app-01").get(),
    "database_user_create": lambda one: _database(one).users.post(sc.UserCreate("app-01")),
    "database_user_update": lambda one: (
        _database(one).users.by_username("app-01").patch(sc.UserUpdate(password="p" * 24))
    ),
    "database_user_delete": lambda one: _database(one).users.by_username("app-01").delete(),
    "database_user_reset_password": lambda one: (
        _database(one).users.by_username("app-01").reset_password.post()
    ),
}


@attrs.frozen
class Case:
    """An answer to an operation."""

    operation_id: str
    status: int
    headers: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)

    def reproducer(self) -> str:
        """Return a program that fails as this case does."""
        arguments = (self.operation_id, self.status, self.headers, self.body)
        return (
            "from tests.fuzz.target import Case, check\n"
            f"check(Case({', '.join(map(repr, arguments))}))"
        )


class Broken(AssertionError):
    """What was not as promised, and for which case."""

    def __init__(self, case: Case, why: str) -> None:
        super().__init__(why)
        self.case = case
        self.why = why


def check(case: Case, run: Run = asyncio.run) -> str:
    """Return what the call came to: "value", or the name of our error.

    Raises `Broken` if it is another exception or one that blames the caller, takes too long, or
    shows a secret. `run` runs the call; to make an event loop takes longer than it.
    """
    start = time.perf_counter()
    error = _error_of(case, run)
    if time.perf_counter() - start > LONGEST:
        # Again, for a busy machine is no finding. The CPU's clock is slow to read, so only now.
        start = time.process_time()
        error = _error_of(case, run)
        seconds = time.process_time() - start
        if seconds > LONGEST:
            raise Broken(case, f"{seconds:.1f} s for {len(case.body)} bytes")
    if error is None:
        return "value"
    if isinstance(error, ConfigurationError | InvalidRequest):
        raise Broken(case, f"the caller is blamed for an answer: {error}")
    if _shows_secret(error, case):
        raise Broken(case, f"the {type(error).__name__} shows a secret")
    return type(error).__name__


def _error_of(case: Case, run: Run) -> DbusersError | None:
    try:
        return run(_outcome(case))
    except Exception as other:
        raise Broken(case, f"{type(other).__name__}, which is none of our errors") from other


async def _outcome(case: Case) -> DbusersError | None:
    clock = JumpingClock()
    session = Session(case.operation_id, case.status, CIMultiDict(case.headers), case.body)
    keywords: dict[str, Any] = {
        "session": cast("aiohttp.ClientSession", session),
        "clock": clock,
        "rate_limit": RateLimit([Window(250, 60), Window(5000, 3600)], clock=clock),
        "options": OPTIONS,
    }
    client: DigitalOceanClient | ScalingoClient
    if case.operation_id in DIGITALOCEAN:
        client, call = DigitalOceanClient(TOKEN, **keywords), DIGITALOCEAN[case.operation_id]
    else:
        client, call = ScalingoClient(TOKEN, **keywords), SCALINGO[case.operation_id]
    async with client:
        try:
            await call(client)
        except DbusersError as error:
            return error
    return None


def _shows_secret(error: DbusersError, case: Case) -> bool:
    texts = [str(error), repr(error), repr(vars(error)), *map(str, error.headers.items())]
    if crc32(case.body) % FULLY_SHOWN == 0:
        texts.append(shown_by(error))
    if 200 <= case.status < 300:
        return bool(leaks(texts))
    # What a refusal says is repeated, for it is meant to be read; our own token in it is not.
    return any(TOKEN in text for text in texts)
