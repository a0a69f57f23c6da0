"""Scalingo's chain of tokens: an API token, bearers for the platform, bearers for one database.

The bearers are real JWTs (HS256), so a client can read when they expire; whether one is valid is
looked up, so that they can be revoked.
"""

import base64
import hashlib
import hmac
import secrets
from uuid import uuid4

import orjson

from dbusers.testing.wire import Hidden, JsonObject

LIFETIME = 3_600  # seconds; API reference, "Authentication"
PLATFORM = "platform"


class Bearers:
    """The bearers given out, each for one audience (`PLATFORM` or a database's id)."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._valid: dict[str, tuple[str, int]] = {}
        self.api_token: Hidden = Hidden(f"tk-us-{secrets.token_urlsafe(36)}")

    def issue(self, audience: str, now: float) -> Hidden:
        """Make a new bearer for the audience, good for an hour."""
        issued_at = int(now)
        expires_at = issued_at + LIFETIME
        claims = {
            "iss": "Scalingo Authentication Service",
            "aud": audience,
            "iat": issued_at,
            "exp": expires_at,
            "jti": str(uuid4()),
        }
        bearer = self._sign(claims)
        self._valid[bearer] = (audience, expires_at)
        return bearer

    def audience_of(self, bearer: str, now: float) -> str | None:
        """Whom the bearer is for; None when it is unknown, expired or revoked."""
        audience, expires_at = self._valid.get(bearer, (None, 0))
        return audience if now < expires_at else None

    def revoke_all(self) -> None:
        """Refuse, from now on, every bearer given out so far."""
        self._valid.clear()

    def _sign(self, claims: JsonObject) -> Hidden:
        header = {"alg": "HS256", "typ": "JWT"}
        signed = f"{_url_safe(orjson.dumps(header))}.{_url_safe(orjson.dumps(claims))}"
        signature = hmac.new(self._key, signed.encode(), hashlib.sha256).digest()
        return Hidden(f"{signed}.{_url_safe(signature)}")


def _url_safe(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
