import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from dbusers import ConfigurationError, DigitalOceanClient, Window
from dbusers.audit import NotListed, Read, read_all
from dbusers.audit.accounts import opening
from dbusers.audit.accounts.configuration import (
    AccountSettings,
    accounts_from_environment,
    accounts_from_file,
)
from dbusers.audit.accounts.configuration import __doc__ as documented
from dbusers.audit.accounts.opening import LONGEST_LIST, open_accounts
from dbusers.audit.accounts.selection import Selection
from dbusers.digitalocean.client import WINDOWS as DIGITALOCEAN
from dbusers.testing import Sandbox
from dbusers.transport import MAX_BODY_SIZE
from tests.canary import TOKEN, leaks, shown_by
from tests.clocks import SimulatedClock

GOOD = 'name = "a"\nprovider = "digitalocean"\n'


def settings_of(text: str, folder: Path) -> list[AccountSettings]:
    path = folder / "dbusers.toml"
    path.write_text(text)
    return accounts_from_file(path)


def refusal(text: str, folder: Path) -> str:
    with pytest.raises(ConfigurationError) as raised:
        settings_of(text, folder)
    assert not leaks([str(raised.value), repr(raised.value), repr(vars(raised.value))])
    return str(raised.value).replace(f"{folder.as_posix()}/", "")


def account(name: str = "a", **keywords: object) -> AccountSettings:
    given = {"provider": "digitalocean", "place": "dbusers.toml:1", "token_env": ("A_TOKEN",)}
    return AccountSettings(name, **(given | keywords))  # type: ignore[arg-type]  # as the test says


# Which accounts there are


def test_the_environment_has_an_account_for_each_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_ACCESS_TOKEN", "one")
    assert [each.name for each in accounts_from_environment()] == ["digitalocean"]

    monkeypatch.setenv("SCALINGO_API_TOKEN", "other")
    assert [each.name for each in accounts_from_environment()] == ["digitalocean", "scalingo"]


def test_an_environment_without_a_token_says_what_to_set() -> None:
    with pytest.raises(ConfigurationError, match=r"DIGITALOCEAN_TOKEN.*dbusers\.toml"):
        accounts_from_environment()


def test_the_documented_file_is_read(tmp_path: Path) -> None:
    example = (documented or "").partition("\n\n")[2].rpartition("\n\n")[0]

    production, agency = settings_of(
        "\n".join(line.removeprefix("    ") for line in example.splitlines()), tmp_path
    )

    assert production.name == "production"
    assert production.token_env == ("DIGITALOCEAN_TOKEN_PROD",)
    assert production.selection == Selection({"tag": ("production",)}, {"name": ("*-scratch",)})
    assert production.place.endswith("dbusers.toml:1")
    assert (agency.provider, agency.region, agency.reserve) == ("scalingo", "osc-secnum-fr1", 0.2)
    assert agency.token_command == ("pass", "show", "scalingo/agency")
    assert agency.token_env == ()


