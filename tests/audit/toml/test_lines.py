import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbusers.audit.toml.lines import Key, line_of, lines_of

VALUES = (
    "1",
    "-1.5e3",
    "true",
    "2027-01-01",
    "2027-01-01 10:00:00.5",
    '""',
    "''",
    '"]" # ]',
    r'"a\"b = \\"',
    "'\\'",
    '"""a\n"b" #\n[[x]]\ny = """',
    '"""a""""',
    '"""a\\\n  b\\""""""',
    "'''a\n'b' = \n\"'''",
    '["""a"""", "]\\nk = ", 1,\n2]',
    "['''a'''', ']', 1,\n2]",
    "[]",
    "[ # [\n]",
    '[\n  "a", # "\n  [1,\n2],\n\n]',
    '{ a = 1, "b c".d = "}" }',
    '[{ a = [\n1 ] }, { a = "#" }]',
)


def keys_of(value: Any, key: Key = ()) -> Iterator[Key]:
    """Yield the way to every table and key that the parser made of a document."""
    if isinstance(value, dict):
        yield from ((*key, name) for name in value)
        for name, inner in value.items():
            yield from keys_of(inner, (*key, name))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from keys_of(inner, (*key, position))


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("a = 1\nb = 2", ("b",), 2),
        ("\n# c = 3\n\nc = 1", ("c",), 4),
        ("a = 1\r\nb = 2\r\n", ("b",), 2),
        ('"a.b" = 1\n\'c "d\' = 2', ('c "d',), 2),
        (r'"\u0061" = 1', ("a",), 1),
        ("a.b.c = 1\na.b.d = 2", ("a", "b", "d"), 2),
        ("a.b.c = 1\na.b.d = 2", ("a", "b"), 1),
        ('[a]\nb = 1\n[c . "d"]\ne = 1', ("c", "d", "e"), 4),
        ("[a.b]\nc = 1\n[a]\nd = 1", ("a", "d"), 4),
        ("[[a]]\nb = 1\n[[a]]\nb = 2", ("a", 0, "b"), 2),
        ("[[a]]\nb = 1\n[[a]]\nb = 2", ("a", 1, "b"), 4),
        ("[[a]]\n[[a]]\n[a.b]\nc = 1", ("a", 1, "b", "c"), 4),
        ("[[a]]\n[[a.b]]\n[[a]]\n[[a.b]]\n[[a.b]]\nc = 1", ("a", 1, "b", 1, "c"), 6),
        ("a = [\n  1,\n\n  2 ]", ("a", 1), 4),
        ("a = [[\n1], [\n2]]", ("a", 1, 0), 3),
        ("a = [ 1,\n{ b = 2 }]", ("a", 1, "b"), 2),
        ('a = """\n\n"""\nb = 1', ("b",), 4),
        ("a = \"#\"\nb = '['\nc = 1", ("c",), 3),
    ],
)
def test_each_key_is_found_where_it_stands(text: str, key: Key, line: int) -> None:
    assert line_of(lines_of(text), key) == line


@pytest.mark.parametrize(
    ("key", "line"),
    [(("a",), 2), (("a", "missing"), 2), (("a", "list", 7), 3), (("other",), 1), ((), 1)],
)
def test_what_is_not_there_is_where_it_should_be(key: Key, line: int) -> None:
    assert line_of(lines_of("x = 1\n[a]\nlist = [1]"), key) == line


@given(st.lists(st.tuples(st.sampled_from(["[t{}]", "[[t]]", ""]), st.sampled_from(VALUES))))
def test_a_scan_finds_what_the_parser_found(parts: list[tuple[str, str]]) -> None:
    text, expected = "", set()
    for number, (header, value) in enumerate(parts):
        text += header.format(number) + "\n"
        expected.add((f"k{number}", text.count("\n") + 1))
        text += f"k{number} = {value}\n"

    lines = lines_of(text)

    assert {(key[-1], line) for key, line in lines.items() if str(key[-1])[0] == "k"} == expected
    assert {key for key in lines if isinstance(key[-1], str)} == set(keys_of(tomllib.loads(text)))
