"""The sandbox's secrets, and finding them in any spelling in whatever was printed."""

import base64
import json
from collections.abc import (
    Collection,
    Iterable,
    Iterator,
)
from typing import Any
from urllib.parse import quote, quote_plus

from dbusers.testing import Sandbox

MARK = "canary-sent-9d2f"  # which every spelling but base64 leaves as it is
SENT = MARK + "/é+&<0>=%\\ for once"  # a password with all that spellings differ in
SECRET_FIELDS = ("password", "access_cert", "access_key", "uri")
SHORT = 0.03  # seconds; for a server that is silent
SHORTEST = 8  # characters; a shorter text may stand anywhere by chance


# The search


def spellings(secret: str) -> set[str]:
    """Return how a program may have written the secret down."""
    utf8 = secret.encode()
    found = {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(secret)[1:-1].replace("/", "\\/"),
        repr(secret)[1:-1],
        repr(utf8)[2:-1],
        repr(repr(secret))[1:-1],
        utf8.hex(),
        utf8.decode("latin-1"),
        # Within a longer text, such as a pair of credentials, base64 begins at one of three places.
        *(base64.b64encode(b"x" * n + utf8)[8:-4].decode() for n in range(3)),
        *(base64.urlsafe_b64encode(b"x" * n + utf8)[8:-4].decode() for n in range(3)),
        *secret.splitlines(),
    }
    return {each for each in found if len(each) >= SHORTEST and not each.startswith("-----")}


def found_in(texts: Iterable[str], secrets: Collection[str]) -> set[str]:
    """Return the spellings of secrets that stand anywhere in the texts."""
    whole = "\n".join(texts)
    secrets = {*secrets, *(MARK for secret in secrets if secret == SENT)}
    return {each for secret in secrets for each in spellings(secret) if each in whole}


def secrets_in(document: Any) -> Iterator[str]:
    """Yield every secret of a wire document."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name in SECRET_FIELDS and isinstance(value, str):
                yield str(value)
            yield from secrets_in(value)
    elif isinstance(document, list | tuple):
        for item in document:
            yield from secrets_in(item)


def secrets_of(sandbox: Sandbox) -> set[str]:
    """Return what the sandbox has of secrets, and what was sent to it as such."""
    fleet = sandbox.fleet
    homes: list[Any] = [*fleet.digitalocean, *fleet.scalingo.databases]
    documents = [dict(home) for home in homes] + [list(home.users.values()) for home in homes]
    credentials = {
        request.authorization.reveal().partition(" ")[2]
        for request in sandbox.requests
        if request.authorization
    }
    tokens = {str(sandbox.digitalocean_token), str(sandbox.scalingo_token), SENT}
    return {*secrets_in(documents), *credentials, *tokens}


ANYTHING = "/*"
NAMELESS = {
    **{key: {"name": 5, "password": SENT} for key in ("user", "database_user")},
    **{key: [{"name": 5, "password": SENT}] for key in ("users", "database-users")},
}
