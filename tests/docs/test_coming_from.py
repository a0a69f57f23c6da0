"""The calls in the tables of docs/coming-from.md are some that the SDK has, and pydo too."""

import inspect
import re
from typing import Any, Final
from unittest.mock import create_autospec

import pydo
import pytest

from dbusers import DigitalOceanClient, RequestConfiguration, ScalingoClient, digitalocean, scalingo
from dbusers.builder import RequestBuilder
from dbusers.request import RequestInformation
from tests.docs.test_examples import DOCS

SECTIONS: Final = (DOCS / "coming-from.md").read_text().split("\n## ")[1:]
NAMES: Final = {
    **{"cluster": "c-1", "db": "d-1", "app": "a-1", "name": "u-1", "tag": "t-1"},
    **{"settings": digitalocean.UserSettings(), "password": "a-password"},
}
CHAIN: Final = "client.databases.by_id(cluster)."  # what DoTs' table leaves out, in its own words
URL: Final = "https://api.digitalocean.com/v2/databases/c-1/users"


def rows(section: str) -> list[tuple[str, str]]:
    """Return a table's two columns as pieces of code."""
    (found,) = (each for each in SECTIONS if each.startswith(section))
    table = re.findall(r"^\| `([^`|]+)` \| `([^`|]+)` \|$", found, re.M)
    assert len(table) == found.count("\n|") - 2, "a row that is not two pieces of code"
    return table


DIGITALOCEAN_CALLS: Final = [call for _, call in rows("pydo") + rows("DoTs")]
SCALINGO_CALLS: Final = [call for _, call in rows("go-scalingo")]


def called(call: str, client: object, models: dict[str, Any]) -> object:
    """Make the call, without sending anything: a coroutine does nothing before it is awaited."""
    given = {"client": client, "url": URL, "RequestConfiguration": RequestConfiguration}
    return eval(call.replace("….", CHAIN), {**models, **NAMES, **given})


def check(made: object) -> None:
    if inspect.iscoroutine(made):
        made.close()
    else:
        assert isinstance(made, RequestInformation | RequestBuilder)


@pytest.mark.parametrize("call", DIGITALOCEAN_CALLS)
def test_a_call_at_digitalocean_is_there(call: str) -> None:
    check(called(call, DigitalOceanClient("a-token"), vars(digitalocean)))


@pytest.mark.parametrize("call", SCALINGO_CALLS)
def test_a_call_at_scalingo_is_there(call: str) -> None:
    check(called(call, ScalingoClient("a-token"), vars(scalingo)))


def test_the_calls_of_pydo_are_pydos() -> None:
    databases = create_autospec(pydo.Client(token="a-token").databases)  # it knows the parameters

    for call, _ in rows("pydo"):
        eval(f"databases.{call}", {"databases": databases, **NAMES})

    assert len(databases.method_calls) == 8


def test_every_verb_of_ours_has_its_row() -> None:
    for calls, verbs in (
        (DIGITALOCEAN_CALLS, ("get", "post", "put", "delete", "reset_auth.post")),
        (SCALINGO_CALLS, ("get", "post", "patch", "delete", "reset_password.post")),
    ):
        for verb in verbs:
            assert any(f".{verb}(" in call for call in calls), verb
