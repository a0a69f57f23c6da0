"""When a Kafka user's certificate expires: read by `cryptography`, which is optional."""

from datetime import datetime
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from dbusers.secret import Secret


def expiry(certificate: Secret) -> datetime | None:
    """Return when a PEM certificate expires, in UTC.

    None if it cannot be read, or if `cryptography` is not installed: the extra `certificates`.
    """
    x509 = _x509()
    if x509 is None:
        return None
    try:
        read = x509.load_pem_x509_certificate(certificate.reveal().encode())
        expires: datetime = read.not_valid_after_utc
    except (ValueError, x509.InvalidVersion):
        return None
    return expires


@cache
def _x509() -> Any:
    # Loaded on use: it takes longer to import than the whole package.
    return import_module("cryptography.x509") if find_spec("cryptography") else None
