"""The SDK in a FastAPI backend: clients that live as long as the app, errors, deadlines.

    app = FastAPI(
        lifespan=lifespan(DigitalOceanClient, ScalingoClient),
        exception_handlers={DbusersError: problem_response},
    )
    app.add_middleware(RequestDeadline, seconds=10)
    app.add_middleware(CancelOnDisconnect)


    @app.get("/clusters/{cluster}/users")
    async def names(cluster: str, client: DigitalOcean) -> list[str]:
        return [user.name for user in await client.databases.by_id(cluster).users.get()]

Each of the four can be had without the others. `clients` opens and closes them and hands them out,
`problems` turns errors into answers, `deadlines` passes a request's time on to the calls that are
made for it, and `disconnects` ends what nobody waits for any more. The extra `fastapi` installs
what this needs. docs/fastapi.md says how to use it, docs/examples/fastapi_app/ is a whole backend.
"""

from dbusers.fastapi.clients import (
    ClientDependency,
    DigitalOcean,
    Scalingo,
    client_of,
    digitalocean_client,
    lifespan,
    scalingo_client,
)
from dbusers.fastapi.deadlines import RequestDeadline, without_deadline
from dbusers.fastapi.disconnects import CancelOnDisconnect
from dbusers.fastapi.problems import problem_response

__all__ = [
    "CancelOnDisconnect",
    "ClientDependency",
    "DigitalOcean",
    "RequestDeadline",
    "Scalingo",
    "client_of",
    "digitalocean_client",
    "lifespan",
    "problem_response",
    "scalingo_client",
    "without_deadline",
]
