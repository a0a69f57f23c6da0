"""A sandbox in a thread of its own: a command runs its own loop."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dbusers.testing import Sandbox


@contextmanager
def served(sandbox: Sandbox) -> Iterator[Sandbox]:
    """Serve the sandbox while the block runs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(sandbox.start(), loop).result()
        yield sandbox
    finally:
        asyncio.run_coroutine_threadsafe(sandbox.aclose(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def digitalocean_environment(sandbox: Sandbox) -> dict[str, str]:
    return {
        "DIGITALOCEAN_TOKEN": sandbox.digitalocean_token,
        "DIGITALOCEAN_API_URL": sandbox.url,
    }


def scalingo_environment(sandbox: Sandbox) -> dict[str, str]:
    names = ("SCALINGO_AUTH_URL", "SCALINGO_API_URL", "SCALINGO_DB_URL")
    return {"SCALINGO_API_TOKEN": sandbox.scalingo_token, **dict.fromkeys(names, sandbox.url)}
