"""Which configuration is in force, where each part of it comes from, and what is wrong with it."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import attrs

from dbusers.audit.accounts.configuration import AccountSettings, accounts_from_file
from dbusers.auth import base_url_of, origin, token_of
from dbusers.cli.accounts import TOKENS, Provider
from dbusers.cli.audit.inputs import CONFIG, POLICY, STORE
from dbusers.digitalocean.client import BASE_URL
from dbusers.errors import ConfigurationError
from dbusers.proxy import proxies_for
from dbusers.scalingo.client import API_URL, AUTH_URL, DATABASE_API_URL, REGION, ScalingoClient

SET: Final = "set"
NOT_SET: Final = "not set"
# The first one that is set names the proxy: as Python reads them, lower case before upper case.
PROXIES: Final = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
NOWHERE: Final = "http://localhost"


@attrs.frozen
class Setting:
    """One part of the configuration; `through` is the proxy on the way to a host.

    `value` is None where nothing is set, or where it cannot be used: `problem` says why.
    """

    name: str
    value: str | None
    source: str = "default"
    through: str | None = None
    problem: str | None = None


def in_force() -> list[Setting]:
    """Return the configuration of a command that is run here and now. It holds no token."""
    urls = list(_urls())
    proxied, problem = _proxied(urls)
    return [
        *map(_token, Provider),
        _region(),
        *(attrs.evolve(url, through=proxied.get(url.name)) for url in urls),
        *_proxy(set(proxied.values()), problem),
        *_accounts(CONFIG),
        _file("policy", POLICY),
        _file("store", STORE),
    ]


def base_urls() -> list[str]:
    """Return the base URLs of both providers that can be used."""
    return [url.value for url in _urls() if url.value is not None]


def _token(provider: Provider) -> Setting:
    name = f"{provider}.token"
    for variable in TOKENS[provider]:
        if os.environ.get(variable):
            problem = _problem(partial(token_of, None, variable))
            return Setting(name, SET, variable, problem=problem)
    return Setting(name, NOT_SET)


def _region() -> Setting:
    region = os.environ.get("SCALINGO_REGION")
    source = "SCALINGO_REGION" if region else "default"
    client = partial(  # in which nothing but the region can be wrong
        ScalingoClient,
        "unused",
        region=region,
        auth_url=NOWHERE,
        api_url=NOWHERE,
        database_api_url=NOWHERE,
    )
    return Setting("scalingo.region", region or REGION, source, problem=_problem(client))


def _urls() -> Iterator[Setting]:
    region = os.environ.get("SCALINGO_REGION") or REGION
    for name, variable, default in (
        ("digitalocean.url", "DIGITALOCEAN_API_URL", BASE_URL),
        ("scalingo.auth_url", "SCALINGO_AUTH_URL", AUTH_URL),
        ("scalingo.api_url", "SCALINGO_API_URL", API_URL.format(region=region)),
        ("scalingo.database_url", "SCALINGO_DB_URL", DATABASE_API_URL.format(region=region)),
    ):
        source = variable if os.environ.get(variable) else "default"
        try:
            yield Setting(name, base_url_of(name, None, variable, default=default), source)
        except ConfigurationError as error:  # the text may hold a password: it is not shown
            yield Setting(name, None, source, problem=_in_one_line(error))


def _proxied(urls: Iterable[Setting]) -> tuple[Mapping[str, str], str | None]:
    """Return the proxy of each setting that has one, and what is wrong with the proxy."""
    usable = {url.name: url.value for url in urls if url.value is not None}
    try:
        proxies = proxies_for(usable.values())
    except ConfigurationError as error:
        return {}, _in_one_line(error)
    return {
        name: str(proxies[origin(url)].url)
        for name, url in usable.items()
        if origin(url) in proxies
    }, None


def _proxy(used: set[str], problem: str | None) -> Iterator[Setting]:
    named = next((name for name in PROXIES if os.environ.get(name)), None)
    source = named or ("system" if used else "default")
    yield Setting("proxy", next(iter(used), None), source, problem=problem)
    for name in ("no_proxy", "NO_PROXY"):
        if os.environ.get(name):
            yield Setting("proxy.not_for", os.environ[name], name)
            return


def _accounts(path: Path) -> Iterator[Setting]:
    if not path.exists():
        yield Setting("audit.accounts", "environment")
        return
    try:
        accounts = accounts_from_file(path)
    except ConfigurationError as error:
        yield Setting("audit.accounts", None, str(path), problem=_in_one_line(error))
        return
    yield Setting("audit.accounts", str(len(accounts)), str(path))
    for account in accounts:
        yield _account(account)


def _account(account: AccountSettings) -> Setting:
    name = f"audit.accounts.{account.name}"
    if account.token_command:
        return Setting(name, f"{account.provider}, token by command", account.place)
    # Only a variable that is there is named: what is in the file may be the token by mistake.
    for variable in account.token_env:
        if os.environ.get(variable):
            said = f"{account.provider}, token {SET} by {variable}"
            return Setting(name, said, account.place)
    problem = "the environment variable that token_env names is not set"
    return Setting(name, f"{account.provider}, token {NOT_SET}", account.place, problem=problem)


def _file(name: str, path: Path) -> Setting:
    return Setting(f"audit.{name}", str(path) if path.exists() else None, str(path))


def _problem(check: Callable[[], object]) -> str | None:
    try:
        check()
    except ConfigurationError as error:
        return _in_one_line(error)
    return None


def _in_one_line(error: ConfigurationError) -> str:
    return "; ".join(str(error).splitlines())
