"""Test code that uses the providers' APIs, without a network, an account or a mock.

`Sandbox` serves both APIs on a local port; `plugin` has the fixtures that pytest finds by itself.
Layout: `sandbox` is what users hold; `server` is its socket, `thread` serves where there is no
event loop, `lending` closes the clients that it made there; `routes`, `limits`, `faults` and `wire`
are what both APIs are built from; `fleet` shares out databases and users; `digitalocean/` and
`scalingo/` hold what is the provider's own.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbusers.testing.clock import ManualClock
    from dbusers.testing.faults import Fault
    from dbusers.testing.sandbox import Sandbox
    from dbusers.testing.wire import RecordedRequest

__all__ = ["Fault", "ManualClock", "RecordedRequest", "Sandbox"]

# pytest loads the plug-in, and with it this package, in every test run of every project that has
# the SDK installed; it is the first fixture that pays for the server.
_HOMES = {
    "Fault": "dbusers.testing.faults",
    "ManualClock": "dbusers.testing.clock",
    "RecordedRequest": "dbusers.testing.wire",
    "Sandbox": "dbusers.testing.sandbox",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
