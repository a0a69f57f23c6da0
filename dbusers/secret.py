"""`Secret`: a string that does not print itself.

Passwords, keys, certificates and tokens are held in it, so that no repr, log line, error, report
or traceback with locals shows them by accident. `reveal()` is the one way to the text.
"""

import hmac
import json
from collections.abc import Iterable
from typing import Final, NoReturn
from urllib.parse import quote, quote_plus

MASK: Final = "**********"


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
    """Return `text` with each of the secrets replaced, also as JSON and URLs write them."""
    for secret in secrets:
        for spelling in spellings(secret):
            text = text.replace(spelling, MASK)
    return text


def spellings(secret: Secret) -> tuple[str, ...]:
    """Return how servers may repeat the secret, the longest first."""
    plain = secret.reveal()
    utf8 = plain.encode("utf-8", "surrogatepass")
    forms = {
        plain,
        json.dumps(plain)[1:-1],
        json.dumps(plain, ensure_ascii=False)[1:-1],
        quote(utf8, safe=""),
        quote_plus(utf8),
    }
    return tuple(sorted(forms - {""}, key=len, reverse=True))


class SecretText(str):
    """A text on its way to the socket: itself, but with a repr that hides it.

    HTTP libraries take `str` and `bytes`, and a traceback with locals prints those by their repr.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK)


class SecretBytes(bytes):
    """A body on its way to the socket; see `SecretText`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK.encode())


class SecretBuffer(bytearray):
    """A body on its way from the socket; see `SecretText`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK.encode())