def test_an_account_without_a_token_of_its_own_takes_the_provider_s(tmp_path: Path) -> None:
    (settings,) = settings_of(f"[[accounts]]\n{GOOD}", tmp_path)

    assert settings.token_env == ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (f'token = "{TOKEN}"', "token: a token does not belong in a file; allowed: token_env"),
        (f'api_token = "{TOKEN}"', "api_token: a token does not belong in a file"),
        ('tokn_env = "X"', "tokn_env: unknown key; did you mean token_env?"),
        ("colour = 1", "colour: unknown key; allowed: "),
        (f'token_env = "{TOKEN}"', "token_env: is not the name of an environment variable"),
        ('token_command = "pass show do"', "token_command: is text, and there is no shell"),
        ("token_command = []", "token_command: is empty"),
        ("token_command = [1]", "token_command: holds a number"),
        (
            'token_env = "A"\ntoken_command = ["b"]',
            "token_command: stands beside token_env; give one of them",
        ),
        ('region = "fra1"', "region: chooses the hosts of Scalingo"),
        ("url = 1", "url: is a number"),
        ("reserve = 1", "reserve: is no share"),
        ("reserve = true", "reserve: is no share"),
        ("reserve = nan", "reserve: is no share"),
        ('include = "orders"', "include: is text; allowed: a table"),
        ("include = { nam = [] }", "include.nam: unknown key; did you mean name?"),
        ("include = { name = [] }", "include.name: is empty"),
        ("exclude = { tag = [1] }", "exclude.tag: holds a number"),
        (r"exclude = { tag = ['\a'] }", "exclude.tag: "),
    ],
)
def test_what_is_wrong_with_an_account_is_told_by_file_line_and_key(
    line: str, problem: str, tmp_path: Path
) -> None:
    found = refusal(f"# accounts\n[[accounts]]\n{GOOD}{line}\n", tmp_path)

    number = 6 if line.startswith('token_env = "A"') else 5
    assert found.startswith(f"dbusers.toml:{number}: accounts.{problem}")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "dbusers.toml:1: accounts: is missing"),
        ("accounts = []", "dbusers.toml:1: accounts: is empty"),
        ("accounts = 1", "dbusers.toml:1: accounts: is a number"),
        ('[[account]]\nname = "a"', "dbusers.toml:1: account: unknown key; did you mean accounts?"),
        ('[[accounts]]\nprovider = "scalingo"', "dbusers.toml:1: accounts.name: is missing"),
        (
            '[[accounts]]\nname = " "\nprovider = "scalingo"',
            "dbusers.toml:2: accounts.name: is empty",
        ),
        ('[[accounts]]\nname = "a"', "dbusers.toml:1: accounts.provider: is missing; allowed: dig"),
        (
            '[[accounts]]\nname = "a"\nprovider = "DigitalOcean"',
            "dbusers.toml:3: accounts.provider: is 'DigitalOcean'; did you mean digitalocean?",
        ),
        (
            f"[[accounts]]\n{GOOD}\n[[accounts]]\n{GOOD}",
            "dbusers.toml:6: accounts.name: is also that of the account in line 2",
        ),
        ("[[accounts]\n", "dbusers.toml:1: is not TOML"),
    ],
)
def test_what_is_wrong_with_the_file_is_told(text: str, problem: str, tmp_path: Path) -> None:
    assert refusal(text, tmp_path).startswith(problem)


WITH_A_TOKEN = (
    f'[[accounts]]\n{GOOD}token = "{TOKEN}"\n',
    f'[[accounts]]\n{GOOD}token_env = "{TOKEN}"\n',
    f'[[accounts]]\n{GOOD}token_command = ["{TOKEN}", 1]\n',
    f'[[accounts]]\n{GOOD}token = "{TOKEN}"\nno TOML',
)


@pytest.mark.parametrize("number", range(len(WITH_A_TOKEN)))
def test_a_token_in_the_file_by_mistake_is_shown_nowhere(number: int, tmp_path: Path) -> None:
    path = tmp_path / "dbusers.toml"
    path.write_text(WITH_A_TOKEN[number])

    with pytest.raises(ConfigurationError) as raised:
        accounts_from_file(path)

    assert not leaks([shown_by(raised.value)])


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    found = refusal('[[accounts]]\nname = 1\n[[accounts]]\nname = "b"\nurl = 2\n', tmp_path)

    assert [line.partition(" ")[0] for line in found.splitlines()] == [
        "dbusers.toml:1:",
        "dbusers.toml:2:",
        "dbusers.toml:3:",
        "dbusers.toml:5:",
    ]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml: cannot be read: No such file"):
        accounts_from_file(tmp_path / "none.toml")


# Their tokens


