"""The fuzz target finds what is there, and for a short while nothing in the SDK."""

from typing import Any

import pytest

from dbusers.codec import Problem
from dbusers.errors import ConfigurationError, DbusersError
from dbusers.response import Response
from tests.canary import GENERATED, TOKEN
from tests.contract.description import DESCRIPTIONS
from tests.fuzz import target
from tests.fuzz.__main__ import fuzz, main
from tests.fuzz.target import DIGITALOCEAN, SCALINGO, Broken, Case, check

PASSWORD = b'{"user": {"name": 5, "password": "' + GENERATED.encode() + b'"}}'
HEADERS = (("x-echo", f"Bearer {TOKEN}"),)
GET = "databases_get_user"


def test_every_described_operation_is_called() -> None:
    described = {o.id for description in DESCRIPTIONS for o in description.operations}

    assert DIGITALOCEAN.keys() | SCALINGO.keys() == described


def test_a_short_run_finds_nothing() -> None:
    outcomes = fuzz(seconds=1, first_seed=1)

    assert outcomes["value"]
    assert outcomes["UnexpectedBody"]


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        (Case(GET, 200, HEADERS, b'{"user": {"name": "app-01"}}'), "value"),
        (Case(GET, 200, HEADERS, PASSWORD), "UnexpectedBody"),
        (Case(GET, 404, (), b'{"message": "no such user"}'), "NotFound"),
        (Case("tokens_exchange", 200, (), b'{"token": 5}'), "UnexpectedBody"),
        (Case("addon_token_create", 500, (), b""), "ServerError"),
        (Case("apps_list", 200, (), b'{"apps": []}'), "value"),
    ],
)
def test_an_answer_is_read_by_the_call_it_is_for(case: Case, outcome: str) -> None:
    assert check(case) == outcome


def test_another_exception_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(*_: object, **__: object) -> object:
        raise RecursionError

    monkeypatch.setattr(Response, "read", careless)
    with pytest.raises(Broken, match="RecursionError"):
        check(Case(GET, 200, (), b"{}"))


def test_a_misplaced_blame_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(*_: object, **__: object) -> object:
        raise ConfigurationError("pass another session")

    monkeypatch.setattr(Response, "read", careless)
    with pytest.raises(Broken, match="blamed"):
        check(Case(GET, 200, (), b"{}"))


def test_a_secret_in_an_error_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(self: Response, _: Problem) -> DbusersError:
        return DbusersError(self.content.decode())

    monkeypatch.setattr(Response, "unexpected", careless)
    with pytest.raises(Broken, match="shows a secret"):
        check(Case(GET, 200, (), PASSWORD))


def test_our_own_token_in_a_refusal_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Case(GET, 403, (), b'{"message": "no rights for ' + TOKEN.encode() + b'"}')
    assert check(refused) == "Forbidden"

    monkeypatch.setattr(Response, "masked", lambda self: self)
    monkeypatch.setattr(Response, "_own_secrets", lambda _: iter(()))
    with pytest.raises(Broken, match="shows a secret"):
        check(refused)


def test_a_slow_reading_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "LONGEST", 0.0)
    with pytest.raises(Broken, match="for 2 bytes"):
        check(Case(GET, 200, (), b"{}"))


def test_what_is_found_is_small_and_can_be_pasted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    careful = Response.read

    def careless(self: Response, *arguments: Any, **keywords: Any) -> object:
        if b"null" in self.content:
            raise IndexError
        return careful(self, *arguments, **keywords)

    monkeypatch.setattr(Response, "read", careless)
    monkeypatch.setattr("sys.argv", ["fuzz", "--seconds=30", "--seed=1"])

    assert main() == 1
    shown, _, program = capsys.readouterr().out.partition("\n\n")
    assert "FOUND IndexError, which is none of our errors" in shown
    assert len(program) < 1000
    with pytest.raises(Broken, match="IndexError"):
        exec(program, {})
