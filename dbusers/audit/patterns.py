r"""Patterns of names: what the policy and its suppressions are written in.

`*` stands for any characters, none included, and `?` for exactly one. A backslash takes the meaning
from the `*`, `?` or backslash after it. Everything else is itself, and case matters: databases tell
`App` from `app`.
"""

import re
from functools import lru_cache

_PARTS = re.compile(r"\\[*?\\]|[*?]|\\|[^*?\\]+")


@lru_cache(maxsize=65_536)  # more than the patterns of one database, less than those of a fleet
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Return the pattern's regular expression, None if the pattern is its only match."""
    if not is_wild(pattern):
        return None
    pieces = [""]
    for part in _PARTS.findall(pattern):
        if part == "*":
            pieces.append("")
        else:
            pieces[-1] += "." if part == "?" else re.escape(part.removeprefix("\\") or part)
    first, *middle = pieces
    if not middle:
        return re.compile(first, re.DOTALL)
    *middle, last = middle
    # Atomic groups: a piece found is never looked for again, so that no name takes long to match.
    found = "".join(f"(?>.*?{piece})" for piece in middle if piece)
    return re.compile(f"{first}{found}.*{last}", re.DOTALL)


def matches(pattern: str, name: str) -> bool:
    """Tell whether the whole `name` is one that `pattern` stands for."""
    compiled = _compiled(pattern)
    if compiled is None:
        return unescaped(pattern) == name
    return compiled.fullmatch(name) is not None


def is_wild(pattern: str) -> bool:
    """Tell whether the pattern stands for more than one name."""
    return not {"*", "?"}.isdisjoint(_PARTS.findall(pattern))


def unescaped(pattern: str) -> str:
    """Return the one name that a pattern without `*` and `?` stands for."""
    return re.sub(r"\\([*?\\])", r"\1", pattern)


def literal(name: str) -> str:
    """Return the pattern that stands for this name alone."""
    return re.sub(r"[*?\\]", r"\\\g<0>", name)


def why_invalid(pattern: str) -> str | None:
    """Return what is wrong with the pattern, None if nothing is."""
    if "\\" in _PARTS.findall(pattern):
        return "a backslash stands before *, ? or another backslash only"
    return None
