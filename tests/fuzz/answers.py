"""Answers as no provider should give them, most of them not far from one that it does give."""

import base64
import codecs
import copy
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from hypothesis import strategies as st

from tests.canary import GENERATED, TOKEN
from tests.contract.description import DESCRIPTIONS, Operation
from tests.fuzz.odd import headers, pages, texts, values
from tests.fuzz.target import Case

SECRET_KEYS: Final = frozenset({"password", "uri", "access_cert", "access_key", "token"})
STATUSES: Final = (200, 200, 200, 201, 204, 206, 301, 400, 401, 404, 408, 422, 429, 500, 503, 599)
OPERATIONS: Final = tuple(o for description in DESCRIPTIONS for o in description.operations)
ENCODINGS: Final = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1")
SPOILS: Final = ("not", "not", "not", "a key twice", "nested", "long", "cut", "flipped")


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """An answer: described and then spoilt, or any bytes."""
    operation = draw(st.sampled_from(OPERATIONS))
    status = draw(st.sampled_from(STATUSES))
    found = draw(headers)
    if draw(st.integers(0, 9)) == 0:
        return Case(operation.id, status, found, draw(st.binary(max_size=200)))
    document = draw(documents(operation, is_success=status < 300))
    return Case(operation.id, status, found, draw(bodies(document)))


@st.composite
def documents(draw: st.DrawFn, operation: Operation, *, is_success: bool) -> Any:
    """A described document, with some of it changed."""
    examples = [
        example.value
        for answer in operation.answers
        for example in answer.examples
        if answer.is_success == is_success
    ]
    document = _planted(copy.deepcopy(draw(st.sampled_from(examples or [{}]))))
    if operation.id in ("tokens_exchange", "addon_token_create") and is_success:
        document = _with_token(document, draw(jwts()))
    holder = [document]
    for _ in range(draw(st.integers(0, 3))):
        # What stands outside of any list says how to read all the rest, and is little.
        everywhere, outside = list(_places(holder)), list(_places(holder, into_lists=False))
        if everywhere:
            place = draw(st.sampled_from(everywhere) | st.sampled_from(outside))
            draw(st.sampled_from(CHANGES))(draw, *place)
    return holder[0] if holder else None


@st.composite
def jwts(draw: st.DrawFn) -> str:
    """A bearer, or something like one, whose claims are spoilt."""
    claims = draw(st.dictionaries(st.sampled_from(("exp", "iat", "aud")), values, max_size=3))
    raw = json.dumps(draw(st.one_of(st.just(claims), values))).encode()
    middle = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return draw(st.sampled_from((f"e30.{middle}.canary-", f"{middle}..", f"canary-.{middle}é.=")))


@st.composite
def bodies(draw: st.DrawFn, document: Any) -> bytes:
    """The document as bytes: in some encoding, cut, flipped, nested, or with a key twice."""
    text = json.dumps(document, ensure_ascii=draw(st.booleans()))
    if draw(st.booleans()):
        text = text.replace(TOKEN, "".join(f"\\u{ord(c):04x}" for c in TOKEN))
    spoil = draw(st.sampled_from(SPOILS))
    if spoil == "a key twice":
        key = json.dumps(draw(st.sampled_from([*_keys(document), ""])))
        text = text.replace("{", f"{{{key}: {json.dumps(draw(values))}, ", 1)
    elif spoil == "nested":
        depth = draw(st.integers(1, 20_000))
        text = "[" * depth + text + "]" * depth
    elif spoil == "long":
        times = min(draw(st.integers(1, 3_000)), 1_000_000 // len(text) + 1)
        text = text.replace("[", "[" + "{}," * times, 1)
    encoding = draw(st.sampled_from(ENCODINGS))
    errors = "replace" if encoding == "latin-1" else "surrogatepass"
    body = bytearray(codecs.encode(text, encoding, errors))
    if spoil == "cut":
        del body[draw(st.integers(0, len(body))) :]
    elif spoil == "flipped" and body:
        for _ in range(draw(st.integers(1, 3))):
            body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
    return bytes(body)


def _replace(draw: st.DrawFn, holder: Any, key: Any) -> None:
    holder[key] = draw(values)


def _drop(_: st.DrawFn, holder: Any, key: Any) -> None:
    del holder[key]


def _rename(draw: st.DrawFn, holder: Any, key: Any) -> None:
    if isinstance(holder, dict):
        holder[draw(texts)] = holder.pop(key)


def _add(draw: st.DrawFn, holder: Any, key: Any) -> None:
    if isinstance(holder[key], list):
        holder[key] += draw(st.lists(values, max_size=3))
    elif isinstance(holder[key], dict):
        holder[key] |= draw(st.dictionaries(texts, values, max_size=3))


def _wrap(draw: st.DrawFn, holder: Any, key: Any) -> None:
    wrapped = holder[key]
    holder[key] = [wrapped] * draw(st.integers(1, 3))


def _page(draw: st.DrawFn, holder: Any, key: Any) -> None:
    if isinstance(holder[key], dict):
        holder[key][draw(st.sampled_from(("links", "meta")))] = draw(pages)


Change = Callable[[st.DrawFn, Any, Any], None]
CHANGES: Final[tuple[Change, ...]] = (
    *(_replace, _replace, _replace),
    *(_drop, _rename, _add, _wrap, _page),
)


def _places(holder: Any, *, into_lists: bool = True) -> Iterator[tuple[Any, Any]]:
    """Yield every place of a document: what holds it, and under which key or index."""
    keys = list(holder) if isinstance(holder, dict) else range(len(holder))
    for key in keys:
        yield holder, key
        if isinstance(holder[key], dict) or (into_lists and isinstance(holder[key], list)):
            yield from _places(holder[key], into_lists=into_lists)


def _keys(document: Any) -> Iterator[str]:
    return (key for _, key in _places([document]) if isinstance(key, str))


def _planted(document: Any) -> Any:
    for holder, key in list(_places([document])):
        if key in SECRET_KEYS and isinstance(holder[key], str):
            holder[key] = GENERATED
    return document


def _with_token(document: Any, token: str) -> Any:
    for holder, key in list(_places([document])):
        if key == "token":
            holder[key] = token
    return document
