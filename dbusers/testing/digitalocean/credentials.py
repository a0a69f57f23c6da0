"""Secrets as DigitalOcean generates them: of the right shape and size, and good for nothing."""

import base64
from random import Random

from dbusers.testing.wire import Hidden, JsonObject

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_PASSWORD_LENGTH = 19  # characters after the prefix
_CERTIFICATE_SIZE = 1300  # bytes, which make 1.8 KB of PEM
_KEY_SIZE = 1218  # bytes, which make 1.7 KB of PEM
_PEM_LINE = 64  # characters


def new_password(rng: Random) -> Hidden:
    """Generate a password."""
    return Hidden("AVNS_" + "".join(rng.choices(_ALPHABET, k=_PASSWORD_LENGTH)))


def give_credentials(user: JsonObject, engine: str, rng: Random) -> None:
    """Give the user a new password and, for Kafka, a new client certificate and its key."""
    user["password"] = new_password(rng)
    if engine == "kafka":
        user["access_cert"] = _pem("CERTIFICATE", rng.randbytes(_CERTIFICATE_SIZE))
        user["access_key"] = _pem("PRIVATE KEY", rng.randbytes(_KEY_SIZE))


def _pem(label: str, content: bytes) -> Hidden:
    text = base64.b64encode(content).decode()
    lines = [text[start : start + _PEM_LINE] for start in range(0, len(text), _PEM_LINE)]
    return Hidden("\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]))
