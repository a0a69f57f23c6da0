"""What a test can say about the requests that arrived, and that no secret shows where it does."""

from typing import TYPE_CHECKING, Any

import pytest

from dbusers import Secret
from dbusers.testing import Sandbox

if TYPE_CHECKING:  # conftest cannot be imported while the tests run
    from tests.testing.conftest import Caller

PASSWORD = "canary-password-of-30-letters"


async def test_a_body_is_read_as_json_and_its_passwords_are_secrets(
    owner: "Caller", sandbox: Sandbox, users: str
) -> None:
    sent = {"name": "app-01", "password": PASSWORD, "password_confirmation": PASSWORD}
    await owner("POST", users, {"database_user": sent})

    (request,) = sandbox.requests
    assert request.status == 201
    assert request.json == {
        "database_user": {
            "name": "app-01",
            "password": Secret(PASSWORD),
            "password_confirmation": Secret(PASSWORD),
        }
    }


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"", None),
        (b"null", None),
        (b"[1, true, null]", [1, True, None]),
        (b'[{"Api_Token": "x", "client-secret": "y"}]',
         [{"Api_Token": Secret("x"), "client-secret": Secret("y")}]),
        (b'{"password": null, "token": {"a": "b"}}', {"password": None, "token": {"a": "b"}}),
    ],
)  # fmt: skip
async def test_any_json_is_read(
    anonymous: "Caller", sandbox: Sandbox, content: bytes, value: Any
) -> None:
    await anonymous("POST", "/v2/databases", content=content)

    assert sandbox.requests[-1].json == value
    assert sandbox.requests[-1].body == content


async def test_a_body_that_is_not_json_is_told_without_showing_it(
    anonymous: "Caller", sandbox: Sandbox
) -> None:
    await anonymous("POST", "/v2/databases", content=f"password={PASSWORD}".encode())

    with pytest.raises(ValueError, match="not JSON") as caught:
        _ = sandbox.requests[-1].json
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert PASSWORD not in repr((caught.value, sandbox.requests[-1].body))


async def test_credentials_are_secrets_and_no_headers(
    digitalocean: "Caller", sandbox: Sandbox
) -> None:
    token = str(sandbox.digitalocean_token)
    secrets = {"cookie": "a=b", "Proxy-Authorization": "Basic x"}
    await digitalocean("GET", "/v2/databases", headers={"x-trace": "7", **secrets})

    (request,) = sandbox.requests
    assert request.authorization == Secret(f"Bearer {token}")
    assert request.credentials("bearer") == Secret(token)
    assert not request.credentials("basic")
    assert request.headers["X-Trace"] == "7"
    assert {"authorization", "cookie", "proxy-authorization"}.isdisjoint(
        name.lower() for name in request.headers
    )


async def test_a_request_without_credentials_has_an_empty_secret(
    anonymous: "Caller", sandbox: Sandbox
) -> None:
    await anonymous("GET", "/v2/databases")

    assert sandbox.requests[-1].authorization == Secret("")
    assert sandbox.requests[-1].status == 401


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("GET", "/v2/databases", ["/v2/databases"]),
        ("get", "/v2/databases/*/users", ["/v2/databases/a/users"]),
        ("PUT", "/v2/databases/*/users/*", ["/v2/databases/a/users/b"]),
        ("P*", "*", ["/v2/databases/a/users/b", "/v1/tokens/exchange"]),
        ("*", "/v1/*", ["/v1/tokens/exchange"]),
        ("DELETE", "*", []),
    ],
)
async def test_requests_are_found_by_method_and_path(
    digitalocean: "Caller", sandbox: Sandbox, method: str, path: str, found: list[str]
) -> None:
    await digitalocean("GET", "/v2/databases?page=2")
    await digitalocean("GET", "/v2/databases/a/users")
    await digitalocean("PUT", "/v2/databases/a/users/b", {})
    await digitalocean("POST", "/v1/tokens/exchange")

    assert [request.path for request in sandbox.requests_to(method, path)] == found
