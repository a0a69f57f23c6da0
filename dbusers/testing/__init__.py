"""Test code that uses the providers' APIs, without a network, an account or a mock.

`Sandbox` serves both APIs on a local port. Layout: `sandbox` is what users hold; `server` is its
socket; `routes`, `limits`, `faults` and `wire` are what both APIs are built from; `fleet` shares
out databases and users; `digitalocean/` and `scalingo/` hold what is the provider's own.
"""

from dbusers.testing.clock import ManualClock
from dbusers.testing.faults import Fault
from dbusers.testing.sandbox import Sandbox
from dbusers.testing.wire import RecordedRequest

__all__ = ["Fault", "ManualClock", "RecordedRequest", "Sandbox"]
