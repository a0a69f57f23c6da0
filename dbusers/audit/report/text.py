"""Names from the fleet, as text that nothing obeys; and times, as people say them.

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


def duration(seconds: float) -> str:
    """Return a time as people say it: "0.4 s", "45 s", "4 min 10 s", "1 h 05 min"."""
    if 0 < seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, whole = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {whole:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"
