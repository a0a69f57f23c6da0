"""URLs that say what their caller means: a path parameter is never trusted.

It is quoted with nothing left safe, and names that URL libraries would resolve away (`.` and `..`)
or that leave a segment empty are refused.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from dbusers.errors import InvalidRequest

UNSAFE_IN_URL: Final = re.compile(r"[^!-\[\]-~]")  # what is not printable ASCII, and the backslash
PLAIN_SEGMENT: Final = "[A-Za-z0-9_-][A-Za-z0-9._~-]*"
NOTHING: Final = "(?!)"  # matches nothing
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


def fill(template: str, parameters: Mapping[str, str]) -> str:
    """Return the path with each `{parameter}` quoted into one segment of its own.

    Raises `InvalidRequest` for a template that is not the path of a URL, and for a parameter that
    is missing, empty, `.` or `..`, not a string, or that holds control characters or unpaired
    surrogates.
    """
    literals, places, is_plain = _path(template)
    pieces = literals.copy()
    try:
        for place, name in places:
            pieces[place] = parameters[name]
        filled = "".join(pieces)
        if is_plain(filled):  # what nearly every id and name is has nothing in it to quote
            return filled
    except (KeyError, TypeError):
        pass  # missing, or not a string: the next lines say which of them
    for place, name in places:
        pieces[place] = _segment(name, parameters.get(name))
    return "".join(pieces)


@lru_cache(maxsize=256)  # there are as many as there are builders
def _path(template: str) -> tuple[list[str], list[tuple[int, str]], Callable[[str], object]]:
    """Return a template's literals, what goes where between them, and what a usual path matches."""
    literal, *rest = template.split("{")
    literals, names = [literal], []
    for piece in rest:
        name, _, literal = piece.partition("}")
        names.append(name)
        literals.append(literal)
    path = "x".join(literals)
    if not path.startswith("/") or UNSAFE_IN_URL.search(path) or {"?", "#", "}"} & {*path}:
        raise InvalidRequest("the URL template must be a path: /v2/databases/{id}")
    _refuse_dot_segments(path)
    # With a slash between any two, each parameter is a segment of its own.
    plain = PLAIN_SEGMENT.join(map(re.escape, literals))
    if not all("/" in literal for literal in literals[1:-1]):
        plain = NOTHING
    pieces = [text for literal in literals for text in (literal, "")]
    places = list(zip(range(1, 2 * len(names), 2), names, strict=True))
    return pieces, places, re.compile(plain).fullmatch


def _segment(name: str, value: object) -> str:
    if value is None or value == "":
        raise InvalidRequest(f"{name} is empty: pass the id or name that the provider shows")
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be a string, not {type(value).__name__}")
    if value in (".", ".."):
        raise InvalidRequest(f"{name} cannot be {value!r}: it would address another resource")
    if CONTROL.search(value):
        raise InvalidRequest(f"{name} holds a control character")
    if SURROGATE.search(value):
        raise InvalidRequest(f"{name} holds an unpaired surrogate, which UTF-8 cannot write")
    return quote(value, safe="")


def checked_url(url: str) -> str:
    """Return `url` if it is absolute, without user information and safe to send as it stands."""
    if not isinstance(url, str) or UNSAFE_IN_URL.search(url):
        raise InvalidRequest("the URL holds characters that must be percent-encoded")
    scheme, separator, rest = url.partition("://")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if not separator or scheme.lower() not in ("http", "https") or not host:
        raise InvalidRequest("the URL must be absolute: https://host/path")
    if "@" in host:
        raise InvalidRequest("the URL must not hold a user name or password")
    if "#" in rest:
        raise InvalidRequest("the URL must not have a fragment")
    _refuse_dot_segments(rest.partition("?")[0])
    return url


def _refuse_dot_segments(path: str) -> None:
    if {".", ".."} & set(re.sub(r"%2[eE]", ".", path).split("/")):
        raise InvalidRequest("the path must not have '.' or '..' as a segment")
