"""No secret gets into a store, whatever a provider answers."""

from contextlib import aclosing
from pathlib import Path
from typing import Any

from dbusers import DigitalOceanClient, RetryOption, ScalingoClient
from dbusers.audit.inventory import Inventory
from dbusers.audit.records import NotRead, Read
from dbusers.audit.runner import read_all
from dbusers.audit.store import Store
from dbusers.digitalocean.inventory import DigitalOceanInventory
from dbusers.scalingo.inventory import ScalingoInventory
from dbusers.testing import Sandbox
from tests.audit.stored_fleet import HOUR, STARTED
from tests.canary import CERTIFICATE, GENERATED, PASSWORD, TOKEN
from tests.raw_server import Exchange, RawServer, answer

PLANTED = (TOKEN, PASSWORD, GENERATED, CERTIFICATE)
SECRET_USER: dict[str, Any] = {
    "name": "app",
    "role": "normal",
    "password": PASSWORD,
    "access_cert": CERTIFICATE,
    "access_key": GENERATED,
    "mysql_settings": {"auth_plugin": "caching_sha2_password"},
    "something_new": {"secret": GENERATED},
}
CLUSTER: dict[str, Any] = {
    "engine": "kafka",
    "users": [SECRET_USER],
    "connection": {"uri": f"kafka://app:{GENERATED}@host", "password": GENERATED},
}


async def refuse_by_quoting(exchange: Exchange) -> None:
    """Repeat the credential in everything that an error may show."""
    assert exchange.received is not None
    quoted = f"bad: {exchange.received.headers['authorization']}"
    headers = {"x-request-id": exchange.received.headers["authorization"]}
    await answer(422, {"message": quoted, "id": quoted}, headers)(exchange)


def is_in(planted: str, content: bytes) -> bool:
    # A text may be whole, or as JSON escapes it, or its first line alone.
    spellings = {planted, planted.encode("unicode_escape").decode(), planted.partition("\n")[0]}
    return any(spelling.encode() in content for spelling in spellings)


def all_bytes(path: Path) -> bytes:
    """Return the store's file, and those that SQLite keeps beside it."""
    files = [file for file in path.parent.iterdir() if file.name.startswith(path.name)]
    return b"".join(file.read_bytes() for file in files)


async def test_answers_full_of_secrets_leave_none_in_the_store(
    server: RawServer, tmp_path: Path
) -> None:
    clusters = [{**CLUSTER, "id": f"id-{number}", "name": f"db-{number}"} for number in range(4)]
    wrong_type = {**SECRET_USER, "settings": GENERATED}
    server.plays(
        answer(200, {"databases": clusters}),
        answer(200, {"users": [SECRET_USER]}),
        answer(200, {"users": [wrong_type]}),
        refuse_by_quoting,
        answer(200, {"users": [SECRET_USER], "links": GENERATED}),
    )
    path = tmp_path / "audit.db"

    options = [RetryOption(max_retries=0)]
    async with DigitalOceanClient(TOKEN, base_url=server.url, options=options) as client:
        with Store.open(path) as store:
            run = store.begin(STARTED, {"DigitalOcean": "DigitalOcean"})
            outcomes = []
            async with aclosing(read_all([DigitalOceanInventory(client)], concurrency=1)) as found:
                async for outcome in found:
                    store.add(run, outcome)
                    outcomes.append(outcome)
            while_open = all_bytes(path)
            store.finish(run, STARTED + HOUR)

    assert any(isinstance(each, Read) for each in outcomes)
    assert sum(isinstance(each, NotRead) for each in outcomes) >= 2
    for content in (while_open, all_bytes(path)):
        assert b"caching_sha2_password" in content
        assert (
            b'["app",false,null,"caching_sha2_password",null,null,null,null,null,true]' in content
        )
        assert not [planted for planted in PLANTED if is_in(planted, content)]


async def test_a_search_for_secrets_would_find_them(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    with Store.open(path) as store:
        for planted in PLANTED:
            store.begin(STARTED, {planted: ""})

        assert all(is_in(planted, all_bytes(path)) for planted in PLANTED)
    assert all(is_in(planted, all_bytes(path)) for planted in PLANTED)


async def test_nothing_of_the_sandboxs_passwords_is_in_the_store(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "audit.db"
    digitalocean: DigitalOceanClient
    scalingo: ScalingoClient
    async with sandbox.digitalocean() as digitalocean, sandbox.scalingo() as scalingo:
        inventories: list[Inventory] = [
            DigitalOceanInventory(digitalocean),
            ScalingoInventory(scalingo),
        ]
        with Store.open(path) as store:
            run = store.begin(STARTED, {})
            async with aclosing(read_all(inventories)) as outcomes:
                async for outcome in outcomes:
                    store.add(run, outcome)
            read = [row.database.id for row in store.databases(run) if row.users]
            passwords = [
                user.password.reveal()
                for cluster in await digitalocean.databases.get()
                if cluster.id in read
                for user in await digitalocean.databases.by_id(cluster.id).users.get()
                if user.password
            ]

    content = all_bytes(path)
    assert len(passwords) > 0
    assert not [each for each in passwords if each.encode() in content]
    assert sandbox.digitalocean_token.encode() not in content
    assert sandbox.scalingo_token.encode() not in content
