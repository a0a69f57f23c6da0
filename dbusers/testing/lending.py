"""Clients that tests need not close: they end with the event loop on which they were used."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Protocol

_SECONDS_TO_CLOSE = 5.0  # of a loop in another thread, which may be stuck


class Closable(Protocol):
    """What is lent: one of the SDK's clients."""

    async def aclose(self) -> None:
        """Close the connections."""


class Loan:
    """A middleware that closes the client it is given to, when the loop of its first call ends.

    A connection can be closed only on its own loop, and that loop may be anybody's: a pytest
    plug-in's, unittest's, that of FastAPI's TestClient. But all who run one have it finish the
    asynchronous generators that are suspended on it, before they close it.
    """

    def __init__(self) -> None:
        self.client: Closable | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: AsyncGenerator[None, None] | None = None

    async def __call__(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """Pass the request on; the first one tells the loop."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._end = self._until_the_end()
            await anext(self._end)
        return await handler(request)

    def close(self) -> None:
        """Close the client now, wherever its loop is; on one that runs here, as soon as it can."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        if not loop.is_running():
            loop.run_until_complete(self._finish())
            return
        closing = asyncio.run_coroutine_threadsafe(self._finish(), loop)
        if not _runs_here(loop):
            closing.result(_SECONDS_TO_CLOSE)

    async def _finish(self) -> None:
        if self._end is not None:
            await self._end.aclose()

    async def _until_the_end(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            if self.client is not None:
                await self.client.aclose()


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
