"""A server with a thread and an event loop of its own, for tests that are no coroutines."""

import asyncio
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from threading import Thread


class ServingThread:
    """Keeps an async context manager entered, on a loop that nobody else has to run."""

    def __init__(self, served: AbstractAsyncContextManager[object]) -> None:
        self._served = served
        self._stopping = asyncio.Event()
        self._loop: Future[asyncio.AbstractEventLoop] = Future()
        # A daemon, so that a test run ends though somebody forgot to stop it.
        self._thread = Thread(
            target=lambda: asyncio.run(self._serve()), name="dbusers-sandbox", daemon=True
        )

    def start(self) -> None:
        """Return when it serves; raises what entering it raises."""
        self._thread.start()
        try:
            self._loop.result()
        except Exception:  # whatever it is, it is the thread's, which has ended with it
            self._thread.join()
            raise

    def stop(self) -> None:
        """Return when it has ended."""
        self._loop.result().call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def _serve(self) -> None:
        try:
            await self._served.__aenter__()
        except Exception as error:  # whatever it is, somebody waits for it in `start`
            self._loop.set_exception(error)
            return
        self._loop.set_result(asyncio.get_running_loop())
        try:
            await self._stopping.wait()
        finally:
            await self._served.__aexit__(None, None, None)
