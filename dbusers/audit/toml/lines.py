"""On which line of a TOML document each key stands.

The standard library's parser forgets positions and says nothing of them in its results, and
libraries that keep a document's layout do not tell lines either. This scan only has to find keys
again in a text that the parser took already, so it checks nothing.
"""

import re
import tomllib
from collections.abc import Iterator

Key = tuple[str | int, ...]
"""The way to a value: names of keys, and positions (from 0) in arrays."""

_TOKEN = re.compile(
    r'''
      (?P<string> """(?:\\.|[^\\])*?"""(?:"{0,2}) | \'{3}.*?\'{3}(?:'{0,2})
                | "(?:\\.|[^"\\\n])*"             | '[^'\n]*' )
    | (?P<newline> \n)
    | (?P<sign> [\[\]{}=,.])
    | (?P<skipped> [ \t\r]+ | \#[^\n]* )
    | (?P<bare> [^\s\[\]{}=,.\#"']+ )
    ''',
    re.VERBOSE | re.DOTALL,
)
_END = ("end", "")


def lines_of(text: str) -> dict[Key, int]:
    """Return the line, from 1, of every table and key of a valid document.

    An element of an array is there only if it stands on another line than its key: `line_of` finds
    those of the others.
    """
    return _Scan(text).document()


def line_of(lines: dict[Key, int], key: Key) -> int:
    """Return the line of `key`, or of the innermost table or array that it should be in."""
    while key and key not in lines:
        key = key[:-1]
    return lines.get(key, 1)


class _Scan:
    """One pass over a document; `kind` and `text` are the token that is next, on line `line`."""

    def __init__(self, text: str) -> None:
        self._tokens = self._tokens_of(text)
        self._lines: dict[Key, int] = {}
        self._tables_in: dict[Key, int] = {}  # how many [[tables]] each array has so far
        self.line = 1
        self.kind, self.text = _END
        self._step()

    def document(self) -> dict[Key, int]:
        table: Key = ()
        while self.kind != "end":
            if self.kind == "newline":
                self._step()
            elif self.text == "[":
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _tokens_of(self, text: str) -> Iterator[tuple[str, str]]:
        for found in _TOKEN.finditer(text):
            kind = str(found.lastgroup)
            if kind != "skipped":
                yield kind, found[0]
                self.line += found[0].count("\n")

    def _step(self) -> None:
        self.kind, self.text = next(self._tokens, _END)

    def _header(self) -> Key:
        line = self.line
        self._step()
        is_element = self.text == "["
        if is_element:
            self._step()
        *parents, last = self._names()
        table: Key = (*self._resolved(parents), last)
        if is_element:
            self._step()
            self._tables_in[table] = self._tables_in.get(table, 0) + 1
            self._note(table, line)
        table = self._resolved([last], table[:-1])
        self._note(table, line)
        return table

    def _resolved(self, names: list[str], table: Key = ()) -> Key:
        """Return the way to the table of these names: in an array, its last one."""
        for name in names:
            table = (*table, name)
            if table in self._tables_in:
                table = (*table, self._tables_in[table] - 1)
        return table

    def _names(self) -> list[str]:
        """Read the names of a key, and the sign that ends it."""
        names = []
        while self.text not in {"=", "]"}:
            if self.kind == "string":
                names.append(str(tomllib.loads(f"key = {self.text}")["key"]))
            elif self.kind == "bare":
                names.append(self.text)
            self._step()
        self._step()
        return names

    def _pair(self, table: Key) -> None:
        line = self.line
        key: Key = (*table, *self._names())
        self._note(key, line)
        self._value(key)

    def _value(self, key: Key) -> None:
        if self.text == "[":
            self._array(key)
        elif self.text == "{":
            self._step()
            while self.text != "}":
                if self.text == "," or self.kind == "newline":
                    self._step()
                else:
                    self._pair(key)
            self._step()
        else:
            while self.text not in {",", "]", "}", "\n", ""}:
                self._step()

    def _array(self, key: Key) -> None:
        self._step()
        position = 0
        while self.text != "]":
            if self.text == "," or self.kind == "newline":
                self._step()
                continue
            element = (*key, position)
            if self.line != line_of(self._lines, key):
                self._note(element, self.line)
            self._value(element)
            position += 1
        self._step()

    def _note(self, key: Key, line: int) -> None:
        for length in range(1, len(key) + 1):
            self._lines.setdefault(key[:length], line)
