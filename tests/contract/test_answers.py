"""Every described answer, read through the client, becomes the value or the error it stands for.

The answers come over a real socket from an API that is made of the description alone. It checks
what it is asked on the way: method, path, host, credential, query and body.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import attrs
import pytest

from dbusers import (
    APIError,
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    OnResponse,
    RateLimited,
    RateLimitState,
    RequestConfiguration,
    Response,
    ServerError,
    Unauthorized,
    Unprocessable,
    codec,
)
from dbusers.errors import BY_STATUS
from tests.contract.builders import Verb
from tests.contract.described_api import DescribedAPI
from tests.contract.description import (
    DESCRIPTIONS,
    DIGITALOCEAN,
    SCALINGO,
    Answer,
    Description,
    Example,
    Operation,
)
from tests.contract.playing import body_of, playing, sample_body, verb_of

ERRORS: dict[int, type[APIError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Unprocessable,
    429: RateLimited,
    500: ServerError,
    502: ServerError,
    503: ServerError,
    504: ServerError,
}
UNLISTED = 418  # any status that no description lists
# A verb that brings the client to call the operations that nobody navigates to.
REACHED_BY = {"tokens_exchange": "database_get", "addon_token_create": "database_get"}
COMPOSED = {"dedicated_databases_list"}


@attrs.frozen
class Case:
    """One example of one answer of one operation."""

    description: Description
    operation: Operation
    answer: Answer
    example: Example | None

    @property
    def status(self) -> int:
        return UNLISTED if self.answer.status == "default" else int(self.answer.status)

    @property
    def name(self) -> str:
        example = self.example.name if self.example else "empty"
        return f"{self.operation.id}-{self.answer.status}-{example}"

    def verb(self, client: Any) -> Verb:
        """Return the verb that leads to the operation."""
        operation = self.description.operation(REACHED_BY.get(self.operation.id, self.operation.id))
        return verb_of(client, operation, self.description.parameter_examples)


def cases() -> Iterator[Case]:
    for description in DESCRIPTIONS:
        for operation in description.operations:
            for answer in operation.answers:
                for example in answer.examples or (None,):
                    yield Case(description, operation, answer, example)


def parametrize(chosen: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(c, id=c.name) for c in chosen])


def texts(document: Any) -> Iterator[str]:
    """Yield every text in a document, and every key below its top: the names of fields."""
    match document:
        case str():
            yield document
        case list():
            for item in document:
                yield from texts(item)
        case dict():
            for key, value in document.items():
                if isinstance(value, list):
                    yield key
                yield from texts(value)


def as_wire(value: Any) -> Any:
    """Return models as the JSON that they would be written as."""
    if value is None:
        return None
    if isinstance(value, list):
        return [as_wire(item) for item in value]
    return json.loads(codec.encode(value))


def timeless(document: Any) -> Any:
    """Return a document with its timestamps as instants: one may be written in several ways."""
    match document:
        case dict():
            return {key: timeless(value) for key, value in document.items()}
        case list():
            return [timeless(item) for item in document]
        case str() if len(document) > 10 and document[4:5] == "-" and document[10:11] == "T":
            return datetime.fromisoformat(document)
        case _:
            return document


def models_in(case: Case, example: Example) -> Any:
    """Return what an example holds of models, as JSON."""
    schema = case.answer.schemas[example.media_type]
    key = case.description.payload_key(schema, example.value)
    return example.value if key is None else example.value[key]


def expected(case: Case) -> Any:
    """Return the models that the client should find, as JSON, those of further pages included."""
    if case.example is None:
        return None
    found = models_in(case, case.example)
    schema = case.description.payload_schema(case.answer.schemas["application/json"])
    if "array" not in schema.get("type", ()):
        return found
    has_more = "links" in case.example.value or "meta" in case.example.value
    return [*(found or ()), *(models_in(case, case.answer.examples[0]) if has_more else ())]


async def send(api: DescribedAPI, client: Any, case: Case, on_response: OnResponse) -> Any:
    """Call the verb for the case's operation, and let that answer with the case's example."""
    api.script(case.operation.id, case.status, case.example)
    verb = case.verb(client)
    configuration = RequestConfiguration(options=[on_response])
    body = sample_body(case.description, verb)
    return await verb.call(*verb.arguments(body, configuration))


successes = [case for case in cases() if case.answer.is_success]
failures = [case for case in cases() if not case.answer.is_success]
direct = [c for c in successes if c.operation.id not in {*REACHED_BY, *COMPOSED}]


@parametrize(direct)
async def test_a_success_becomes_the_models_that_it_holds(case: Case) -> None:
    responses: list[Response] = []
    async with playing(case.description) as (api, client):
        value = await send(api, client, case, OnResponse(responses.append))

    assert api.problems == []
    assert timeless(as_wire(value)) == timeless(expected(case))
    assert responses[0].status == case.status
    assert responses[0].headers.items() >= case.answer.headers.items()


@parametrize(failures)
async def test_a_refusal_becomes_the_error_of_its_status(case: Case) -> None:
    async with playing(case.description) as (api, client):
        with pytest.raises(APIError) as raised:
            await send(api, client, case, OnResponse(lambda response: None))

    assert api.problems == []
    assert type(raised.value) is ERRORS.get(case.status, APIError)
    assert raised.value.status == case.status
    assert raised.value.headers.items() >= case.answer.headers.items()
    assert raised.value.rate_limit == RateLimitState.from_headers(case.answer.headers)


@parametrize([c for c in failures if c.example and c.example.media_type == "application/json"])
async def test_an_error_says_what_the_provider_says(case: Case) -> None:
    assert case.example is not None
    said = case.example.value
    async with playing(case.description) as (api, client):
        with pytest.raises(APIError) as raised:
            await send(api, client, case, OnResponse(lambda response: None))

    error = raised.value
    assert error.id == said.get("id", said.get("code"))
    for text in texts({k: v for k, v in said.items() if k not in ("id", "code", "request_id")}):
        assert text in error.message
    assert error.request_id == said.get("request_id", case.answer.headers.get("x-request-id"))


@parametrize([c for c in failures if c.example and c.example.media_type != "application/json"])
async def test_an_error_that_is_not_json_is_told_by_its_status_alone(case: Case) -> None:
    assert case.example is not None
    async with playing(case.description) as (api, client):
        with pytest.raises(APIError) as raised:
            await send(api, client, case, OnResponse(lambda response: None))

    assert raised.value.id is None
    assert case.example.value not in str(raised.value)


@parametrize([c for c in cases() if "ratelimit-limit" in c.answer.headers])
async def test_an_answer_tells_the_state_of_the_budget(case: Case) -> None:
    responses: list[Response] = []
    async with playing(case.description) as (api, client):
        with suppress(APIError):
            await send(api, client, case, OnResponse(responses.append))

    headers, state = case.answer.headers, responses[0].rate_limit
    assert state is not None
    assert (state.limit, state.remaining, state.resets_at, state.retry_after) == (
        int(headers["ratelimit-limit"]),
        int(headers["ratelimit-remaining"]),
        int(headers["ratelimit-reset"]),
        int(headers["retry-after"]) if "retry-after" in headers else None,
    )


@pytest.mark.parametrize(
    ("description", "operation", "example"),
    [
        pytest.param(d, o, e, id=f"{o.id}-{e.name}")
        for d in DESCRIPTIONS
        for o in d.operations
        for e in o.body_examples
    ],
)
async def test_a_body_is_sent_as_it_is_described(
    description: Description, operation: Operation, example: Example
) -> None:
    async with playing(description) as (api, client):
        verb = verb_of(client, operation, description.parameter_examples)
        await verb.call(body_of(description, operation, verb, example.value))

    assert api.problems == []
    assert api.bodies[operation.id] == example.value


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_any_2xx_is_a_success(status: int) -> None:
    operation = DIGITALOCEAN.operation("databases_update_user")
    case = Case(DIGITALOCEAN, operation, operation.success, operation.success.examples[0])
    async with playing(DIGITALOCEAN) as (api, client):
        verb = case.verb(client)
        api.script(operation.id, status, case.example)
        value = await verb.call(sample_body(DIGITALOCEAN, verb))

    assert as_wire(value) == expected(case)


@pytest.mark.parametrize("description", DESCRIPTIONS, ids=lambda d: d.provider)
def test_every_error_of_the_sdk_is_described(description: Description) -> None:
    described = {answer.status for o in description.operations for answer in o.answers}

    assert described >= {str(status) for status in BY_STATUS}


async def test_the_bearer_of_a_database_comes_over_the_whole_chain_once() -> None:
    async with playing(SCALINGO) as (api, client):
        users = client.databases.by_id("5415beca646173000b015000", app="shop").users
        await users.get()
        await users.get()

    assert api.problems == []
    assert api.called == [
        "tokens_exchange",
        "addon_token_create",
        "database_users_list",
        "database_users_list",
    ]


async def test_databases_are_found_over_apps_addons_and_dedicated_databases() -> None:
    async with playing(SCALINGO) as (api, client):
        found = await client.databases.get()

    assert api.problems == []
    assert set(api.called) == {
        "tokens_exchange",
        "apps_list",
        "addons_list",
        "dedicated_databases_list",
    }
    assert {(f.app, f.dedicated) for f in found} == {("shop", False), ("shop-ledger", True)}
    assert {(f.id, f.engine) for f in found} == {
        ("5415beca646173000b015000", "postgresql"),
        ("5415beca646173000b015001", "mysql"),
    }


async def test_a_user_of_scalingo_is_picked_from_the_list() -> None:
    async with playing(SCALINGO) as (api, client):
        users = client.databases.by_id("5415beca646173000b015000", app="shop").users
        user = await users.by_username("metabase").get()
        with pytest.raises(NotFound):
            await users.by_username("nobody").get()

    assert api.problems == []
    assert user.name == "metabase"
    assert api.called[2:] == ["database_users_list", "database_users_list"]
