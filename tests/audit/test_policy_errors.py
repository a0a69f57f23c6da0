"""What is wrong with a policy file is said by file, line and key, and what is allowed with it."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbusers.audit.findings import Judgement, Severity, Verdict, check
from dbusers.audit.policy import Policy
from dbusers.audit.policy import __doc__ as policy_docs
from dbusers.audit.toml.document import PROBLEMS_SHOWN
from dbusers.errors import ConfigurationError


def problems(content: str | bytes, folder: Path) -> list[str]:
    """Return the lines of the error on a file, each without the folder; none if there is none."""
    path = folder / "policy.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        Policy.load(path)
    except ConfigurationError as error:
        lines = error.message.split("\n")
        assert all(line.startswith(path.as_posix() + ":") for line in lines)
        return [line.removeprefix(f"{folder.as_posix()}/") for line in lines]
    return []


EXAMPLE = "\n".join(re.findall(r"^    (.*)$", policy_docs or "", re.MULTILINE))
TEXTS = "allowed: text in quotes, or a list of such"
ACCEPTED = '[[suppressions]]\ncheck = "PG001"\nreason = "x"\nexpires = 2027-01-01\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("\ndatabase = 1", "2: database: unknown key; did you mean databases?"),
        (
            "x = 1",
            "1: x: unknown key; allowed: databases, defaults, severities, suppressions",
        ),
        ("[defaults]\nMax_Writers = 1", "2: defaults.Max_Writers: unknown key; did you mean "),
        ("[defaults]\nname = 'x'", "2: defaults.name: unknown key; allowed: max_writers, may_r"),
        ("[[databases]]\nnmae = 'x'", "2: databases.nmae: unknown key; did you mean name?"),
        ("[[databases]]\nusers.reader = []", "2: databases.users.reader: unknown key; did you m"),
        (
            "[[databases]]\nusers.writers = []",
            "2: databases.users.writers: unknown key; allowed: "
            "administrators, applications, readers, required",
        ),
        (ACCEPTED + "until = 1", "5: suppressions.until: unknown key; allowed: check, database, "),
        ('\n"a\\nb\\u202e" = 1', r"2: 'a\nb\u202e': unknown key; allowed: "),
        (f"\n{'y' * 99} = 1", f"2: {'y' * 39}…: unknown key; allowed: "),
    ],
)
def test_an_unknown_key_is_told_with_what_was_meant(
    text: str, problem: str, tmp_path: Path
) -> None:
    (found,) = problems(text, tmp_path)

    assert found.startswith("policy.toml:" + problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("defaults = 1", "1: defaults: is a number; allowed: a table, [defaults]"),
        ("severities = 'x'", "1: severities: is text; allowed: a table, [severities]"),
        (
            "[databases]\nname = 'x'",
            "1: databases: is a table; allowed: tables that each begin with [[databases]], in two "
            "pairs of brackets",
        ),
        ("databases = [1]", "1: databases: holds a number; allowed: tables that each begin with "),
        ("suppressions = 2027-01-01", "1: suppressions: is a date; allowed: tables that each "),
        (
            "[defaults]\nmax_writers = '3'",
            "2: defaults.max_writers: is text; allowed: a whole number, 0 or more",
        ),
        ("[defaults]\nmax_writers = true", "2: defaults.max_writers: is true or false; allowed:"),
        ("[defaults]\nmax_writers = 1.0", "2: defaults.max_writers: is a number; allowed: a wh"),
        ("[defaults]\nmax_writers = -1", "2: defaults.max_writers: is -1; allowed: a whole numb"),
        ("[[databases]]\nname = 1", f"2: databases.name: is a number; {TEXTS}"),
        ("[[databases]]\ntag = [\n'x',\n1]", f"4: databases.tag: holds a number; {TEXTS}"),
        ("[[databases]]\nusers = []", "2: databases.users: is a list; allowed: a table, [databa"),
        ("[[databases]]\nusers.readers = {}", f"2: databases.users.readers: is a table; {TEXTS}"),
        ("[[databases]]\nmay_replicate = 1", f"2: databases.may_replicate: is a number; {TEXTS}"),
        (ACCEPTED + "user = ['x']", "5: suppressions.user: is a list; allowed: text in quotes"),
    ],
)
def test_a_wrong_type_is_told_with_what_is_allowed(text: str, problem: str, tmp_path: Path) -> None:
    (found,) = problems(text, tmp_path)

    assert found.startswith("policy.toml:" + problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "[severities]\nPG0O1 = 'low'",
            "2: severities.PG0O1: unknown check; did you mean PG001?",
        ),
        (
            "[severities]\nX = 'low'",
            "2: severities.X: unknown check; `dbusers audit checks` lists them",
        ),
        (
            "[severities]\nPG001 = 'High'",
            "2: severities.PG001: High is not a severity; allowed: low, medium, high, critical",
        ),
        ("[[databases]]\nseverities.X = 'low'", "2: databases.severities.X: unknown check; `dbu"),
        ("[severities]\nPG001 = 3", "2: severities.PG001: is a number; allowed: text in quotes"),
        (
            ACCEPTED.replace("PG001", "QQ*"),
            "2: suppressions.check: no check on databases is called QQ*; `dbusers audit checks` "
            "lists them",
        ),
        (ACCEPTED.replace("PG001", "PO003"), "2: suppressions.check: no check on databases is "),
    ],
)
def test_unknown_checks_and_severities_are_refused(text: str, problem: str, tmp_path: Path) -> None:
    (found,) = problems(text, tmp_path)

    assert found.startswith("policy.toml:" + problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            ACCEPTED.replace('reason = "x"\n', ""),
            "1: suppressions.reason: is missing: say why it is accepted, and who says so",
        ),
        (
            ACCEPTED.replace('"x"', '" "'),
            "3: suppressions.reason: is empty: say why it is accepted, and who says so",
        ),
        (
            ACCEPTED.replace("expires = 2027-01-01\n", ""),
            "1: suppressions.expires: is missing: say the day from which it no longer counts",
        ),
        (
            ACCEPTED.replace("2027-01-01", '"2027-01-01"'),
            "4: suppressions.expires: is text; allowed: a date without quotes and time, such as "
            "2027-01-31",
        ),
        (
            ACCEPTED.replace("2027-01-01", "2027-01-01T00:00:00Z"),
            "4: suppressions.expires: is a time; allowed: a date",
        ),
        (
            ACCEPTED.replace('check = "PG001"\n', ""),
            '1: suppressions.check: is missing: say which check is meant, such as "PG002"',
        ),
    ],
)
def test_a_suppression_needs_a_check_a_reason_and_an_end(
    text: str, problem: str, tmp_path: Path
) -> None:
    (found,) = problems(text, tmp_path)

    assert found.startswith("policy.toml:" + problem)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[[databases]]\nname = 'a\\b'", "2: databases.name"),
        ("[[databases]]\nusers.readers = [\n'x',\n'a\\b']", "4: databases.users.readers"),
        ("[defaults]\nmay_replicate = 'a\\b'", "2: defaults.may_replicate"),
        (ACCEPTED + "database = 'a\\b'", "5: suppressions.database"),
        (ACCEPTED + "user = 'a\\b'", "5: suppressions.user"),
    ],
)
def test_an_invalid_pattern_is_refused(text: str, place: str, tmp_path: Path) -> None:
    assert problems(text, tmp_path) == [
        f"policy.toml:{place}: a\\b is not a pattern: "
        "a backslash stands before *, ? or another backslash only"
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[defaults]\n\nmax_writers 3", "3: is not TOML: Expected '=' after a key"),
        (b"a = 1\na = 2", "2: is not TOML: Cannot overwrite a value"),
        (b"[defaults]\r\n[defaults]\r\n", "2: is not TOML: Cannot declare "),
        (b"\na = [", "2: is not TOML: Invalid value"),
        (b"a = 1\nb = '\xff'", "2: is not UTF-8"),
        (b"\xef\xbb\xbfa = 1\nb = '\xff'", "2: is not UTF-8"),
        (b"a = " + b"[" * 9_000, " is not TOML: nested too deep"),
        (b"a = " + b"1" * 9_000, " a number has too many digits"),
    ],
)
def test_what_cannot_be_parsed_is_told_by_line(
    content: bytes, problem: str, tmp_path: Path
) -> None:
    (found,) = problems(content, tmp_path)

    assert found.startswith("policy.toml:" + problem)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"

    with pytest.raises(ConfigurationError) as raised:
        Policy.load(path)

    assert raised.value.message == f"{path.as_posix()}: cannot be read: No such file or directory"


def test_a_folder_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: "):
        Policy.load(tmp_path)


def test_all_problems_are_told_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = "[[suppressions]]\n[[databases]]\nname = 1\n[severities]\nPG001 = 'x'\n[defaults]\na = 1"

    lines = [line.split(":")[1] for line in problems(text, tmp_path)]

    assert lines == ["1", "1", "1", "3", "5", "7"]


def test_a_file_of_another_kind_does_not_fill_the_screen(tmp_path: Path) -> None:
    text = "\n".join(f"key{number} = 1" for number in range(PROBLEMS_SHOWN + 5))

    found = problems(text, tmp_path)

    assert len(found) == PROBLEMS_SHOWN + 1
    assert found[0].startswith("policy.toml:1: key0: ")
    assert found[-1] == "policy.toml: and 5 more problems"


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 12), st.text("[]{}=,.#\"'\\\n 1atx", max_size=4)),
        max_size=4,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_typed_is_a_policy_or_told(
    tmp_path: Path, edits: list[tuple[float, int, str]]
) -> None:
    text = EXAMPLE
    for place, length, typed in edits:
        at = int(place * len(text))
        text = text[:at] + typed + text[at + length :]

    for line in problems(text, tmp_path):
        assert re.match(r"policy\.toml:(\d+| and \d+ more)", line)


def test_the_policy_in_the_documentation_is_one(tmp_path: Path) -> None:
    assert problems(EXAMPLE, tmp_path) == []


def test_what_editors_on_windows_write_is_read(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf[defaults]\r\nmax_writers = 3\r\n# \xc3\xa9\r\nx = 1\r\n"

    (found,) = problems(content, tmp_path)

    assert found.startswith("policy.toml:4: defaults.x: unknown key")


def test_a_date_in_the_past_is_no_error(tmp_path: Path) -> None:
    assert problems(ACCEPTED.replace("2027", "1999"), tmp_path) == []


def test_a_plug_in_is_a_check_like_others(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("[severities]\nOUR1 = 'high'\n" + ACCEPTED.replace("PG001", "OUR*"))
    own = check("OUR1", "x", Severity.LOW, rationale="x", remedy="x", source="x")(
        lambda facts: [Judgement(Verdict.PASS)]
    )

    policy = Policy.load(path, [own])

    assert policy.contents.defaults.severities == {"OUR1": Severity.HIGH}
    with pytest.raises(ConfigurationError, match="OUR1: unknown check"):
        Policy.load(path)
