"""All that a program may tell of itself while it runs: logs, warnings, and aiohttp's traces."""

import asyncio
import logging
import traceback
import warnings
from collections.abc import (
    Iterator,
)
from contextlib import contextmanager

import aiohttp


class Listener(logging.Handler):
    """Keeps all that is logged, arguments and tracebacks included."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.heard: list[str] = []
        self.names: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.names.add(record.name)
        self.heard += [record.getMessage(), repr(record.args)]
        if record.exc_info and record.exc_info[1]:
            printed = traceback.TracebackException.from_exception(
                record.exc_info[1], capture_locals=True
            )
            self.heard += printed.format()


@contextmanager
def listening() -> Iterator[Listener]:
    """The root logger at debug level, asyncio in debug mode, every warning recorded."""
    root, made = logging.getLogger(), Listener()
    levels = {name: logging.getLogger(name).level for name in [None, "asyncio", "aiohttp.client"]}
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0  # every callback is slow: its repr is logged
    root.addHandler(made)
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield made
        made.heard += [str(warning.message) for warning in warned]
    finally:
        root.removeHandler(made)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        loop.set_debug(False)


def tracing(heard: list[str]) -> aiohttp.TraceConfig:
    """An aiohttp trace that writes down whatever it is shown but the bytes on the wire."""
    config = aiohttp.TraceConfig()

    async def hear(_session: object, _context: object, params: object) -> None:
        heard.append(repr(params))

    for event in (
        config.on_request_start,
        config.on_request_headers_sent,
        config.on_request_chunk_sent,
        config.on_request_end,
        config.on_request_exception,
        config.on_response_chunk_received,
        config.on_connection_create_end,
    ):
        event.append(hear)
    return config
