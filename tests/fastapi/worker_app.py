"""An app whose answers say which worker gave them, and which never waits for the budget."""

import os

from fastapi import FastAPI, Response

from dbusers import DbusersError, RateLimitOption, ScalingoClient
from dbusers.fastapi import Scalingo, lifespan, problem_response
from dbusers.scalingo.client import WINDOWS
from docs.examples.fastapi_app.clients import share_of


def client() -> ScalingoClient:
    return ScalingoClient(options=[RateLimitOption(max_wait=0)], rate_limit=share_of(WINDOWS))


app = FastAPI(lifespan=lifespan(client), exception_handlers={DbusersError: problem_response})


@app.get("/apps")
async def apps(response: Response, client: Scalingo) -> int:
    response.headers["X-Worker"] = str(os.getpid())
    return len(await client.apps.get())
