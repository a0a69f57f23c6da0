"""Clients to hold against a description, and the way from an operation to their verbs."""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from dbusers import DigitalOceanClient, RetryOption, ScalingoClient, codec
from tests.contract.builders import Verb, verbs
from tests.contract.described_api import DescribedAPI
from tests.contract.description import DIGITALOCEAN, Description, Operation

TOKEN = "not-a-real-token"
ONCE = RetryOption(max_retries=0)
# The bearers are those in the examples of the operations that hand them out.
CREDENTIALS = {
    "digitalocean": {"bearer": f"Bearer {TOKEN}"},
    "scalingo": {
        "api_token": f"Basic {b64encode(f':{TOKEN}'.encode()).decode()}",
        "bearer": "Bearer not.a-real.bearer",
        "database_bearer": "Bearer not.a-real.database-bearer",
    },
}


def unconnected(description: Description) -> Any:
    """Return a client of the public API, from which nothing is to be sent."""
    return DigitalOceanClient(TOKEN) if description is DIGITALOCEAN else ScalingoClient(TOKEN)


@asynccontextmanager
async def playing(description: Description) -> AsyncIterator[tuple[DescribedAPI, Any]]:
    """Play the description, and yield it with a client that talks to it."""
    credentials = CREDENTIALS[description.provider]
    async with DescribedAPI(description, credentials) as api, _client(api) as client:
        yield api, client


def _client(api: DescribedAPI) -> Any:
    if api.description is DIGITALOCEAN:
        url = api.url("https://api.digitalocean.com")
        return DigitalOceanClient(TOKEN, base_url=url, options=[ONCE], rate_limit=None)
    return ScalingoClient(
        TOKEN,
        auth_url=api.url("https://auth.scalingo.com"),
        api_url=api.url("https://api.osc-fr1.scalingo.com"),
        database_api_url=api.url("https://db-api.osc-fr1.scalingo.com"),
        options=[ONCE],
        rate_limit=None,
    )


def verb_of(client: Any, operation: Operation, values: Mapping[str, str]) -> Verb:
    """Return the verb for an operation, on the builder that stands at its path."""
    return next(
        verb
        for verb in verbs(client, values)
        if verb.name.upper() == operation.method and verb.builder.url_template == operation.path
    )


def sample_body(description: Description, verb: Verb) -> object:
    """Return some body for the verb, None if it takes none."""
    operation = description.operation_for(verb.name.upper(), verb.builder.url_template)
    if operation is None or verb.body is None:
        return None
    return body_of(description, operation, verb, operation.body_examples[0].value)


def body_of(description: Description, operation: Operation, verb: Verb, document: Any) -> object:
    """Return an example of a body as the model that is to become it."""
    assert operation.body is not None
    form = description.body_form(operation.body)
    fields = document if form.key is None else document[form.key]
    own = {name: value for name, value in fields.items() if name not in form.beside}
    model = codec.structure(own, verb.body)
    assert not isinstance(model, codec.Problem), model
    return model
