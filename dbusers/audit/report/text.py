"""Names from the fleet, as text that nothing obeys.

A name is anyone's: it may hold what moves a terminal's cursor, turns the line around or ends it.
"""

from typing import Final

LONGEST_SHOWN: Final = 120  # characters of a name or message, where a person reads it


def visible(text: str) -> str:
    r"""Return `text` with every character that does not print as an escape, like `\u202e`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shown(text: str, longest: int = LONGEST_SHOWN) -> str:
    """Return `text` made visible, and cut with a note of how long it was."""
    made = visible(text[: longest + 1])
    if len(text) <= longest and len(made) <= 2 * longest:
        return made
    return f"{made[:longest]}… ({len(text):,} characters)"
