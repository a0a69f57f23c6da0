"""How far one gets with a host: TLS that is trusted or is not, and what never answers."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from dbusers.cli.doctor import hosts
from dbusers.cli.doctor.diagnosis import Finding, State
from dbusers.cli.doctor.hosts import reach


async def leave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Have nothing to say."""
    writer.close()


async def look(authority: trustme.CA, name: str) -> Finding:
    """Return what is found of a server on this machine, whose certificate is for `name`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    server = await asyncio.start_server(leave, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await reach(f"https://127.0.0.1:{port}", None)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that this process trusts, as by the variable that the advice names."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return authority


async def test_a_certificate_that_is_trusted_is_well(trusted: trustme.CA) -> None:
    found = await look(trusted, "127.0.0.1")

    assert found.state is State.OK
    assert "connected by TLSv1.3" in found.found


async def test_an_authority_that_nobody_knows_is_told_with_what_to_do(
    authority: trustme.CA,
) -> None:
    found = await look(authority, "127.0.0.1")

    assert found.state is State.FAILED
    assert "no secure connection: " in found.found
    assert "certificate" in found.found
    assert "SSL_CERT_FILE" in str(found.advice)


async def test_a_certificate_of_another_host_is_told(trusted: trustme.CA) -> None:
    found = await look(trusted, "db.example")

    assert found.state is State.FAILED
    assert "127.0.0.1" in found.found.partition("no secure connection: ")[2]


@pytest.mark.parametrize(
    ("step", "said"),
    [("getaddrinfo", "no address for slow.example within"), ("_connect", "no connection to slow")],
)
async def test_what_never_answers_is_given_up(
    monkeypatch: pytest.MonkeyPatch, step: str, said: str
) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    async def at_once(*_: object, **__: object) -> None:
        """Have an address."""

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(hosts, "PATIENCE", 0.01)
    monkeypatch.setattr(hosts, "_connect", never)
    monkeypatch.setattr(loop, "getaddrinfo", never if step == "getaddrinfo" else at_once)

    found = await reach("https://slow.example", None)

    assert found.state is State.FAILED
    assert said in found.found
    assert "within 0.01 s" in found.found
