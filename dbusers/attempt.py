"""`Attempt`: the innermost link of the chain: one request with its credential, over the wire.

No hook stands further in, so none ever sees the credential.
"""

import logging

import attrs

from dbusers.auth import Authenticator, refuse_foreign
from dbusers.clock import Clock
from dbusers.deadline import OutOfTime, progress
from dbusers.errors import ConfigurationError, ConnectionFailed, DbusersError, RequestTimedOut
from dbusers.logs import HTTP_LOG, log_attempt
from dbusers.middleware import fetched_credential
from dbusers.options import DEFAULT_TIMEOUT, TimeoutOption
from dbusers.ratelimit import RateLimit
from dbusers.request import RequestInformation
from dbusers.response import Response
from dbusers.transport import CLOSED, Transport


class Attempt:
    """Sends a request with its credential; the innermost link, with only the socket behind it."""

    def __init__(
        self,
        transport: Transport,
        authenticator: Authenticator,
        limit: RateLimit | None,
        clock: Clock,
    ) -> None:
        self._transport = transport
        self._authenticator = authenticator
        self._limit = limit
        self._clock = clock
        self._own = tuple(f"{url}/" for url in authenticator.base_urls)

    async def __call__(self, request: RequestInformation) -> Response:
        """Return the answer; of an error, with what it repeats of our own secrets masked."""
        # Here, and not where the request is made: a middleware may have changed the URL.
        if not request.url.startswith(self._own):  # which nearly every one does
            refuse_foreign(request.url, self._authenticator.base_urls)
        credential = self._authenticator.at_hand(request)
        at = progress.get()
        if credential is None:  # renewed by another call, or the URL is another by now
            credential = await fetched_credential(self._authenticator, request, self._clock)
            at.phase = "send"
        if self._transport.closed:  # by a hook, perhaps
            raise ConfigurationError(CLOSED)
        timeout = request.option(TimeoutOption) or DEFAULT_TIMEOUT
        begun = self._clock.monotonic()
        left = at.deadline - begun
        if left <= 0:
            raise OutOfTime
        longest = timeout.attempt
        seconds = left if longest is None or left < longest else longest
        before, at.sent = at.sent, True
        outcome = await self._transport.exchange(request, credential, timeout, seconds)
        if HTTP_LOG.isEnabledFor(logging.DEBUG):
            log_attempt(request, outcome, at, self._clock.monotonic() - begun)
        if isinstance(outcome, DbusersError):
            if isinstance(outcome, ConnectionFailed | RequestTimedOut):
                at.sent = before or outcome.sent
            if (
                isinstance(outcome, RequestTimedOut)
                and outcome.phase == "attempt"
                and seconds == left
            ):
                raise OutOfTime
            raise outcome
        if self._limit is not None:
            # Here, not outside the callers' hooks: what one of them answers from a cache is old.
            self._limit.learn(outcome)
        if 200 <= outcome.status < 300:
            return outcome
        if outcome.status == 429:
            at.sent = before  # refused, so nothing was done
        renewed = outcome.status == 401 and self._authenticator.renew(request, credential)
        return attrs.evolve(outcome.masked(), credential_renewed=renewed)
