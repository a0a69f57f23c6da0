import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dbusers.audit.patterns import is_wild, literal, matches, unescaped, why_invalid

NAMES = st.text(st.sampled_from("ab*?\\[]\n"), max_size=6)
PATTERNS = NAMES.filter(lambda pattern: why_invalid(pattern) is None)


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("app", ["app"], ["App", "app1", "my-app", "", "app\n"]),
        ("*", ["", "app", "a\nb", "*"], []),
        ("?", ["a", "\n", "?", "é"], ["", "ab"]),
        ("orders-*", ["orders-", "orders-1"], ["orders", "my-orders-1"]),
        ("*-ro", ["-ro", "app-ro"], ["app-ro2"]),
        ("a*b*c", ["abc", "a-b-b-c"], ["acb", "ab"]),
        ("*aa", ["aa", "aaa"], ["a"]),
        ("a*a", ["aa", "aba"], ["a"]),
        ("a??", ["abc"], ["ab", "abcd"]),
        ("a**", ["a", "ab"], ["ba"]),
        (r"\*", ["*"], ["a", r"\*"]),
        (r"\?", ["?"], ["a"]),
        (r"\\", ["\\"], [r"\\"]),
        (r"\\*", ["\\", "\\a"], ["*"]),
        ("[ab]", ["[ab]"], ["a", "b"]),
        (".", ["."], ["a"]),
        ("", [""], ["a"]),
    ],
)
def test_a_pattern_matches_whole_names(
    pattern: str, matching: list[str], others: list[str]
) -> None:
    assert [name for name in matching + others if matches(pattern, name)] == matching


@given(NAMES, NAMES)
@example("a*", "ab")
def test_a_literal_matches_its_name_alone(name: str, other: str) -> None:
    pattern = literal(name)

    assert why_invalid(pattern) is None
    assert not is_wild(pattern)
    assert unescaped(pattern) == name
    assert matches(pattern, name)
    assert matches(pattern, other) == (name == other)


@given(PATTERNS, NAMES)
def test_matching_is_what_a_plain_expression_says(pattern: str, name: str) -> None:
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    meaning = {"*": ".*", "?": "."}
    plain = "".join(meaning.get(part, re.escape(part[-1])) for part in parts)

    assert matches(pattern, name) == bool(re.fullmatch(plain, name, re.DOTALL))


@pytest.mark.parametrize("pattern", ["\\", "a\\b", "a\\", r"\\\ "])
def test_a_backslash_before_another_character_is_invalid(pattern: str) -> None:
    assert why_invalid(pattern) == "a backslash stands before *, ? or another backslash only"


@pytest.mark.parametrize("pattern", ["", "*", "a?", r"\*\?\\", "[", "é"])
def test_everything_else_is_a_pattern(pattern: str) -> None:
    assert why_invalid(pattern) is None


def test_no_name_takes_long_to_match() -> None:
    start = time.process_time()

    assert not matches("*a" * 30 + "*b", "a" * 5_000)

    assert time.process_time() - start < 1
