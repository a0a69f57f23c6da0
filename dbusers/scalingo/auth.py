"""Scalingo's chain of three tokens: API token → bearer → database bearer.

The API token is for the authentication host only. It is exchanged for a bearer of the platform
host, and that one for a bearer of a single database; both are good for an hour. Each is fetched
when it is first needed, once however many callers wait, kept until shortly before it expires, and
fetched anew after a 401.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import unquote

import attrs
import orjson

from dbusers.auth import is_token
from dbusers.clock import Clock
from dbusers.codec import Problem
from dbusers.errors import ConfigurationError, InvalidRequest
from dbusers.model import Model
from dbusers.request import Repeat, RequestInformation
from dbusers.response import Response
from dbusers.scalingo.singleflight import SingleFlight
from dbusers.secret import Secret

LIFETIME: Final = 3600.0  # seconds that a bearer is good for; Scalingo's "Authentication"
MARGIN: Final = 300.0  # seconds before expiry at which a bearer is renewed

EXCHANGE_PATH: Final = "/v1/tokens/exchange"
DATABASES_PATH: Final = "/api/databases/"

Send = Callable[[RequestInformation], Awaitable[Response]]
FindDatabases = Callable[[], Awaitable[object]]


@attrs.frozen
class Hosts:
    """The base URLs of the three hosts."""

    auth: str
    api: str
    database_api: str


@attrs.frozen(repr=False)
class TokenAnswer(Model):
    """What both calls for a bearer answer, the second one under the key `addon`."""

    token: Secret


class Bearer:
    """One bearer of limited life."""

    def __init__(self, fetch: Callable[[], Awaitable[Secret]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._value: Secret | None = None
        self._renew_at = 0.0
        self.get: SingleFlight[Secret] = SingleFlight(self._get)
        """Returns the value of the `Authorization` header, fetching the bearer if it must."""

    def at_hand(self) -> Secret | None:
        """Return the value of the `Authorization` header, None if it must be fetched."""
        return self._value if self._clock.time() < self._renew_at else None

    def forget(self, refused: Secret) -> bool:
        """Forget the bearer if it is the refused one; True: `get` returns another."""
        if self._value == refused:
            self._value = None
        return True

    async def _get(self) -> Secret:
        value = self.at_hand()
        if value is not None:
            return value
        token = await self._fetch()
        now = self._clock.time()
        lifetime = lifetime_of(token, now)
        # Half of it at least: a bearer that is always about to expire would be fetched always.
        self._renew_at = now + max(lifetime - MARGIN, lifetime / 2)
        self._value = Secret(f"Bearer {token.reveal()}")
        return self._value


class TokenChain:
    """Knows the credential for each request, by where it goes."""

    def __init__(
        self,
        hosts: Hosts,
        clock: Clock,
        *,
        api_token: Secret | None = None,
        database_token: Secret | None = None,
    ) -> None:
        self.base_urls: tuple[str, ...] = (hosts.database_api, hosts.api, hosts.auth)
        self._hosts = hosts
        self._clock = clock
        self._api_token = api_token
        self._basic = None if api_token is None else _basic(api_token)
        self._ready_made = (
            None if database_token is None else Secret(f"Bearer {database_token.reveal()}")
        )
        self._platform = Bearer(self._exchange, clock)
        self._databases: dict[str, Bearer] = {}
        self._apps: dict[str, str] = {}
        self._send: Send | None = None
        self._find_databases: SingleFlight[object] | None = None

    def connect(self, send: Send, find_databases: FindDatabases) -> None:
        """Give the chain its ways to the network, which need the chain themselves."""
        self._send = send
        self._find_databases = SingleFlight(find_databases)

    def remember_app(self, database_id: str, app: str) -> None:
        """Keep which app a database belongs to: its bearer is fetched there."""
        if self._apps.get(database_id) != app:
            self._apps[database_id] = app
            self._databases.pop(database_id, None)

    def at_hand(self, request: RequestInformation) -> Secret | None:
        """Return the value of the `Authorization` header for `request`, None if not fetched."""
        if request.url == self._hosts.auth + EXCHANGE_PATH:
            return self._basic
        database_id = self._database_of(request.url)
        if database_id is None:
            return self._platform.at_hand()
        if self._ready_made is not None:
            return self._ready_made
        bearer = self._databases.get(database_id)
        return None if bearer is None else bearer.at_hand()

    async def fetch(self, request: RequestInformation) -> Secret:
        """Return the value of the `Authorization` header for `request`, fetching bearers."""
        if request.url == self._hosts.auth + EXCHANGE_PATH:
            return self._needed_basic()
        database_id = self._database_of(request.url)
        if database_id is None:
            return await self._platform.get()
        if self._ready_made is not None:
            return self._ready_made
        bearer = self._databases.get(database_id) or await self._new_bearer(database_id)
        return await bearer.get()

    def renew(self, request: RequestInformation, refused: Secret) -> bool:
        """Forget the bearer that was refused; False if no other can be had."""
        if refused in (self._basic, self._ready_made):
            return False
        database_id = self._database_of(request.url)
        if database_id is None:
            return self._platform.forget(refused)
        bearer = self._databases.get(database_id)
        return bearer is None or bearer.forget(refused)  # none: the database has another app by now

    def _database_of(self, url: str) -> str | None:
        """Return the database that a URL is of, None if it is one of the platform's."""
        prefix = self._hosts.database_api + DATABASES_PATH
        if url.startswith(prefix):
            return unquote(url[len(prefix) :].partition("?")[0].partition("/")[0])
        if url.startswith((f"{self._hosts.api}/", f"{self._hosts.auth}/")):
            return None
        raise InvalidRequest(
            "the client has no token for this URL, which is neither of the platform nor of a "
            "database; nothing was sent"
        )

    def _needed_basic(self) -> Secret:
        if self._basic is None:
            raise ConfigurationError(
                "this call needs a Scalingo API token: pass api_token, or set SCALINGO_API_TOKEN; "
                "a database token reaches the users of its own database only"
            )
        return self._basic

    async def _new_bearer(self, database_id: str) -> Bearer:
        self._needed_basic()
        app = self._apps.get(database_id)
        if app is None:
            assert self._find_databases is not None  # noqa: S101  (the client connects it)
            await self._find_databases()  # which remembers the app of each
            app = self._apps.get(database_id)
        if app is None:
            raise InvalidRequest(
                f"no database {database_id!r} among the account's apps; nothing was sent to it: "
                "its id is that of its addon; name the app where the token cannot list it"
            )
        owner = app

        async def fetch() -> Secret:
            request = RequestInformation(
                "POST",
                "/v1/apps/{app}/addons/{addon_id}/token",
                {"app": owner, "addon_id": database_id},
                base_url=self._hosts.api,
                repeat=Repeat.ALWAYS,  # it only makes one bearer more
            )
            return await self._token(request, "addon")

        return self._databases.setdefault(database_id, Bearer(fetch, self._clock))

    async def _exchange(self) -> Secret:
        self._needed_basic()
        request = RequestInformation(
            "POST",
            EXCHANGE_PATH,
            base_url=self._hosts.auth,
            repeat=Repeat.ALWAYS,
            secrets=() if self._api_token is None else (self._api_token,),
        )
        return await self._token(request)

    async def _token(self, request: RequestInformation, *at: str) -> Secret:
        assert self._send is not None  # noqa: S101  (the client connects it)
        response = await self._send(request)
        answer: TokenAnswer = response.read(TokenAnswer, *at)
        if not is_token(answer.token):
            path = ".".join(("$", *at, "token"))
            raise response.unexpected(Problem((f"expected a token, found other text @ {path}",)))
        return answer.token


def _basic(api_token: Secret) -> Secret:
    # An empty user name, the token as password; RFC 7617.
    pair = base64.b64encode(f":{api_token.reveal()}".encode())
    return Secret(f"Basic {pair.decode()}")


def lifetime_of(token: Secret, now: float) -> float:
    """Return the seconds for which a bearer received `now` is good.

    A JWT says so itself (RFC 7519, `exp`). Where that cannot be, our clock is off, and what counts
    is the time from its `iat` on; without either it is the documented hour.
    """
    claims = _claims(token)
    expires, issued = _seconds(claims.get("exp")), _seconds(claims.get("iat"))
    if expires is None:
        return LIFETIME
    whole = LIFETIME if issued is None or issued >= expires else expires - issued
    left = expires - now
    return left if 0 < left <= whole else whole


def _seconds(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) else None


def _claims(token: Secret) -> dict[str, Any]:
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, orjson.JSONDecodeError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
