"""The proxy that the environment names, looked up once for each client.

aiohttp can do so as well, but then for every request anew, in a thread: the request takes three
times as long.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from urllib.request import getproxies, proxy_bypass

import attrs
from yarl import URL

from dbusers.auth import Origin, is_loopback, origin
from dbusers.errors import ConfigurationError
from dbusers.secret import SecretText


@attrs.frozen
class Proxy:
    """An HTTP proxy, and what it wants to be told with CONNECT."""

    url: URL
    headers: Mapping[str, str] = attrs.field(repr=False)


def proxies_for(base_urls: Iterable[str]) -> dict[Origin, Proxy]:
    """Return the proxy of each host that has one.

    It is that of `HTTPS_PROXY` or else `ALL_PROXY`, in either case of letters, or of the system's
    settings, for all hosts but those of `NO_PROXY`. Loopback has none: a proxy would look for it
    at its own place, and the credential would travel there without TLS. Raises
    `ConfigurationError` for a proxy that does not speak HTTP.
    """
    proxied = [
        place
        for place in map(origin, base_urls)
        if not is_loopback(place[1]) and not proxy_bypass(f"{place[1]}:{place[2]}")
    ]
    named = getproxies() if proxied else {}
    named = {scheme: SecretText(address) for scheme, address in named.items()}
    address = named.get("https") or named.get("all")
    if not address:
        return {}
    proxy = _proxy_at(address)
    if proxy is None:
        raise ConfigurationError(
            "HTTPS_PROXY or ALL_PROXY is not the address of an HTTP proxy: set http://host:port, "
            "or name the provider's host in NO_PROXY, or pass a session that knows your proxy"
        )
    return dict.fromkeys(proxied, proxy)


def _proxy_at(address: str) -> Proxy | None:
    # It may hold a password, which a traceback would show: nothing is raised from here.
    try:
        url = URL(address if "://" in address else f"http://{address}")
    except ValueError:
        return None
    # A slash in a password makes the user look like the host: http://user:12/3@host.
    more = url.path_qs != "/" or url.fragment
    if url.scheme != "http" or not url.host or " " in url.host or more:
        return None
    headers: dict[str, str] = {}
    if url.user is not None or url.password is not None:
        login = f"{url.user or ''}:{url.password or ''}".encode()
        headers["Proxy-Authorization"] = SecretText(f"Basic {b64encode(login).decode()}")
    return Proxy(url.with_user(None).origin(), headers)
