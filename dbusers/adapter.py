"""`Adapter`: a client's operations: each request through the whole chain, until its deadline."""

import asyncio
from collections.abc import Awaitable, Iterable
from math import inf
from typing import Any

import aiohttp

from dbusers.attempt import Attempt
from dbusers.auth import Authenticator
from dbusers.clock import SYSTEM_CLOCK, Clock
from dbusers.deadline import OutOfTime, Progress, limit_in_force, progress
from dbusers.errors import ConfigurationError, ConnectionFailed, DbusersError, RequestTimedOut
from dbusers.middleware import InTime, Limit, chain
from dbusers.options import DEFAULT_TIMEOUT, OnResponse, RequestOption, TimeoutOption
from dbusers.ratelimit import RateLimit
from dbusers.request import (
    Handler,
    Middleware,
    Repeat,
    RequestInformation,
    hooks_of,
    options_of,
)
from dbusers.response import ErrorReader, Response
from dbusers.retry import Retry
from dbusers.transport import MAX_BODY_SIZE, Transport


class Adapter:
    """The pipeline of one client; see `Transport` for its connections."""

    def __init__(
        self,
        base_url: str,
        authenticator: Authenticator,
        read_error: ErrorReader,
        *,
        rate_limit: RateLimit | None = None,
        session: aiohttp.ClientSession | None = None,
        middleware: Iterable[Middleware] = (),
        operation_middleware: Iterable[Middleware] = (),
        options: Iterable[RequestOption] = (),
        max_body_size: int = MAX_BODY_SIZE,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.base_url = base_url
        self.options: tuple[RequestOption, ...] = options_of(options)
        self._private_options = tuple(o for o in self.options if not isinstance(o, OnResponse))
        self._read_error = read_error
        self._clock = clock
        self._transport = Transport(session, authenticator.base_urls, max_body_size)
        self._running: set[Progress] = set()
        self._ended = asyncio.Event()
        # Bound once: Python calls a method faster than an object.
        self._send = Attempt(self._transport, authenticator, rate_limit, clock).__call__
        self._retry = Retry(Limit(rate_limit, authenticator, clock), clock).__call__
        self._middleware = hooks_of(middleware)
        self._attempt = self._attempt_with(())
        # Without hooks it is `_operate` itself, and costs nothing.
        hooks = hooks_of(operation_middleware, "operation_middleware")
        self._operation = chain(hooks, self._operate)

    async def send(self, request: RequestInformation) -> Response:
        """Return the answer to `request`, through the client's whole pipeline.

        Builders call this, and so may you, for what the SDK does not cover:

            request = RequestInformation("GET", "/v2/databases/{id}/replicas", {"id": cluster_id})
            replicas = (await client.adapter.send(request)).json()["replicas"]

        Raises an `APIError` for any status but 2xx, and the other errors of `dbusers.errors`.
        """
        request = request.with_defaults(self.base_url, self.options)
        return self._finish(request, await self._operation(request))

    async def send_privately(self, request: RequestInformation) -> Response:
        """Return the answer to `request`, past no caller's hook: it is itself a credential."""
        request = request.with_defaults(self.base_url, self._private_options)
        return self._finish(request, await self._run(request, self._send))

    def _finish(self, request: RequestInformation, response: Response) -> Response:
        observer = request.option(OnResponse)
        if observer is not None:
            observer.callback(response)
        if 200 <= response.status < 300:
            return response
        raise response.error(self._read_error)

    async def aclose(self) -> None:
        """End the calls under way, with an error that says so, and close the connections.

        Later calls raise the same. Returns when all have ended.
        """
        self._transport.closed = True
        for operation in self._others_running():
            if not operation.closing:
                operation.close()
        try:
            while self._others_running():
                self._ended.clear()
                await self._ended.wait()
        finally:
            await self._transport.aclose()

    def _others_running(self) -> list[Progress]:
        # A hook may close the client, and does not wait for its own call; nor does anyone for the
        # calls of a loop that has ended.
        here, loop = asyncio.current_task(), asyncio.get_running_loop()
        return [at for at in self._running if at.task is not here and at.task.get_loop() is loop]

    def _attempt_with(self, middleware: tuple[Middleware, ...]) -> Handler:
        hooks = (*self._middleware, *middleware)
        return chain((InTime(self._clock), *hooks), self._send) if hooks else self._send

    def _operate(self, request: RequestInformation) -> Awaitable[Response]:
        attempt = self._attempt_with(request.middleware) if request.middleware else self._attempt
        return self._run(request, attempt)

    async def _run(self, request: RequestInformation, attempt: Handler) -> Response:
        """Return the last answer, whatever it is."""
        loop = self._transport.running_loop()
        total = (request.option(TimeoutOption) or DEFAULT_TIMEOUT).total
        seconds, whose = inf if total is None else total, "TimeoutOption.total"
        limit = limit_in_force.get()
        if limit is not None and limit.left < seconds:
            seconds, whose = limit.left, "left of the caller's time_limit"
        task: Any = asyncio.current_task(loop)  # there is one: this runs in it
        begun = self._clock.monotonic()
        at = Progress(task, begun, begun + seconds, task.cancelling())
        token = progress.set(at)
        self._running.add(at)
        try:
            if seconds <= 0:
                raise OutOfTime  # noqa: TRY301  (before it takes a slot of the token's budget)
            return await self._retry(request, attempt)
        except DbusersError as failure:
            if not failure.attempts:  # those of a token's request, if it failed, are more telling
                failure.attempts, failure.retries = at.attempts, at.retries
            if isinstance(failure, ConnectionFailed | RequestTimedOut):
                failure.sent = failure.sent or at.sent  # by an earlier attempt, perhaps
            raise
        except OutOfTime:
            repeatable = request.repeat is Repeat.ALWAYS or not at.sent
            error: DbusersError = RequestTimedOut(
                f"no answer within {max(seconds, 0):.6g} s ({whose}); under way: {at.phase}",
                phase=at.phase,
                sent=at.sent,
                retryable=repeatable,
            )
            error.gave_up = "deadline" if repeatable else None
        except asyncio.CancelledError:
            if not at.is_closed():
                raise
            error = ConfigurationError(
                f"the client was closed during the call; under way: {at.phase}"
            )
        finally:
            self._running.discard(at)
            if at.closing:
                task.uncancel()
            if self._transport.closed:
                self._ended.set()
            progress.reset(token)
        error.attempts, error.retries = at.attempts, at.retries
        raise error
