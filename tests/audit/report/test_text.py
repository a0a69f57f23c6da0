"""Names that nothing obeys, and remedies in which a name stays one argument."""

import ast
import json
import shutil
import subprocess

import pytest

from dbusers.audit.findings import Severity
from dbusers.audit.report.remedy import call_for, command_for
from dbusers.audit.report.text import shown, visible
from tests.audit.report.fleet import HOSTILE, READ_ONLY, a_check, a_database, a_finding


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_visible_prints_and_is_one_line(name: str) -> None:
    made = visible(name)

    assert made.isprintable()
    assert len(made.splitlines()) <= 1


def test_what_prints_stays_as_it_is() -> None:
    assert visible("用户 😀 é <b>") == "用户 😀 é <b>"


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("a\r\nb", r"a\r\nb"),
        ("\u202egnp", r"\u202egnp"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_does_not_print_is_an_escape(name: str, made: str) -> None:
    assert visible(name) == made


def test_a_long_name_is_cut_and_its_length_said() -> None:
    assert shown("x" * 5000) == "x" * 120 + "… (5,000 characters)"
    assert shown("x" * 120) == "x" * 120
    assert len(shown("\u202e" * 120)) < 200


# Prints its arguments; like every command, it takes `--` for the end of the options.
SHOW = """show() { [ "$1" != -- ] || shift; printf '%s|' "$@"; }; """


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash to read the command")
@pytest.mark.parametrize("name", [name for name in HOSTILE if "\x00" not in name])
def test_a_shell_takes_a_name_for_one_argument(name: str) -> None:
    check = a_check("X1", Severity.LOW, command="show {database} {user}")
    command = SHOW + command_for(a_finding(a_database(id=name), check, user=name))

    ran = subprocess.run(
        ["bash", "--norc", "-c", command],
        capture_output=True,
        check=True,
        env={"LC_ALL": "C.UTF-8"},
    )

    assert command.isprintable()
    assert ran.stdout.decode() == f"{name}|{name}|"
    assert ran.stderr == b""


@pytest.mark.parametrize("name", HOSTILE)
def test_the_call_holds_a_name_as_one_string(name: str) -> None:
    call = call_for(a_finding(a_database(id=name), user=name))

    strings = [node.value for node in ast.walk(ast.parse(call)) if isinstance(node, ast.Constant)]
    assert strings == [name, name]
    assert call.isascii()
    assert call.isprintable()


def test_a_name_like_an_option_is_none() -> None:
    finding = a_finding(a_database(id="d-1"), user="--help")

    assert command_for(finding) == "dbusers users delete -p digitalocean -- d-1 --help"


def test_a_command_says_whose_database_it_is() -> None:
    of_scalingo = a_database(id="addon-1", provider="Scalingo", name="my app; {user}")
    of_another = a_database(id="d-1", provider="Elsewhere")

    assert command_for(a_finding(of_scalingo, user="-x")) == (
        "dbusers users delete -p scalingo --app='my app; {user}' -- addon-1 -x"
    )
    assert command_for(a_finding(of_another)) == "dbusers users delete d-1 app-01"


def test_a_command_of_somebody_else_stays_as_it_is() -> None:
    check = a_check("X1", Severity.LOW, command="show dbusers users list {database}")

    assert command_for(a_finding(a_database(id="d"), check)) == "show dbusers users list d"


def test_braces_of_the_template_stay() -> None:
    check = a_check("X1", Severity.LOW, call='put({"a": {database}})')

    assert call_for(a_finding(a_database(id="d"), check)) == "put({\"a\": 'd'})"
    assert json.loads('{"a": "d"}') == {"a": "d"}


def test_a_check_without_a_remedy_has_none() -> None:
    finding = a_finding(a_database(), READ_ONLY)

    assert (call_for(finding), command_for(finding)) == ("", "")
