"""The sandbox: both providers' APIs on one local port, over a fleet made from a seed."""

import time
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from random import Random
from types import TracebackType
from typing import Any, Self, TypeVar

from dbusers.digitalocean.client import DigitalOceanClient
from dbusers.scalingo.client import ScalingoClient
from dbusers.testing.digitalocean.api import ALL_SCOPES, DigitalOceanAPI
from dbusers.testing.faults import Fault
from dbusers.testing.fleet import Fleet, seeded_fleet
from dbusers.testing.lending import Loan
from dbusers.testing.scalingo.api import ScalingoAPI
from dbusers.testing.server import Server
from dbusers.testing.thread import ServingThread
from dbusers.testing.wire import RecordedRequest

Client = TypeVar("Client", DigitalOceanClient, ScalingoClient)


class Sandbox:
    """DigitalOcean's and Scalingo's APIs for database users, in memory, on a real local port.

    Use it as an async context manager, or `start` and `aclose` it::

        async with Sandbox() as sandbox, sandbox.digitalocean() as client:
            clusters = await client.databases.get()

    With a plain `with` it serves from a thread of its own: for fixtures, and for tests that are no
    coroutines or that leave the event loop to somebody else. The clients that it then makes need
    no `async with`: each is closed with the loop on which it was used, if not before. Change its
    fleet between requests only.

    Requests change its state as they would change the provider's: users are created, changed,
    rotated and removed, the rules and limits of the providers hold, and requests that break the
    contract get the provider's error. It is independent of the SDK and speaks plain HTTP, so any
    client can use it. The same seed makes the same fleet, passwords included; tokens are new each
    time. Nothing in it is a real secret; its reprs hide passwords and tokens all the same.

    - `seed`, `databases`, `users`: the fleet, with exactly so many databases and users (built-in
      ones included) over both providers. Making 100,000 users takes seconds. Raises `ValueError`
      when the databases cannot have so few users, or there is no database for them.
    - `clock`: seconds since the epoch, for rate limits and for the hour of a bearer; see
      `ManualClock`.
    - `limits`: whether the providers' rate limits are enforced. When they are not, DigitalOcean's
      headers report an untouched budget.
    - `host`, `port`: where to listen; port 0 picks a free one.
    - `page_size`: None, as observed, has DigitalOcean's lists whole; a number pages them by the
      API's general rule, with so many entries unless the request says `per_page`.
    - `omit_settings_on_get`: leaves `settings` out of DigitalOcean's answer to reading a single
      user, as that endpoint is known to do.
    - `record`: whether `requests` is filled; switch it off for hundreds of thousands of requests.
    """

    def __init__(
        self,
        *,
        seed: int = 2026,
        databases: int = 20,
        users: int = 200,
        clock: Callable[[], float] = time.time,
        limits: bool = True,
        host: str = "127.0.0.1",
        port: int = 0,
        page_size: int | None = None,
        omit_settings_on_get: bool = False,
        record: bool = True,
    ) -> None:
        if page_size is not None and page_size < 1:
            raise ValueError("page_size is at least 1, or None for whole lists")
        self._host, self._port, self._clock = host, port, clock
        self._fleet = seeded_fleet(seed, databases, users)
        self._digitalocean = DigitalOceanAPI(
            self._fleet.digitalocean,
            rng=_source(seed, "digitalocean"),
            limits=limits,
            page_size=page_size,
            omit_settings_on_get=omit_settings_on_get,
        )
        self._scalingo = ScalingoAPI(
            self._fleet.scalingo, rng=_source(seed, "scalingo"), limits=limits
        )
        self._digitalocean_token = self._digitalocean.add_token(ALL_SCOPES)
        self._server = Server(self._digitalocean, self._scalingo, clock=clock, record=record)
        self._thread: ServingThread | None = None
        self._loans: list[Loan] = []

    def __repr__(self) -> str:
        return f"<Sandbox at {self._server.url or 'no address'}, {self._fleet!r}>"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __enter__(self) -> Self:
        thread = ServingThread(self)
        thread.start()
        self._thread = thread
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        thread, self._thread = self._thread, None
        loans, self._loans = self._loans, []
        for loan in loans:
            loan.close()
        if thread is not None:
            thread.stop()

    async def start(self) -> None:
        """Listen on the host and port; raises `OSError` when they cannot be had.

        Raises `RuntimeError` when it is running already. State outlives `aclose`: a sandbox that
        is started again goes on where it was.
        """
        await self._server.start(self._host, self._port)

    async def aclose(self) -> None:
        """Stop listening and end every connection; does nothing when not running."""
        await self._server.aclose()

    @property
    def url(self) -> str:
        """The origin of both APIs, without a slash at its end; `RuntimeError` when not running."""
        if not self._server.url:
            raise RuntimeError("the sandbox is not running: use `async with`, or start() it")
        return self._server.url

    @property
    def fleet(self) -> Fleet:
        """What the APIs answer with: clusters, apps, addons, databases and all their users."""
        return self._fleet

    @property
    def requests(self) -> list[RecordedRequest]:
        """Every request received so far, in the order of arrival."""
        return self._server.requests

    def requests_to(self, method: str, path: str) -> list[RecordedRequest]:
        """Return the requests received so far of this method, to this path.

        Both are globs, and `*` matches slashes too, as in `Fault`: `requests_to("*", "/v2/*")` are
        all to DigitalOcean, `requests_to("PUT", "/v2/databases/*/users/*")` its changes of users.
        """
        return [
            request
            for request in self.requests
            if fnmatchcase(request.method, method.upper()) and fnmatchcase(request.path, path)
        ]

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which clients that are given nothing use this sandbox."""
        return {
            "DIGITALOCEAN_API_URL": self.url,
            "DIGITALOCEAN_TOKEN": self.digitalocean_token,
            "SCALINGO_AUTH_URL": self.url,
            "SCALINGO_API_URL": self.url,
            "SCALINGO_DB_URL": self.url,
            "SCALINGO_API_TOKEN": self.scalingo_token,
        }

    @property
    def digitalocean_token(self) -> str:
        """A DigitalOcean token with every scope on databases."""
        return self._digitalocean_token

    @property
    def scalingo_token(self) -> str:
        """The account's Scalingo API token."""
        return self._scalingo.bearers.api_token

    def digitalocean(self, **keywords: Any) -> DigitalOceanClient:
        """Make a client with `digitalocean_token` for this sandbox; use it with `async with`.

        `keywords` are those of `DigitalOceanClient`; a `token` or `base_url` among them is taken
        instead.
        """
        wired = {"token": self.digitalocean_token, "base_url": self.url}
        return self._lent(DigitalOceanClient, wired | keywords)

    def scalingo(self, **keywords: Any) -> ScalingoClient:
        """Make a client with `scalingo_token` for this sandbox; use it with `async with`.

        `keywords` are those of `ScalingoClient`; a token or URL among them is taken instead.
        """
        hosts = dict.fromkeys(("auth_url", "api_url", "database_api_url"), self.url)
        token = {} if "database_token" in keywords else {"api_token": self.scalingo_token}
        return self._lent(ScalingoClient, hosts | token | keywords)

    def add_digitalocean_token(self, scopes: Iterable[str] = ("database:read",)) -> str:
        """Make a further DigitalOcean token with these scopes only, and with its own rate limit.

        Raises `ValueError` for a scope that is not one of databases.
        """
        return self._digitalocean.add_token(scopes)

    def database_token(self, database_id: str) -> str:
        """Issue a bearer for one Scalingo database, good for an hour of the sandbox's clock.

        Raises `KeyError` when there is no such database.
        """
        return self._scalingo.database_token(database_id, self._clock())

    def revoke_bearers(self) -> None:
        """Have Scalingo refuse, with 401, every bearer given out so far."""
        self._scalingo.bearers.revoke_all()

    def inject(self, fault: Fault) -> None:
        """Let something go wrong for the requests that the fault matches; see `Fault`."""
        self._server.faults.add(fault)

    def _lent(self, client_type: type[Client], keywords: dict[str, Any]) -> Client:
        if self._thread is None:
            return client_type(**keywords)
        loan = Loan()
        # Outside the fetching of a bearer, which opens a connection of its own.
        hooks: Iterable[Any] = keywords.get("operation_middleware", ())
        keywords["operation_middleware"] = [loan, *hooks]
        loan.client = client = client_type(**keywords)
        self._loans.append(loan)
        return client


def _source(seed: int, purpose: str) -> Random:
    return Random(f"{seed} {purpose}")  # noqa: S311  reproducible on purpose, protects nothing
