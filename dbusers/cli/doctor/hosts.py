"""How far one gets with a host: its address, a connection, TLS. This sends no request."""

import asyncio
import os
import socket
import ssl
import time
from typing import Any, Final

from dbusers.auth import origin
from dbusers.cli.doctor.diagnosis import Finding, State
from dbusers.proxy import Proxy

PATIENCE: Final = 10.0  # seconds for each step, as for the connections of a client
NO_ADDRESS: Final = "check the name, and this machine's DNS"
NO_CONNECTION: Final = "look for a firewall; where only a proxy gets out, set HTTPS_PROXY"
NO_PROXY: Final = "check HTTPS_PROXY, or name the host in NO_PROXY"
NO_TLS: Final = (
    "check the clock; where a proxy looks into TLS, let SSL_CERT_FILE name its certificates"
)


async def reach(url: str, proxy: Proxy | None) -> Finding:
    """Return how far one gets with the host of a URL, or with the proxy on the way to it."""
    scheme, host, port = origin(url)
    tls = scheme == "https" and proxy is None  # through a proxy, TLS begins behind it
    if proxy is not None:
        host, port = str(proxy.url.host), proxy.url.port or 80

    def failed(found: str, advice: str) -> Finding:
        advised = advice if proxy is None else NO_PROXY
        return Finding(None, "host", State.FAILED, f"{url}: {found}", advised, url, facts)

    facts: dict[str, Any] = {
        "proxy": None if proxy is None else str(proxy.url),
        "milliseconds": None,
    }
    begun = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        return failed(f"no address for {host} within {PATIENCE:g} s", NO_ADDRESS)
    except (OSError, UnicodeError):  # the latter for a name that cannot be one
        return failed(f"no address for {host}", NO_ADDRESS)
    try:
        async with asyncio.timeout(PATIENCE):
            spoken = await _connect(host, port, tls=tls)
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", None) or error.reason or "it speaks no TLS"
        return failed(f"no secure connection: {reason}", NO_TLS)
    except TimeoutError:
        return failed(f"no connection to {host}:{port} within {PATIENCE:g} s", NO_CONNECTION)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)  # of several addresses
        return failed(f"no connection to {host}:{port}: {reason}", NO_CONNECTION)
    facts["milliseconds"] = took = round((time.perf_counter() - begun) * 1000)
    through = f", through {proxy.url}" if proxy else ""
    return Finding(
        None, "host", State.OK, f"{url}: {spoken} in {took} ms{through}", None, url, facts
    )


async def _connect(host: str, port: int, *, tls: bool) -> str:
    """Return in words what a connection came to, and close it."""
    secure = ssl.create_default_context() if tls else None
    _, writer = await asyncio.open_connection(host, port, ssl=secure)
    session = writer.get_extra_info("ssl_object")
    writer.transport.abort()  # there is nothing to say goodbye to
    return f"connected by {session.version()}" if session else "connected"
