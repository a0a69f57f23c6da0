"""One verb of each kind, how a server fails them, and clients whose waits take no time."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from attrs import frozen

from dbusers import (
    DigitalOceanClient,
    RequestConfiguration,
    RequestInformation,
    Response,
    RetryOption,
    ScalingoClient,
)
from dbusers import digitalocean as do
from dbusers import scalingo as sc
from dbusers.options import OnResponse
from tests.clocks import JumpingClock
from tests.raw_server import BeforeReading, RawServer, Step, answer, end, raw, reset, truncated

DO_USER = answer(200, {"user": {"name": "app"}})
SC_USER = answer(200, {"database_user": {"name": "app"}})
NO_DELAYS = RetryOption(base_delay=0)


@frozen
class Call:
    """One verb, called on whichever client it is of, and a server's good answer to it."""

    send: Callable[[Any, RequestConfiguration], Awaitable[object]]
    good: Step
    provider: type[Any] = DigitalOceanClient


def do_user(client: DigitalOceanClient) -> do.UserRequestBuilder:
    return client.databases.by_id("c-1").users.by_username("app")


def sc_user(client: ScalingoClient) -> sc.UserRequestBuilder:
    return client.databases.by_id("ad-1").users.by_username("app")


IDEMPOTENT = {
    "GET": Call(lambda c, rc: do_user(c).get(rc), DO_USER),
    "PUT": Call(
        lambda c, rc: do_user(c).put(do.UserUpdate(settings=do.UserSettings()), rc), DO_USER
    ),
    "DELETE": Call(lambda c, rc: do_user(c).delete(rc), answer(204)),
    "Scalingo's GET": Call(
        lambda c, rc: c.databases.by_id("ad-1").users.get(rc),
        answer(200, {"database-users": []}),
        ScalingoClient,
    ),
}
CHANGES = {
    "POST": Call(
        lambda c, rc: c.databases.by_id("c-1").users.post(do.UserCreate("app"), rc), DO_USER
    ),
    "Scalingo's POST": Call(
        lambda c, rc: c.databases.by_id("ad-1").users.post(sc.UserCreate("app-01"), rc),
        SC_USER,
        ScalingoClient,
    ),
    "PATCH": Call(lambda c, rc: sc_user(c).patch(sc.UserUpdate(), rc), SC_USER, ScalingoClient),
    "own POST": Call(
        lambda c, rc: c.adapter.send(RequestInformation("post", "/v2/x", options=rc.options)),
        answer(200, {}),
    ),
}
RESETS = {
    "reset_auth": Call(lambda c, rc: do_user(c).reset_auth.post(None, rc), DO_USER),
    "reset_password": Call(
        lambda c, rc: sc_user(c).reset_password.post(rc), SC_USER, ScalingoClient
    ),
}
ALL = IDEMPOTENT | CHANGES | RESETS

SENT_AND_LOST: dict[str, Step | BeforeReading] = {
    "reset before reading": BeforeReading(reset),
    "ended before reading": BeforeReading(end),
    "reset after reading": reset,
    "ended after reading": end,
    "truncated body": truncated(b'{"user": {"na'),
    "truncated head": raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "not HTTP": raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "408": answer(408),
    "500": answer(500, {"id": "server_error", "message": "oops"}),
    "502": answer(502, b"<html>bad gateway</html>", {"Content-Type": "text/html"}),
    "503": answer(503),
    "504": answer(504),
    "599": answer(599),
}


class Sender:
    """Clients of both providers at one server, whose waits take no time."""

    def __init__(self, server: RawServer, stack: AsyncExitStack) -> None:
        self.server = server
        self.clock = JumpingClock()
        self.answers: list[Response] = []
        self._stack = stack

    async def __call__(
        self, call: Call, retry: RetryOption = NO_DELAYS, url: str | None = None
    ) -> object:
        client = await self.client_for(call, url or self.server.url)
        options = [retry, OnResponse(self.answers.append)]
        return await call.send(client, RequestConfiguration(options=options))

    async def client_for(self, call: Call, url: str) -> Any:
        client: Any
        if call.provider is DigitalOceanClient:
            client = DigitalOceanClient("a-token", base_url=url, clock=self.clock, rate_limit=None)
        else:
            client = ScalingoClient(
                database_token="a-token", database_api_url=url, clock=self.clock, rate_limit=None
            )
        return await self._stack.enter_async_context(client)
