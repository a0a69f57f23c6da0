"""The app, and what each request passes on its way in and out."""

import os

from fastapi import Depends, FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from dbusers import DbusersError
from dbusers.fastapi import CancelOnDisconnect, RequestDeadline, lifespan, problem_response

from . import audits, clients, page, users

# Under which names browsers may reach it; any other is somebody's own, pointing here.
HOSTS = os.environ.get("APP_HOSTS", "localhost,127.0.0.1").split(",")


def create_app() -> FastAPI:
    """Return the app; its clients are opened when it starts."""
    app = FastAPI(
        title="Database users",
        docs_url=None,  # these two load their scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan(clients.digitalocean, clients.scalingo),
        exception_handlers={DbusersError: problem_response},
    )
    app.include_router(users.router, prefix="/api", dependencies=[Depends(users.same_origin)])
    app.include_router(audits.router, prefix="/api")
    app.include_router(page.router)
    app.add_middleware(RequestDeadline, seconds=20)
    app.add_middleware(CancelOnDisconnect)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
    return app


app = create_app()
