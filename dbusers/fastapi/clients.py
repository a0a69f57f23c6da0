"""Clients that are opened with the app and closed with it, and how endpoints get them."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Annotated, Any, Final, Generic, TypeVar, cast

import attrs
from fastapi import Depends
from fastapi.requests import HTTPConnection
from starlette.applications import Starlette

from dbusers.digitalocean.client import DigitalOceanClient
from dbusers.errors import ConfigurationError
from dbusers.scalingo.client import ScalingoClient

Client = DigitalOceanClient | ScalingoClient
C = TypeVar("C", DigitalOceanClient, ScalingoClient)
Lifespan = Callable[[Any], AbstractAsyncContextManager[Mapping[str, Any] | None]]

_Make = Callable[[], Client]
_OpenClients = dict[tuple[type[Client], str | None], Client]


def lifespan(
    *clients: _Make, own: Lifespan | None = None, **named: _Make
) -> Callable[[Starlette], AbstractAsyncContextManager[Mapping[str, Any]]]:
    """Return a lifespan for `FastAPI(lifespan=…)` that opens clients and closes them at the end.

        lifespan(DigitalOceanClient, lambda: ScalingoClient(region="osc-secnum-fr1"))
        lifespan(production=lambda: DigitalOceanClient(token), staging=lambda: …)

    Clients are given as what makes them, without arguments, so that each worker process makes its
    own, and a missing token ends the start and not the first request. One client of each type may
    go without a name. `own` is your app's own lifespan: it is entered when the clients are open
    (`client_of` has them) and left before they are closed; what it yields is the app's state, as
    usual. Starting raises `ConfigurationError` where a client cannot be made, or where two are not
    told apart.
    """

    @asynccontextmanager
    async def opened(app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        async with AsyncExitStack() as stack:
            found: _OpenClients = {}
            given: list[tuple[str | None, _Make]] = [(None, make) for make in clients]
            for name, make in [*given, *named.items()]:
                client: Client = await stack.enter_async_context(make())
                key = (_type_of(client), name)
                if key in found:
                    raise ConfigurationError(
                        f"two clients are a {key[0].__name__}: give them names, as in "
                        "lifespan(production=…, staging=…)"
                    )
                found[key] = client
            app.state.dbusers_clients = found
            stack.callback(found.clear)
            state = await stack.enter_async_context(own(app)) if own else None
            yield state or {}

    return opened


def client_of(app: Starlette, kind: type[C], name: str | None = None) -> C:
    """Return the app's client of this type and name, outside of requests: in its lifespan, say.

    Raises `ConfigurationError` if `lifespan` has not opened one.
    """
    found: _OpenClients = getattr(app.state, "dbusers_clients", {})
    client = found.get((kind, name))
    if client is None:
        given = f"{name}=…" if name else kind.__name__
        raise ConfigurationError(
            f"the app has no open {kind.__name__}{f' called {name!r}' if name else ''}: make it "
            f"with FastAPI(lifespan=dbusers.fastapi.lifespan({given})), and run its lifespan in "
            "tests too"
        )
    return cast("C", client)


@attrs.frozen
class ClientDependency(Generic[C]):
    """Hands out the app's client of this type and name, for `Depends`.

        staging = ClientDependency(DigitalOceanClient, "staging")
        Staging = Annotated[DigitalOceanClient, Depends(staging)]

    Endpoints that ask for it raise `ConfigurationError` where `lifespan` has not opened it.
    """

    kind: type[C]
    name: str | None = None

    async def __call__(self, connection: HTTPConnection) -> C:
        """Return the client."""
        return client_of(connection.app, self.kind, self.name)


digitalocean_client: Final = ClientDependency(DigitalOceanClient)
"""The app's `DigitalOceanClient`; tests replace it: `app.dependency_overrides[…] = lambda: mine`"""

scalingo_client: Final = ClientDependency(ScalingoClient)
"""The app's `ScalingoClient`; see `digitalocean_client`."""

DigitalOcean = Annotated[DigitalOceanClient, Depends(digitalocean_client)]
"""An endpoint's parameter of this type is the app's `DigitalOceanClient`."""

Scalingo = Annotated[ScalingoClient, Depends(scalingo_client)]
"""An endpoint's parameter of this type is the app's `ScalingoClient`."""


def _type_of(client: Client) -> type[Client]:
    return DigitalOceanClient if isinstance(client, DigitalOceanClient) else ScalingoClient
