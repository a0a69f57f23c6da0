"""What goes over the wire between the page and the backend."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints


class ProviderName(StrEnum):
    """Whose database it is."""

    DIGITALOCEAN = "digitalocean"
    SCALINGO = "scalingo"


class Database(BaseModel):
    """A database. `app` is Scalingo's, and part of the address of its users."""

    id: str
    name: str
    engine: str | None
    app: str | None = None
    has_users: bool


class User(BaseModel):
    """A user, without a secret; the built-in one cannot be removed."""

    name: str
    built_in: bool


class NewUser(BaseModel):
    """The user to create; which names are good is the provider's to say."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=63)]


class Credentials(BaseModel):
    """A user whose password was just made; None if the backend's token may not see it."""

    name: str
    password: str | None = Field(repr=False)
