"""What a token can do, found out by one or two reads; nothing is changed to find out more."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import attrs

from dbusers.audit.accounts.configuration import AccountSettings
from dbusers.audit.accounts.opening import open_accounts
from dbusers.cli.doctor.answers import NO_ANSWER, Trial, judged
from dbusers.cli.doctor.diagnosis import Finding, State
from dbusers.cli.exits import ExitCode
from dbusers.digitalocean.client import DigitalOceanClient
from dbusers.digitalocean.inventory import DigitalOceanInventory
from dbusers.digitalocean.models import DatabaseCluster, DatabaseUser, Engine
from dbusers.errors import ConfigurationError, DbusersError, Forbidden
from dbusers.options import OnResponse, RateLimitOption, RetryOption, TimeoutOption
from dbusers.response import Response
from dbusers.scalingo.client import ScalingoClient
from dbusers.scalingo.inventory import ScalingoInventory

T = TypeVar("T")
# A doctor says what it finds, at once: it does not wait until it has gone away.
AT_ONCE: Final = (RetryOption(max_retries=0), TimeoutOption(total=30.0), RateLimitOption(0))
READ: Final = "database:read"
VIEW_CREDENTIALS: Final = "database:view_credentials"
CHANGES: Final = ("database:create", "database:update", "database:delete")
# Engines whose users are listed without passwords, whatever the token may see, or not at all.
WITHOUT_PASSWORDS: Final = frozenset({Engine.MONGODB, Engine.REDIS, Engine.VALKEY})


@attrs.frozen
class Examination:
    """What was found of one account, by how many requests, and the hosts that it needs."""

    findings: tuple[Finding, ...]
    requests: int = 0
    urls: tuple[str, ...] = ()


async def examine(settings: AccountSettings) -> Examination:
    """Return what an account's token can do. Two requests at most; a long list may take more."""
    answers: list[Response] = []
    options = (*AT_ONCE, OnResponse(answers.append))
    try:
        async with open_accounts([settings], options=options) as (account,):
            inventory = account.inventory
            if isinstance(inventory, DigitalOceanInventory):
                urls = _digitalocean_urls(inventory.client)
                findings = await _digitalocean(settings.name, inventory.client, answers)
            else:
                assert isinstance(inventory, ScalingoInventory)  # noqa: S101  (there are two)
                urls = _scalingo_urls(inventory.client)
                findings = await _scalingo(settings.name, inventory.client, answers)
            return Examination(tuple(findings), account.sent or 0, urls)
    except ConfigurationError as error:
        return Examination((misconfigured(error, settings.name),))


def misconfigured(error: ConfigurationError, account: str | None = None) -> Finding:
    """Return the finding that a configuration cannot be used."""
    found = "; ".join(str(error).splitlines())
    return Finding(account, "configuration", State.FAILED, found, ends=ExitCode.USAGE)


def _digitalocean_urls(client: DigitalOceanClient) -> tuple[str, ...]:
    return (client.adapter.base_url,)


def _scalingo_urls(client: ScalingoClient) -> tuple[str, ...]:
    return (client.regions.base_url, client.apps.base_url, client.adapter.base_url)


async def _digitalocean(
    account: str, client: DigitalOceanClient, answers: list[Response]
) -> list[Finding]:
    call = "GET /v2/databases"
    trial, clusters = await _try(account, call, client.databases.get, answers)
    findings = judged(trial)
    if trial.error is not None:
        findings.append(_read_scope(account, trial.error))
        findings.append(_scope(account, VIEW_CREDENTIALS, granted=None, found=NO_ANSWER))
    else:
        users = await _some_users(client, clusters or ())
        findings.append(_read_scope(account))
        findings.append(_view_credentials(account, clusters or (), users))
    told_by_change = "only a change would tell"
    return findings + [_scope(account, s, granted=None, found=told_by_change) for s in CHANGES]


async def _scalingo(account: str, client: ScalingoClient, answers: list[Response]) -> list[Finding]:
    # The API token is exchanged for a bearer first: two requests.
    trial, _ = await _try(account, "GET /v1/apps", client.apps.get, answers)
    unknown = "the provider does not say what a token may do"
    return [*judged(trial), Finding(account, "scope", State.UNKNOWN, unknown)]


async def _try(
    account: str, call: str, get: Callable[[], Awaitable[T]], answers: list[Response]
) -> tuple[Trial, T | None]:
    begun = time.perf_counter()
    error: DbusersError | None = None
    got: T | None = None
    try:
        got = await get()
    except DbusersError as raised:
        error = raised
    seconds = time.perf_counter() - begun
    response = answers[-1] if answers else None
    return Trial(account, call, seconds, time.time(), response, error), got


async def _some_users(
    client: DigitalOceanClient, clusters: Sequence[DatabaseCluster]
) -> Sequence[DatabaseUser]:
    """Return the users of a cluster whose passwords would be shown, if there is one."""
    if any(map(_shows_password, clusters)):
        return ()
    for cluster in clusters:
        if Engine.of(cluster.engine) not in WITHOUT_PASSWORDS:
            try:
                return await client.databases.by_id(cluster.id).users.get()
            except DbusersError:  # one that is being made, say: another answer is not needed
                return ()
    return ()


def _read_scope(account: str, error: DbusersError | None = None) -> Finding:
    """Return what the call that needs this scope says of it, by its error if it has failed."""
    if error is None:
        return _scope(account, READ, granted=True, found="granted")
    if not isinstance(error, Forbidden):
        return _scope(account, READ, granted=None, found=NO_ANSWER)
    return attrs.evolve(
        _scope(account, READ, granted=False, found="not granted"),
        state=State.FAILED,
        advice="make a token that has it: without it nothing can be read",
        ends=ExitCode.USAGE,
    )


def _view_credentials(
    account: str, clusters: Sequence[DatabaseCluster], users: Sequence[DatabaseUser]
) -> Finding:
    if any(map(_shows_password, clusters)) or any(user.password for user in users):
        found = "granted: every read shows passwords, which an audit does not need"
        return _scope(account, VIEW_CREDENTIALS, granted=True, found=found)
    if users:
        found = "not granted: create and reset will not show the new password"
        return _scope(account, VIEW_CREDENTIALS, granted=False, found=found)
    found = "there is no user whose password would show it"
    return _scope(account, VIEW_CREDENTIALS, granted=None, found=found)


def _shows_password(cluster: DatabaseCluster) -> bool:
    return bool(cluster.connection and cluster.connection.password)


def _scope(account: str, scope: str, *, granted: bool | None, found: str) -> Finding:
    state = State.UNKNOWN if granted is None else State.OK
    facts = {"granted": granted}
    return Finding(account, "scope", state, f"{scope}: {found}", subject=scope, facts=facts)
