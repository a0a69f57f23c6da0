"""What needs a terminal: questions, and the demo's bars and colours."""

import re
from collections.abc import Iterator

import pytest

from dbusers.testing import Sandbox
from tests.cli.environments import digitalocean_environment
from tests.cli.terminal import QUICK_DEMO, run_on_terminal

CONTROL_C = "\x03"
ESCAPE = "\x1b"
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7]m")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=False) as running:
        yield running


@pytest.mark.parametrize(
    ("typed", "exit_code", "still_there", "told"),
    [
        ("y\n", 0, False, "is removed"),
        ("n\n", 1, True, "nothing was changed"),
        ("\n", 1, True, "nothing was changed"),
        (CONTROL_C, 130, True, "interrupted; nothing was changed"),
    ],
)
def test_delete_asks_first(
    sandbox: Sandbox, typed: str, exit_code: int, still_there: bool, told: str
) -> None:
    cluster = sandbox.fleet.digitalocean[0]
    name = list(cluster.users)[-1]

    screen = run_on_terminal(
        "users", "delete", cluster["id"], name,
        environment=digitalocean_environment(sandbox),
        answer=("[y/N]", typed),
    )  # fmt: skip

    assert f"Remove {name}" in screen.text
    assert told in screen.text
    assert (screen.exit_code, name in cluster.users) == (exit_code, still_there)


def test_update_says_what_the_user_loses(sandbox: Sandbox) -> None:
    cluster = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "kafka")
    acl = [
        {"id": "1", "topic": "orders", "permission": "PRODUCE_CONSUME"},
        {"id": "2", "topic": "clicks", "permission": "consume"},
    ]
    cluster.users["app"] = {"name": "app", "role": "normal", "settings": {"acl": acl}}

    screen = run_on_terminal(
        "users", "update", cluster["id"], "app", "--acl", "clicks=consume",
        environment=digitalocean_environment(sandbox),
        answer=("[y/N]", "n\n"),
    )  # fmt: skip

    assert "app loses: orders=produceconsume. Update it?" in screen.text
    assert screen.exit_code == 1
    assert cluster.users["app"]["settings"] == {"acl": acl}


def test_a_narrow_screen_keeps_names_and_ids_whole(sandbox: Sandbox) -> None:
    screen = run_on_terminal(
        "databases", "list", environment=digitalocean_environment(sandbox), columns=80
    )

    for cluster in sandbox.fleet.digitalocean:
        assert cluster["id"] in screen.text
        assert cluster["name"] in screen.text


def test_the_demo_draws_bars_and_colours_on_a_terminal() -> None:
    screen = run_on_terminal("demo", program=QUICK_DEMO)

    assert screen.exit_code == 0
    assert "46/46" in screen.text
    assert "14/14" in screen.text
    assert COLOUR.search(screen.text)


def test_the_demo_honours_no_color() -> None:
    screen = run_on_terminal("demo", program=QUICK_DEMO, environment={"NO_COLOR": "1"})

    assert screen.exit_code == 0
    assert not COLOUR.search(screen.text)


def test_the_demo_on_a_dumb_terminal_is_plain_text() -> None:
    screen = run_on_terminal("demo", program=QUICK_DEMO, environment={"TERM": "dumb"})

    assert screen.exit_code == 0
    assert ESCAPE not in screen.text
    assert "Not read" in screen.text


def test_an_interrupt_ends_the_demo_in_one_line() -> None:
    screen = run_on_terminal("demo", answer=("One user, from create", CONTROL_C))

    assert screen.exit_code == 130
    assert screen.text.endswith("dbusers: interrupted\n")  # behind the terminal's own ^C
    assert "Traceback" not in screen.text
