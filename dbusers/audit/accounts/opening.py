"""Opens the accounts that are configured: fetches their tokens, makes their clients, closes them.

The only module of the audit that knows the providers. `dbusers.audit` does not import it by itself,
as the providers' inventories import the audit's records:

    settings = accounts_from_file(Path("dbusers.toml"))
    async with open_accounts(settings) as accounts:
        ...
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final

import attrs

from dbusers.audit.accounts.account import Account
from dbusers.audit.accounts.configuration import AccountSettings
from dbusers.audit.accounts.metering import Meter
from dbusers.audit.inventory import Inventory
from dbusers.auth import is_token
from dbusers.clock import SYSTEM_CLOCK, Clock
from dbusers.digitalocean.client import WINDOWS as DIGITALOCEAN_WINDOWS
from dbusers.digitalocean.client import DigitalOceanClient
from dbusers.digitalocean.inventory import DigitalOceanInventory
from dbusers.errors import ConfigurationError
from dbusers.options import LONGEST, RequestOption, RetryOption, TimeoutOption
from dbusers.ratelimit import RateLimit, shared_rate_limit
from dbusers.scalingo.client import WINDOWS as SCALINGO_WINDOWS
from dbusers.scalingo.client import ScalingoClient
from dbusers.scalingo.inventory import ScalingoInventory
from dbusers.secret import Secret
from dbusers.windows import Window

WINDOWS: Final = {"digitalocean": DIGITALOCEAN_WINDOWS, "scalingo": SCALINGO_WINDOWS}
COMMAND_SECONDS: Final = 60.0  # for a token_command; it may ask its user for a fingerprint
LONGEST_OUTPUT: Final = 64 * 1024  # bytes of a token_command; the longest tokens have 2,000
LONGEST_LIST: Final = 64 * 1024 * 1024  # bytes; 10,000 clusters have 20 million, on one page

# An audit waits for its turn rather than leave a database unread: behind 5,000 requests of an hour
# a call waits for most of that hour. One attempt is bounded as ever, and so are its repetitions.
PATIENT: Final[tuple[RequestOption, ...]] = (
    TimeoutOption(total=LONGEST),
    RetryOption(max_retries=5, max_retry_after=3_700.0),
)

Client = DigitalOceanClient | ScalingoClient


@attrs.frozen
class _Budget:
    """What all accounts with one token share."""

    limit: RateLimit
    windows: tuple[Window, ...]


@asynccontextmanager
async def open_accounts(
    settings: Iterable[AccountSettings],
    *,
    options: Iterable[RequestOption] = (),
    clock: Clock = SYSTEM_CLOCK,
) -> AsyncIterator[list[Account]]:
    """Open the accounts, in their order, and close all of them at the end, whatever happens.

    Accounts with the same token share its budget, of which the largest of their reserves is kept
    free. `options` are those of the clients; they replace the patient ones of an audit, which
    outwait an hour's limit. Raises `ConfigurationError` if a token cannot be had or a URL is wrong;
    then nothing was sent.
    """
    settings = tuple(settings)
    tokens = await _tokens(settings)
    budgets = _budgets(settings, tokens, clock)
    replaced = {type(option): option for option in (*PATIENT, *options)}
    async with AsyncExitStack() as stack:
        accounts = []
        for each, token in zip(settings, tokens, strict=True):
            budget = budgets[each.provider, token]
            meter = Meter(budget.limit)
            try:
                client = _client(each, token, meter, replaced.values(), clock)
            except ConfigurationError as error:
                raise ConfigurationError(f"{each.place}: {each.name}: {error}") from None
            accounts.append(
                Account(
                    each.name,
                    _inventory(await stack.enter_async_context(client)),
                    each.selection,
                    windows=budget.windows,
                    token=budget,
                    meter=meter,
                )
            )
        yield accounts


def _client(
    settings: AccountSettings,
    token: Secret,
    meter: Meter,
    options: Iterable[RequestOption],
    clock: Clock,
) -> Client:
    if settings.provider == "digitalocean":
        return DigitalOceanClient(
            token,
            base_url=settings.url,
            options=options,
            rate_limit=meter,
            max_body_size=LONGEST_LIST,
            clock=clock,
        )
    return ScalingoClient(
        token,
        region=settings.region,
        auth_url=settings.url,
        api_url=settings.url,
        database_api_url=settings.url,
        options=options,
        rate_limit=meter,
        clock=clock,
    )


def _inventory(client: Client) -> Inventory:
    if isinstance(client, DigitalOceanClient):
        return DigitalOceanInventory(client)
    return ScalingoInventory(client)


def _budgets(
    settings: Sequence[AccountSettings], tokens: Sequence[Secret], clock: Clock
) -> dict[tuple[str, Secret], _Budget]:
    reserves: dict[tuple[str, Secret], float] = {}
    for each, token in zip(settings, tokens, strict=True):
        key = (each.provider, token)
        reserves[key] = max(each.reserve, reserves.get(key, 0.0))
    return {
        (provider, token): _budget(token, WINDOWS[provider], reserve, clock)
        for (provider, token), reserve in reserves.items()
    }


def _budget(token: Secret, windows: tuple[Window, ...], reserve: float, clock: Clock) -> _Budget:
    if not reserve:
        return _Budget(shared_rate_limit(token, windows, clock), windows)
    # What is left of each window, as `RateLimit` keeps it.
    left = tuple(Window(w.requests - int(w.requests * reserve), w.seconds) for w in windows)
    return _Budget(RateLimit(windows, reserve=reserve, clock=clock), left)


async def _tokens(settings: Sequence[AccountSettings]) -> list[Secret]:
    # One after the other: two commands that ask for a password at once would confuse anyone.
    printed: dict[tuple[str, ...], Secret] = {}
    tokens = []
    for each in settings:
        source, token = _from_environment(each)
        if each.token_command:
            source = "token_command"
            if each.token_command not in printed:
                printed[each.token_command] = await _printed(each)
            token = printed[each.token_command]
        if not is_token(token):
            raise _error(each, f"{source} holds characters that no token has, or none at all")
        tokens.append(token)
    return tokens


def _from_environment(settings: AccountSettings) -> tuple[str, Secret]:
    is_set = next((name for name in settings.token_env if os.environ.get(name)), None)
    if is_set is not None:
        return is_set, Secret(os.environ[is_set].strip())
    if settings.token_env:
        raise _error(settings, f"the environment variable {_told(settings.token_env)} is not set")
    return "token_command", Secret("")


def _told(variables: Sequence[str]) -> str:
    """Return their names; not one that may be the token itself, put there by mistake."""
    # Names of variables are in capitals, by custom, and no provider's tokens are.
    names = [name for name in variables if name == name.upper()]
    return " or ".join(names) or "that token_env names"


async def _printed(settings: AccountSettings) -> Secret:
    """Return what the account's command prints, without the white space around it."""
    program = settings.token_command[0]
    try:
        process = await asyncio.create_subprocess_exec(
            *settings.token_command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # it may say what the token is
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a command"
        raise _error(settings, f"token_command: {program!r} cannot be run: {reason}") from None
    assert process.stdout is not None  # noqa: S101  (a pipe was asked for)
    problem = None
    output = Secret("")
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            output, whole = await _read_all(process.stdout)
            if whole:
                status = await process.wait()
                problem = f"ended with exit status {status}" if status else None
            else:
                problem = f"prints more than {LONGEST_OUTPUT} bytes"
    except TimeoutError:
        problem = f"did not end within {COMMAND_SECONDS:g} s"
    except UnicodeDecodeError:
        problem = "prints what is not text"
    finally:
        await _end(process)
    if problem is not None:
        raise _error(
            settings, f"token_command: {program!r} {problem}; run it by hand to see why"
        ) from None
    return output


async def _read_all(stream: asyncio.StreamReader) -> tuple[Secret, bool]:
    """Return the text that comes, and whether that is all of it."""
    try:
        await stream.readexactly(LONGEST_OUTPUT + 1)
    except asyncio.IncompleteReadError as end:
        return Secret(end.partial.decode().strip()), True
    return Secret(""), False


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):  # has ended by itself meanwhile
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)  # and what it started, which holds the pipe
    await process.communicate()


def _error(settings: AccountSettings, problem: str) -> ConfigurationError:
    return ConfigurationError(f"{settings.place}: {settings.name}: {problem}")
