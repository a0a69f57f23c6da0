"""Who proves what to which host.

A credential goes to the origins it was issued for and to no other, over https (loopback excepted).
An `Authenticator` is asked for the value of the `Authorization` header of each request; the
innermost link (`attempt`) attaches it, out of every caller's sight.
"""

import ipaddress
import os
from collections.abc import Iterable
from typing import Final, Protocol
from urllib.parse import urlsplit

from dbusers.errors import ConfigurationError, InvalidRequest
from dbusers.request import RequestInformation
from dbusers.secret import Secret
from dbusers.urls import checked_url

DEFAULT_PORTS: Final = {"http": 80, "https": 443}

Origin = tuple[str, str, int]
"""Scheme, host and port: where a credential may go."""


class Authenticator(Protocol):
    """Knows the credential for each request."""

    base_urls: tuple[str, ...]

    def at_hand(self, request: RequestInformation) -> Secret | None:
        """Return the value of the `Authorization` header; None if it must be fetched first."""

    async def fetch(self, request: RequestInformation) -> Secret:
        """Return the value of the `Authorization` header, fetching what it needs."""

    def renew(self, request: RequestInformation, refused: Secret) -> bool:
        """Forget the credential that was refused; False if there is no other to be had."""


class BearerToken:
    """One token for everything, on one origin."""

    def __init__(self, token: Secret, base_url: str) -> None:
        self.base_urls: tuple[str, ...] = (base_url,)
        self._value = Secret(f"Bearer {token.reveal()}")

    def at_hand(self, request: RequestInformation) -> Secret:
        """Return the bearer."""
        return self._value

    async def fetch(self, request: RequestInformation) -> Secret:
        """Return the bearer; there is nothing to fetch."""
        return self._value

    def renew(self, request: RequestInformation, refused: Secret) -> bool:
        """Return False: a token that was refused stays refused."""
        return False


def origin(url: str) -> Origin:
    """Return the origin of an absolute URL. Raises `InvalidRequest` if it has none."""
    checked_url(url)
    try:
        parts = urlsplit(url)
        if parts.hostname:
            return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme]
    except ValueError:  # a port that is no number, brackets that do not close
        pass
    raise InvalidRequest("the URL has no valid host and port")


def refuse_foreign(url: str, base_urls: Iterable[str]) -> None:
    """Raise `InvalidRequest` if a credential for `base_urls` must not go to `url`."""
    found = origin(url)
    if found not in {origin(base_url) for base_url in base_urls}:
        raise InvalidRequest(
            f"the credential is not for {found[0]}://{found[1]}:{found[2]}; nothing was sent: "
            "make a client with that base URL if it is yours"
        )


def base_url_of(argument: str, url: str | None, variable: str, *, default: str) -> str:
    """Return the base URL to use: the argument's, else the environment variable's, else `default`.

    Raises `ConfigurationError` if it is not https, unless its host is this machine (loopback).
    """
    source, chosen = argument, url
    if chosen is None and os.environ.get(variable):
        source, chosen = variable, os.environ[variable]
    if chosen is None:
        return default
    try:
        scheme, host, _ = origin(chosen)
    except InvalidRequest as error:
        problem = f"{source}: {error}"
    else:
        if "?" in chosen:
            problem = f"{source}: a base URL has no query"
        elif scheme == "https" or is_loopback(host):
            return chosen.rstrip("/")
        else:
            problem = f"{source}: use https, or the token would cross the network in the clear"
    raise ConfigurationError(problem)


def token_of(token: Secret | None, *variables: str) -> Secret | None:
    """Return `token`, else the first variable that is set, else None.

    Raises `ConfigurationError` for a text that cannot be a token: it was pasted wrongly.
    """
    source = "the token"
    for variable in variables:
        if token is None and os.environ.get(variable):
            source, token = variable, Secret(os.environ[variable])
    if token is None:
        return None
    if not token:
        raise ConfigurationError(f"{source} is empty")
    if not is_token(token):
        raise ConfigurationError(
            f"{source} holds spaces, line breaks or other characters that no token has"
        )
    return token


def is_token(text: Secret) -> bool:
    """Tell whether `text` can stand in an `Authorization` header."""
    return bool(text) and all("!" <= character <= "~" for character in text.reveal())


def is_loopback(host: str) -> bool:
    """Tell whether `host` is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
