"""Passwords of Scalingo's database users: generated ones, and the rules for given ones."""

from random import Random
from string import ascii_letters, digits

from dbusers.testing.scalingo.problem import invalid
from dbusers.testing.wire import Hidden, JsonObject

MIN_LENGTH, MAX_LENGTH = 24, 64  # characters; API reference, "Database users"

_ALPHABET = ascii_letters + digits + "-_"
_GENERATED_LENGTH = 32  # characters


def new_password(rng: Random) -> Hidden:
    """Generate a password."""
    return Hidden("".join(rng.choices(_ALPHABET, k=_GENERATED_LENGTH)))


def chosen_password(body: JsonObject, rng: Random) -> Hidden:
    """Return the password that the request gives, or a generated one if it gives none or null.

    Raises `Problem` 422 for a password against the rules or without its equal confirmation.
    """
    password, confirmation = body.get("password"), body.get("password_confirmation")
    if password is None and confirmation is None:
        return new_password(rng)
    if not isinstance(password, str):
        raise invalid("password", "must be a string")
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise invalid("password", f"must have {MIN_LENGTH} to {MAX_LENGTH} characters")
    if "'" in password or '"' in password:
        raise invalid("password", "must not contain quotes")
    if confirmation != password:
        raise invalid("password_confirmation", "doesn't match Password")
    return Hidden(password)
