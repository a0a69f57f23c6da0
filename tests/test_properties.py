"""Whatever is passed is refused or sent as it is; whatever is read is written as it was.

Paths alone are in test_request.py, request lines in test_builder.py, the codec's own models in
test_codec.py: here are the models of both providers, and all of a request as a server receives it.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import attrs
import orjson
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import dbusers.digitalocean.models
import dbusers.scalingo.models
from dbusers import (
    InvalidRequest,
    RequestConfiguration,
    RetryOption,
    TimeoutOption,
    codec,
)
from dbusers import digitalocean as do
from dbusers import scalingo as sc
from dbusers.codec import Problem
from tests.both_providers import CREATE, GOOD, opened
from tests.canary import MARK
from tests.contract.description import DIGITALOCEAN, SCALINGO, Description, Schema
from tests.contract.kinds import may_be_null
from tests.hostile import QUOTED_NAMES, REFUSED_NAMES
from tests.raw_server import RawServer, Received, answer

few = settings(max_examples=10)

# Documents, as openapi/ describes them

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.integers(-(2**63), 2**63 - 1)
scalars = (
    st.none() | st.booleans() | numbers | st.floats(allow_nan=False, allow_infinity=False) | texts
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
timestamps = st.datetimes(timezones=st.timezones()).map(datetime.isoformat) | st.sampled_from(
    ["2019-01-11T18:37:36Z", "2015-01-13T09:20:31.123+01:00", "2026-01-11T18:37:36.123456789Z"]
)


def documents(description: Description, schema: Schema) -> st.SearchStrategy[Any]:
    """Return what a schema describes; what is optional may be null or absent as well."""
    alternatives = [a for a in schema.get("anyOf", ()) if a != {"type": "null"}]
    if alternatives:
        (schema,) = alternatives
    schema = description.resolve(schema)
    declared = schema["type"]
    (kind,) = {declared} if isinstance(declared, str) else set(declared) - {"null"}
    if kind == "array":
        return st.lists(documents(description, schema["items"]), max_size=2)
    if kind == "object":
        return objects(description, schema)
    if schema.get("format") == "date-time":
        return timestamps
    if "x-open-enum" in schema:
        return st.sampled_from(sorted(schema["x-open-enum"])) | texts
    return {"string": texts, "integer": numbers, "boolean": st.booleans()}[kind]


def objects(description: Description, schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    properties = schema.get("properties", {})
    required = schema.get("required", ())

    def values(name: str) -> st.SearchStrategy[Any]:
        value = documents(description, properties[name])
        may_be_none = name not in required or may_be_null(properties[name])
        return st.none() | value if may_be_none else value

    known = st.fixed_dictionaries(
        {name: values(name) for name in properties if name in required},
        optional={name: values(name) for name in properties if name not in required},
    )
    unknown = st.dictionaries(
        texts.filter(lambda name: name not in properties), anything, max_size=2
    )
    return st.builds(lambda extra, own: {**extra, **own}, unknown, known)


def models(description: Description, module: ModuleType) -> list[Any]:
    named = {name: getattr(module, name, None) for name in description.schemas}
    return [
        pytest.param(cls, documents(description, {"$ref": f"#/components/schemas/{name}"}),
                     id=f"{description.provider}-{name}")
        for name, cls in named.items()
        if cls is not None and attrs.has(cls)
    ]  # fmt: skip


MODELS = [
    *models(DIGITALOCEAN, dbusers.digitalocean.models),
    *models(SCALINGO, dbusers.scalingo.models),
]
each_model = pytest.mark.parametrize(("cls", "described"), MODELS)


def read(document: Any, cls: Any) -> Any:
    found = codec.structure(codec.parse(orjson.dumps(document)), cls)
    assert not isinstance(found, Problem), found
    return found


def in_instants(value: Any) -> Any:
    """Return a document with its timestamps as moments: their spelling may change."""
    if isinstance(value, dict):
        return {name: in_instants(item) for name, item in value.items()}
    if isinstance(value, list):
        return [in_instants(item) for item in value]
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else value
    except ValueError:
        return value


def test_every_model_of_both_providers_is_there() -> None:
    names = {parameters.id for parameters in MODELS}

    assert {"digitalocean-DatabaseCluster", "scalingo-Database", "scalingo-UserCreate"} <= names
    assert len(names) == 25


@each_model
@few
@given(data=st.data())
def test_what_was_read_is_written_as_it_was(
    cls: Any, described: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    document = data.draw(described)
    model = read(document, cls)

    again = orjson.loads(codec.encode(model))
    assert in_instants(again) == in_instants(document)
    assert read(again, cls) == model
    assert orjson.loads(codec.encode(read(again, cls))) == again


@each_model
@few
@given(data=st.data())
def test_a_document_with_something_wrong_is_told_without_it(
    cls: Any, described: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    document = data.draw(described)
    field = data.draw(
        st.sampled_from([f for f in attrs.fields(cls) if f.name != "additional_data"])
    )
    wrong = data.draw(st.sampled_from([{MARK: MARK}, [MARK], MARK, 5, 2.5, True, None]))

    found = codec.structure({**document, field.name: wrong}, cls)
    if isinstance(found, Problem):
        assert all(line.partition(" @ ")[2].startswith(f"$.{field.name}") for line in found.lines)
        assert MARK not in str(found)
    else:
        assert orjson.loads(codec.encode(found))[field.name] == wrong


@given(anything)
def test_anything_at_all_is_a_model_or_a_problem(document: Any) -> None:
    for cls in (parameters.values[0] for parameters in MODELS):
        found = codec.structure(document, cls)
        assert isinstance(found, cls | Problem)
        assert isinstance(found, Problem) or isinstance(document, dict)


# Requests, as a server receives them

known_headers = st.sampled_from(
    ["Accept", "user-agent", "Cookie", "x-trace", "Content-Type", "If-Match", "Proxy-Authorization",
     "Authorization", "HOST", "content-length", "Transfer-Encoding", "Connection",
     "Expect", "Upgrade", "TE", "Content-Encoding"]
)  # fmt: skip
tokens = st.text("abcXYZ019-_.!#$%&'*+^`|~", min_size=1, max_size=8)
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
header_values = printable.map(str.strip) | st.sampled_from(["", "a b", "a\tb", "7"])
hostile_texts = st.sampled_from([*REFUSED_NAMES, *QUOTED_NAMES[:-1]]) | st.text(
    st.characters(), max_size=8
)
headers = st.dictionaries(tokens | known_headers, header_values, max_size=3)
hostile_headers = st.dictionaries(
    tokens | known_headers | hostile_texts, header_values | hostile_texts, max_size=2
)
queries = st.dictionaries(
    texts, texts | st.none() | st.booleans() | st.integers(-(10**30), 10**30), max_size=3
)
hostile_queries = st.dictionaries(hostile_texts, hostile_texts | scalars, max_size=2)
query_values = st.builds(do.DatabasesQuery, tag_name=st.none() | texts)
seconds = st.none() | st.sampled_from([5, 30.0, 600, 0, -1, float("nan"), float("inf"), 1e9, True])
counts = st.sampled_from([0, 1, 3, -1, 2.5, True, None])


def configured(
    headers: Mapping[str, str], query: Any, total: Any, retries: Any
) -> RequestConfiguration:
    options = [TimeoutOption(total=total), RetryOption(max_retries=retries)]
    return RequestConfiguration(headers=headers, query_parameters=query, options=options)


async def received(
    username: str, arguments: tuple[Any, ...]
) -> tuple[RequestConfiguration | None, list[Received]]:
    """Return the configuration, None where it is refused, and what a server got of it."""
    async with RawServer() as server:
        server.plays(answer(200, GOOD))
        async with opened(server.url) as clients:
            try:
                with_ = configured(*arguments)
                await clients.do_users.by_username(username).get(with_)
                await clients.sc_users.post(CREATE, with_)
            except InvalidRequest:
                return None, server.requests
        return with_, server.requests


def as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@settings(max_examples=100)
@given(
    hostile_texts.filter(lambda name: name not in REFUSED_NAMES) | texts,
    st.tuples(headers | hostile_headers, queries | hostile_queries | query_values, seconds, counts),
)
@example("app", ({"x-trace": "7"}, {"a": "b c"}, 30, 3))
@example("a/b", ({}, {"é&=": "\r\n"}, None, 0))
@example("app", ({"Expect": "100-continue"}, {}, 5, 0))
@example("app", ({"x": "1", "X": "2"}, {}, 5, 0))
@example("app", ({}, {"a": 10**5000}, 5, 0))
def test_a_configuration_is_refused_or_sent_as_it_is(
    username: str, arguments: tuple[Any, ...]
) -> None:
    given_headers, query, _, _ = arguments
    names = [name.lower() for name in given_headers]
    configuration, requests = asyncio.run(received(username, arguments))
    if configuration is None:
        assert requests == []
        return
    assert len(set(names)) == len(names)  # of two spellings of a name only one could be sent
    assert [request.method for request in requests] == ["GET", "POST"]
    if attrs.has(type(query)):
        query = attrs.asdict(query)
    expected = {name: as_text(value) for name, value in query.items() if value is not None}
    for request in requests:
        path, _, sent = request.target.partition(b"?")
        *_, last = path.split(b"/")
        assert unquote_to_bytes(last) == (username if request.method == "GET" else "users").encode()
        pairs = parse_qsl(sent.decode("ascii"), keep_blank_values=True, strict_parsing=bool(sent))
        assert dict(pairs) == expected
        for name, value in given_headers.items():
            assert request.headers[name.lower()] == value
        assert request.headers["authorization"].startswith("Bearer canary-")


def test_the_property_above_refuses_and_sends() -> None:
    # Both sides of it are reached by its own examples, and by none only.
    good = asyncio.run(received("app", ({"x-trace": "7"}, {"a": True}, 30, 3)))
    bad = [({"x": "é"}, {}, 30, 3), ({"host": "x"}, {}, 30, 3), ({}, {"a": 1.5}, 30, 3),
           ({}, {}, float("nan"), 3), ({}, {}, 30, -1)]  # fmt: skip

    assert good[0] is not None
    assert len(good[1]) == 2
    assert all(asyncio.run(received("app", arguments)) == (None, []) for arguments in bad)


# Bodies, as a server receives them

BODIES = {parameters.id: parameters.values for parameters in MODELS}
WRITES: dict[str, Any] = {
    "digitalocean-UserCreate": lambda clients, body: clients.do_users.post(body),
    "digitalocean-UserUpdate": lambda clients, body: clients.do_users.by_username("app").put(body),
    "digitalocean-ResetAuth": lambda clients, body: clients.do_users.by_username(
        "app"
    ).reset_auth.post(body),
    "scalingo-UserCreate": lambda clients, body: clients.sc_users.post(body),
    "scalingo-UserUpdate": lambda clients, body: clients.sc_users.by_username("app").patch(body),
}


@pytest.mark.parametrize("kind", WRITES)
@few
@given(data=st.data())
def test_a_body_arrives_as_it_was_made(kind: str, data: st.DataObject) -> None:
    cls, described = BODIES[kind]
    document = data.draw(described)
    assume(document.get("name", "app"))  # an empty one is refused

    async def sent() -> Received:
        async with RawServer() as server:
            server.plays(answer(200, GOOD))
            async with opened(server.url) as clients:
                await WRITES[kind](clients, read(document, cls))
            (request,) = server.requests
            return request

    request = asyncio.run(sent())
    arrived = orjson.loads(request.body)
    if cls in (sc.UserCreate, sc.UserUpdate):
        arrived = arrived["database_user"]
        beside = {"database_id": "ad-1"}
        if "password" in document:
            beside["password_confirmation"] = document["password"]
        assert {name: arrived.pop(name, None) for name in beside} == beside
    assert arrived == document
    assert request.headers["content-type"] == "application/json"
    assert request.headers["content-length"] == str(len(request.body))
