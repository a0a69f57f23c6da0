"""The calls by which a finding is put right, as code."""

from typing import Final

DATABASE: Final = "client.databases.by_id({database})"
USER: Final = DATABASE + ".users.by_username({user})"
RESET_PASSWORD: Final = f"await {USER}.reset_password.post()"
DELETE: Final = f"await {USER}.delete()"
LIST: Final = f"await {DATABASE}.users.get()"


def create(arguments: str) -> str:
    """Return the call that creates a user."""
    return f"await {DATABASE}.users.post(UserCreate({arguments}))"


def update(change: str) -> str:
    """Return the calls that change one setting of a user and keep the others."""
    return f"app = {USER}; await app.put(UserUpdate.keeping(await app.get(), {change}))"
