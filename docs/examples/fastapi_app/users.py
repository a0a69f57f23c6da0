"""The API for users: list, create, rotate, remove."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, HTTPException, Request, Response

from .models import Credentials, Database, NewUser, User
from .providers import AtProvider

READING = frozenset({"GET", "HEAD"})


async def no_store(response: Response) -> None:
    """Keep answers out of every cache: some hold a password."""
    response.headers["Cache-Control"] = "no-store"


async def same_origin(
    request: Request, sec_fetch_site: Annotated[str, Header(include_in_schema=False)] = "none"
) -> None:
    """Refuse what another site's page has its reader's browser send; other clients do not say."""
    if request.method not in READING and sec_fetch_site not in {"same-origin", "none"}:
        raise HTTPException(403, "only this service's own page may change anything from a browser")


router = APIRouter(prefix="/{provider}/databases", dependencies=[Depends(no_store)])


@router.get("")
async def databases(at: AtProvider) -> list[Database]:
    """Return the provider's databases."""
    return await at.databases()


@router.get("/{database}/users")
async def users(database: str, at: AtProvider) -> list[User]:
    """Return the users of a database."""
    return await at.users(database)


@router.post("/{database}/users", status_code=201)
async def create(database: str, user: NewUser, at: AtProvider) -> Credentials:
    """Create a user. Its password is in this answer and in no other."""
    return await at.create(database, user.name)


@router.post("/{database}/users/{name}/rotate")
async def rotate(database: str, name: str, at: AtProvider) -> Credentials:
    """Give a user a new password, which is in this answer and in no other."""
    return await at.rotate(database, name)


@router.delete("/{database}/users/{name}", status_code=204)
async def delete(database: str, name: str, at: AtProvider) -> None:
    """Remove a user."""
    await at.delete(database, name)