def prints(code: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-c", code)


async def token_of(settings: AccountSettings) -> str:
    async with Sandbox(limits=False) as sandbox:
        settings = account(
            token_env=settings.token_env, token_command=settings.token_command, url=sandbox.url
        )
        async with open_accounts([settings]) as (opened,):
            _ = [outcome async for outcome in read_all([opened])]
    return sandbox.requests[0].authorization.reveal()


async def test_a_token_comes_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", f" {TOKEN}\n")

    assert await token_of(account()) == f"Bearer {TOKEN}"


async def test_a_token_comes_from_its_command_without_a_shell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SAID", TOKEN)
    command = (*prints("import os, sys; print(os.environ['SAID'], sys.argv[1] * 0)"), "$(date)")

    assert await token_of(account(token_env=(), token_command=command)) == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (f"print({TOKEN!r}); raise SystemExit(3)", "ended with exit status 3"),
        (f"import sys; sys.exit({TOKEN!r})", "ended with exit status 1"),
        (f"print({TOKEN!r} * 9999)", "prints more than 65536 bytes"),
        (f"import sys; sys.stdout.buffer.write({TOKEN!r}.encode() + b'\\xff')", "is not text"),
        (f"print({TOKEN!r}, flush=True); input(); import time; time.sleep(9)", "exit status 1"),
        (
            f"print({TOKEN!r}, flush=True); import time; time.sleep(9)",
            "did not end within 0.05 s",
        ),
        (f"print({TOKEN!r}, 'and more')", "holds characters that no token has"),
        ("", "holds characters that no token has, or none at all"),
    ],
)
async def test_a_command_that_fails_says_so_and_shows_nothing_of_its_output(
    code: str, problem: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if "0.05" in problem:
        monkeypatch.setattr(opening, "COMMAND_SECONDS", 0.05)
    settings = account("prod", token_env=(), token_command=prints(code))

    with pytest.raises(ConfigurationError) as raised:
        async with open_accounts([settings]):
            raise AssertionError("opened")

    assert str(raised.value).startswith("dbusers.toml:1: prod: token_command")
    assert problem in str(raised.value)
    # The command line is in the frames; it is the test's own that has the token in it.
    shown = shown_by(raised.value).replace(code, "").replace(repr(code), "")
    assert not leaks([shown, *capfd.readouterr()])


async def test_a_command_that_is_not_there_says_so() -> None:
    settings = account(token_env=(), token_command=("no-such-program", TOKEN))

    with pytest.raises(ConfigurationError, match="'no-such-program' cannot be run: No such file"):
        async with open_accounts([settings]):
            raise AssertionError("opened")


async def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(ConfigurationError, match="a: the environment variable A_TOKEN is not set"):
        async with open_accounts([account()]):
            raise AssertionError("opened")


@pytest.mark.parametrize("token", [TOKEN.replace("-", "_"), "dop_v1_" + "4f" * 32])
async def test_a_token_in_place_of_its_variable_is_not_repeated(token: str, tmp_path: Path) -> None:
    (settings,) = settings_of(f'[[accounts]]\n{GOOD}token_env = "{token}"\n', tmp_path)

    with pytest.raises(ConfigurationError, match="variable that token_env names is not set") as no:
        async with open_accounts([settings]):
            raise AssertionError("opened")

    assert token not in shown_by(no.value).replace(f"token = {token!r}", "")  # the test's own


async def test_a_url_in_the_clear_is_refused_by_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", TOKEN)

    with pytest.raises(ConfigurationError, match=r"dbusers\.toml:1: a: base_url: use https"):
        async with open_accounts([account(url="http://example.com")]):
            raise AssertionError("opened")


# Their clients


async def test_a_list_of_many_databases_is_taken_up_to_a_length_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(opening, "LONGEST_LIST", 5_000)
    async with Sandbox(limits=False) as sandbox:
        monkeypatch.setenv("A_TOKEN", sandbox.digitalocean_token)
        async with open_accounts([account(url=sandbox.url)]) as accounts:
            (outcome,) = [each async for each in read_all(accounts)]

    assert isinstance(outcome, NotListed)
    assert "larger than 5000 bytes" in str(outcome.error)
    assert opening.LONGEST_LIST < MAX_BODY_SIZE < LONGEST_LIST


async def test_both_providers_are_opened_and_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Sandbox(limits=False) as sandbox:
        monkeypatch.setenv("A_TOKEN", sandbox.digitalocean_token)
        monkeypatch.setenv("B_TOKEN", sandbox.scalingo_token)
        monkeypatch.setenv("C_TOKEN", "not-one-of-theirs")
        settings = [
            account("clusters", url=sandbox.url),
            account("apps", provider="scalingo", url=sandbox.url, token_env=("B_TOKEN",)),
            account("strange", url=sandbox.url, token_env=("C_TOKEN",)),
        ]
        async with open_accounts(settings) as opened:
            outcomes = [outcome async for outcome in read_all(opened)]
            sent = {each.name: each.sent for each in opened}

    read = {(o.database.account, o.database.id) for o in outcomes if isinstance(o, Read)}
    assert read == {("clusters", c["id"]) for c in sandbox.fleet.digitalocean if c.users} | {
        ("apps", d["id"]) for d in sandbox.fleet.scalingo.databases if d.users
    }
    assert [o.account for o in outcomes if isinstance(o, NotListed)] == ["strange"]
    arrived = [request.path.startswith("/v2/") for request in sandbox.requests]
    assert sent["apps"] == arrived.count(False)  # those for bearers too
    assert (sent["clusters"] or 0) + (sent["strange"] or 0) == arrived.count(True)


async def test_accounts_with_one_token_share_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimulatedClock()
    monkeypatch.setenv("A_TOKEN", TOKEN)
    monkeypatch.setenv("B_TOKEN", f"{TOKEN}-of-another")
    settings = [account("one"), account("two"), account("other", token_env=("B_TOKEN",))]

    async with open_accounts(settings, clock=clock) as (one, two, other):
        for _ in range(250):
            assert one.meter is not None
            one.meter.settle(await one.meter.acquire())
        delays = [each.meter.delay() if each.meter else None for each in (one, two, other)]

    assert one.token is two.token
    assert other.token is not one.token
    assert delays == [60.5, 60.5, 0.0]
    assert (one.sent, two.sent, other.sent) == (250, 0, 0)


async def test_the_largest_reserve_of_a_token_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", TOKEN)
    settings = [account("one", reserve=0.1), account("two", reserve=0.2)]

    async with open_accounts(settings, clock=SimulatedClock()) as (one, two):
        assert two.meter is not None
        for _ in range(200):
            await two.meter.acquire()

        assert two.meter.delay() == 60.5
        assert one.windows == two.windows == (Window(200, 60), Window(4_000, 3_600))


async def test_without_a_reserve_the_windows_are_the_provider_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("A_TOKEN", TOKEN)

    async with open_accounts([account()]) as (opened,):
        assert opened.windows == DIGITALOCEAN


async def test_all_are_closed_even_if_closing_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    close = DigitalOceanClient.aclose

    async def failing(client: DigitalOceanClient) -> None:
        await close(client)
        closed.append(client)
        if len(closed) == 1:
            raise OSError("the first one to be closed")

    monkeypatch.setattr(DigitalOceanClient, "aclose", failing)
    monkeypatch.setenv("A_TOKEN", TOKEN)
    stack = AsyncExitStack()
    await stack.enter_async_context(open_accounts([account("one"), account("two")]))

    with pytest.raises(OSError, match="the first one"):
        await stack.aclose()

    assert len(closed) == 2


async def test_the_budget_of_an_hour_is_outwaited(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimulatedClock()
    async with Sandbox(databases=5, users=20) as sandbox:
        monkeypatch.setenv("A_TOKEN", sandbox.digitalocean_token)
        async with open_accounts([account(url=sandbox.url)], clock=clock) as (opened,):
            assert opened.meter is not None
            for _ in range(20):  # 5,000 requests, as fast as they may go
                for _ in range(250):
                    opened.meter.settle(await opened.meter.acquire())
                clock.now += 60.5
            waiting = opened.meter.delay()

    assert 2_000 < waiting < 3_600
    longest = {type(option).__name__: option for option in opening.PATIENT}
    assert longest["TimeoutOption"].total > 3_600  # type: ignore[attr-defined]  # by its name
    assert longest["RetryOption"].max_retry_after > 3_600  # type: ignore[attr-defined]  # by its name
