"""How DigitalOcean words an error: `{"id", "message", "request_id"}`."""

from typing import Any

from dbusers.response import ErrorBody


def read_error(document: Any) -> ErrorBody:
    """Return what an error answer says, as far as it has the documented form."""
    if not isinstance(document, dict):
        return ErrorBody()
    texts = {
        name: document[name]
        for name in ("id", "message", "request_id")
        if isinstance(document.get(name), str)
    }
    return ErrorBody(**texts)
