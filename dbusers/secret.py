"""`Secret`: a string that does not print itself.

Passwords, keys, certificates and tokens are held in it, so that no repr, log line, error, report
or traceback with locals shows them by accident. `reveal()` is the one way to the text.
"""

import hmac
from typing import Final, NoReturn

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
        return hmac.compare_digest(self._text.encode(), other._text.encode())

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


class HeaderSecret(str):
    """A header value on its way to the socket: the text itself, but with a repr that hides it.

    HTTP libraries take headers as `str`, and a traceback with locals prints them by their repr.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK)
