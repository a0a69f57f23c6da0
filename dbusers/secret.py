"""`Secret`: a string that does not print itself.

Passwords, keys, certificates and tokens are held in it, so that no repr, log line, error, report
or traceback with locals shows them by accident. `reveal()` is the one way to the text.
"""

import hmac
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, NoReturn, SupportsIndex

MASK: Final = "**********"
HTML: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
LONGEST_CHARACTER: Final = 12  # one that is four bytes in UTF-8, in a URL: %F0%9F%98%80


class Secret:
    """A password, key, certificate or token; `reveal()` returns the text.

    It has no length, cannot be iterated, pickled or serialised to JSON, and prints as asterisks.
    Two secrets are equal when their texts are, compared in constant time.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def of(cls, text: "str | Secret") -> "Secret":
        """Return `text` itself if it is a secret already, else a secret that holds it."""
        return text if isinstance(text, Secret) else cls(text)

    def reveal(self) -> str:
        """Return the text. Everything that calls this is a place to watch."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # Pasted text may hold unpaired surrogates, and an encoding error would show all of it.
        mine, its = (text.encode("utf-8", "surrogatepass") for text in (self._text, other._text))
        return hmac.compare_digest(mine, its)

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is not pickled: store reveal() where secrets may be stored")

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self


def mask(text: str, secrets: Iterable[Secret]) -> str:
    """Return `text` with each of the secrets replaced, also as JSON, URLs and HTML spell them."""
    for secret in secrets:
        if secret:
            text = _pattern(secret).sub(MASK, text)
    return text


def longest_spelling(secrets: Iterable[Secret]) -> int:
    """Return how many characters a secret may take in a text."""
    return max((LONGEST_CHARACTER * len(secret.reveal()) for secret in secrets), default=0)


@lru_cache(maxsize=64)  # thousands of answers are refused with one credential
def _pattern(secret: Secret) -> re.Pattern[str]:
    return re.compile("".join(map(_spellings, secret.reveal())))


def _spellings(character: str) -> str:
    """Return a pattern for all that a server may make of a character."""
    if character.isascii() and character.isalnum():
        return character  # which nobody escapes
    utf8 = character.encode("utf-8", "surrogatepass")
    escapes = {
        json.dumps(character)[1:-1],
        "".join(f"\\u{unit:04x}" for unit in _utf16(character)),
        "".join(f"%{byte:02x}" for byte in utf8),
        f"&#{ord(character)};",
        f"&#x{ord(character):x};",
        HTML.get(character, character),
        *{"/": ["\\/"], " ": ["+"]}.get(character, []),
    }
    # Two readings of one spelling would make a search of a text that repeats it take for ever.
    longest_first = sorted(escapes - {character}, key=len, reverse=True)
    return f"(?:(?i:{'|'.join(map(re.escape, longest_first))})|{re.escape(character)})"


def _utf16(character: str) -> Iterator[int]:
    units = character.encode("utf-16-be", "surrogatepass")
    return (high << 8 | low for high, low in zip(units[::2], units[1::2], strict=True))


class SecretText(str):
    """A text on its way to the socket: itself, but with a repr that hides it.

    HTTP libraries take `str` and `bytes`, and a traceback with locals prints those by their repr.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK)


class SecretBytes(bytes):
    """A body on its way to the socket; see `SecretText`. So are its pieces."""

    __slots__ = ()

    def __getitem__(self, key: SupportsIndex | slice) -> Any:
        found = super().__getitem__(key)
        return SecretBytes(found) if isinstance(found, bytes) else found

    def __repr__(self) -> str:
        return repr(MASK.encode())


class SecretBuffer(bytearray):
    """A body on its way from the socket; see `SecretText`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK.encode())
