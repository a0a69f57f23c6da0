"""One user's whole life at each provider, on the sandbox; it can be lived again and again."""

from itertools import count
from typing import Any, Final, Protocol

from dbusers import DigitalOceanClient, ScalingoClient
from dbusers.digitalocean import UserCreate, UserSettings, UserUpdate
from dbusers.scalingo import UserCreate as ScalingoUserCreate
from dbusers.scalingo import UserUpdate as ScalingoUserUpdate
from dbusers.testing import Sandbox

PASSWORD: Final = "correct-horse-battery-staple"


class Calls(Protocol):
    """What both providers' calls have in common."""

    def opened(self, **keywords: Any) -> Any: ...

    async def life(self, client: Any) -> None: ...

    async def look(self, client: Any) -> None: ...


class DigitalOceanCalls:
    """One user's life, and a look at a list, at a cluster of the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._names = count()
        self._id = next(c["id"] for c in sandbox.fleet.digitalocean if c["engine"] == "pg")

    def opened(self, **keywords: Any) -> DigitalOceanClient:
        return self._sandbox.digitalocean(**keywords)

    async def life(self, client: DigitalOceanClient) -> None:
        name = f"app-{next(self._names)}"  # an earlier one may be there still: its life was cut off
        database = client.databases.by_id(self._id)
        await client.databases.get()
        await database.get()
        await database.users.post(UserCreate(name))
        app = database.users.by_username(name)
        await app.get()
        await app.put(UserUpdate(settings=UserSettings(pg_allow_replication=True)))
        await app.reset_auth.post()
        await app.delete()

    async def look(self, client: DigitalOceanClient) -> None:
        await client.databases.by_id(self._id).users.get()


class ScalingoCalls:
    """One user's life, and a look at a list, at a database of the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._names = count()
        databases = sandbox.fleet.scalingo.databases
        self._id = next(d["id"] for d in databases if d["type_name"] == "postgresql")

    def opened(self, **keywords: Any) -> ScalingoClient:
        return self._sandbox.scalingo(**keywords)

    async def life(self, client: ScalingoClient) -> None:
        name = f"app-{next(self._names)}"
        found = await client.databases.get()
        app = next(each.app for each in found if each.id == self._id)
        await client.apps.by_name(app).addons.get()
        database = client.databases.by_id(self._id)
        await database.get()
        await database.users.post(ScalingoUserCreate(name))
        user = database.users.by_username(name)
        await user.get()
        await user.patch(ScalingoUserUpdate(password=PASSWORD))
        await user.reset_password.post()
        await user.delete()

    async def look(self, client: ScalingoClient) -> None:
        await client.databases.by_id(self._id).users.get()  # which looks for the app first
