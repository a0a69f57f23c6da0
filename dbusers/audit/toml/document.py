"""A TOML file that people write, read key by key, and what is wrong with it told by line.

`Document.read` parses; its `Table`s hand out values of the wanted type. What is wrong is collected
while reading, so that all of it can be mended at once: `Document.raise_problems` ends the reading.

    document = Document.read(Path("dbusers-policy.toml"))
    defaults = document.table.table("defaults")
    limit = defaults.whole("max_writers")
    document.raise_problems()  # dbusers-policy.toml:7: defaults.max_writers: is text; allowed: …
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

import attrs

from dbusers.audit.findings import Anchor
from dbusers.audit.toml.lines import Key, line_of, lines_of
from dbusers.errors import ConfigurationError

_T = TypeVar("_T")

PROBLEMS_SHOWN = 20  # more of them is a file of another kind

_WHERE = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
_KINDS = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a table",
    date: "a date",
}


@attrs.frozen
class Document:
    """A TOML file: its values, the lines of its keys, and the problems found so far."""

    file: str
    values: Mapping[str, Any]
    lines: dict[Key, int] = attrs.field(repr=False)
    problems: list[tuple[int, str]] = attrs.field(factory=list)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Parse a file. Raises `ConfigurationError`: not there, not UTF-8, or not TOML."""
        file = path.as_posix()
        try:
            # Some editors put a byte order mark in front, which is not TOML.
            text = path.read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise ConfigurationError(f"{file}:{line}: is not UTF-8") from None
        try:
            return cls(file, tomllib.loads(text), lines_of(text))
        except tomllib.TOMLDecodeError as error:
            where = _WHERE.search(str(error))
            line = int(where["line"] or text.count("\n") + 1) if where else 1
            what = _WHERE.sub("", str(error))
            raise ConfigurationError(f"{file}:{line}: is not TOML: {what}") from None
        except ValueError:
            raise ConfigurationError(f"{file}: a number has too many digits") from None
        except RecursionError:
            raise ConfigurationError(f"{file}: is not TOML: nested too deep") from None

    @property
    def table(self) -> "Table":
        """The document as a whole."""
        return Table(self, (), self.values)

    def line(self, key: Key) -> int:
        """Return the line of a key, or of the innermost table in which it is missing."""
        return line_of(self.lines, key)

    def problem(self, what: str, *key: str | int) -> None:
        """Note what is wrong with a key, and what is allowed."""
        name = ".".join(shown(part) for part in key if isinstance(part, str))
        line = self.line(key)
        self.problems.append((line, f"{self.file}:{line}: {name}: {what}"))

    def raise_problems(self) -> None:
        """Raise `ConfigurationError` with what was noted, by line, if anything was."""
        if not self.problems:
            return
        told = [what for _, what in sorted(self.problems)]
        if len(told) > PROBLEMS_SHOWN:
            told[PROBLEMS_SHOWN:] = [f"{self.file}: and {len(told) - PROBLEMS_SHOWN} more problems"]
        raise ConfigurationError("\n".join(told))


@attrs.frozen
class Table:
    """One table of a document. A value of the wrong type is noted, and None is returned for it."""

    document: Document = attrs.field(repr=False)
    key: Key
    values: Mapping[str, Any]

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def anchor(self, *key: str | int) -> Anchor:
        """Return the line of the table, or of something in it."""
        return Anchor(self.document.file, self.document.line((*self.key, *key)))

    def problem(self, what: str, *key: str | int) -> None:
        """Note what is wrong with something in the table, and what is allowed."""
        self.document.problem(what, *self.key, *key)

    def only(self, *names: str) -> None:
        """Note every key that is none of `names`."""
        for name in self.values:
            if name not in names:
                self.problem(f"unknown key{instead(name, names)}", name)

    def text(self, name: str) -> str | None:
        """Return a text, None if there is none."""
        return self._typed(name, str, "text in quotes")

    def whole(self, name: str) -> int | None:
        """Return a whole number that is not below 0, None if there is none."""
        number = self._typed(name, int, "a whole number, 0 or more")
        if number is not None and number < 0:
            self.problem(f"is {number}; allowed: a whole number, 0 or more", name)
            return None
        return number

    def day(self, name: str) -> date | None:
        """Return a date, None if there is none."""
        return self._typed(name, date, "a date without quotes and time, such as 2027-01-31")

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Return the texts of a list, or the only one, None if there is no such key."""
        value = self.values.get(name)
        found = [value] if isinstance(value, str) else value
        if found is None:
            return None
        if isinstance(found, list) and all(isinstance(each, str) for each in found):
            return tuple(found)
        allowed = "text in quotes, or a list of such"
        if not isinstance(found, list):
            self.problem(f"is {_kind(found)}; allowed: {allowed}", name)
            return None
        for position, each in enumerate(found):
            if not isinstance(each, str):
                self.problem(f"holds {_kind(each)}; allowed: {allowed}", name, position)
        return None

    def table(self, name: str) -> "Table":
        """Return a table within this one; one that is not there is empty."""
        values = self._typed(name, dict, f"a table, [{self._dotted(name)}]")
        return Table(self.document, (*self.key, name), values or {})

    def tables(self, name: str) -> Iterator["Table"]:
        """Return the tables of an array, one after another."""
        allowed = f"tables that each begin with [[{self._dotted(name)}]], in two pairs of brackets"
        for position, values in enumerate(self._typed(name, list, allowed) or []):
            if isinstance(values, dict):
                yield Table(self.document, (*self.key, name, position), values)
            else:
                self.problem(f"holds {_kind(values)}; allowed: {allowed}", name, position)

    def _typed(self, name: str, kind: type[_T], allowed: str) -> _T | None:
        value = self.values.get(name)
        # To Python a truth value is an int, and a time with its date is a date.
        if isinstance(value, kind) and not isinstance(value, bool | datetime):
            return value
        if value is not None:
            self.problem(f"is {_kind(value)}; allowed: {allowed}", name)
        return None

    def _dotted(self, name: str) -> str:
        return ".".join(str(part) for part in (*self.key, name) if isinstance(part, str))


def instead(wrong: str, allowed: Iterable[str], *, otherwise: str | None = None) -> str:
    """Return the end of a message on a `wrong` name: what was meant, or all that is allowed.

    `otherwise` stands in for a list that would be too long.
    """
    names = sorted(allowed)
    meant = difflib.get_close_matches(wrong.casefold(), {n.casefold(): n for n in names}, n=1)
    if meant:
        name = next(name for name in names if name.casefold() == meant[0])
        return f"; did you mean {name}?"
    return f"; {otherwise or 'allowed: ' + ', '.join(names)}"


def shown(text: str) -> str:
    """Return a text of the file as messages may hold it: on one line, and not too long."""
    short = text if len(text) <= 40 else f"{text[:39]}…"
    return short if short.isprintable() else ascii(short)


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a time")
