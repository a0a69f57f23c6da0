"""One user's life, call by call: what is shown is the source of what runs."""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from textwrap import dedent
from typing import Any, Final, TypeVar

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from dbusers.cli.demo.code import print_code
from dbusers.cli.output import printable
from dbusers.digitalocean.client import DigitalOceanClient
from dbusers.digitalocean.databases import UserRequestBuilder, UsersRequestBuilder
from dbusers.digitalocean.models import (
    DatabaseCluster,
    DatabaseUser,
    Engine,
    KafkaAcl,
    UserCreate,
    UserSettings,
    UserUpdate,
)
from dbusers.errors import NotFound
from dbusers.testing import RecordedRequest

T = TypeVar("T")

INDENT: Final = (0, 0, 0, 2)

# Each of the next functions is one step, of which the body is printed, then run: keep their lines
# within 76 columns.


async def list_clusters(client: DigitalOceanClient) -> list[DatabaseCluster]:
    """Find the databases."""
    return await client.databases.get()


async def create(users: UsersRequestBuilder) -> DatabaseUser:
    """Create a user."""
    acl = [KafkaAcl(topic="orders", permission="consume")]
    return await users.post(UserCreate("demo-app", settings=UserSettings(acl=acl)))


async def read(app: UserRequestBuilder) -> DatabaseUser:
    """Read it."""
    return await app.get()


async def update(app: UserRequestBuilder) -> DatabaseUser:
    """Update it: PUT replaces all settings, so what is there is read first, and kept."""
    user = await app.get()
    acl = [KafkaAcl(topic="orders", permission="produceconsume")]
    return await app.put(UserUpdate.keeping(user, acl=acl))


async def rotate(app: UserRequestBuilder) -> DatabaseUser:
    """Rotate its password: never repeated by itself, whatever happens to the answer."""
    return await app.reset_auth.post()


async def delete(app: UserRequestBuilder) -> None:
    """Delete it."""
    return await app.delete()


async def read_again(app: UserRequestBuilder) -> DatabaseUser:
    """Read it once more: what is not there is an error with a name, not a dict."""
    return await app.get()


class Walk:
    """Shows each step: what it is, its code, and what came of it."""

    def __init__(self, console: Console, requests: Sequence[RecordedRequest]) -> None:
        self._console = console
        self._requests = requests

    async def step(
        self,
        function: Callable[[Any], Awaitable[T]],
        builder: object,
        tell: Callable[[T], str],
        *,
        before: str = "",
    ) -> T:
        """Print the step, run it, print its requests and what `tell` says of the result."""
        self._console.print()
        self._console.print(Text(inspect.getdoc(function) or "", style="dim"))
        print_code(self._console, before + source(function))
        sent = len(self._requests)
        try:
            result = await function(builder)
        except NotFound as error:
            self._print_outcome(sent, f"NotFound: {printable(error.message)}")
            raise
        self._print_outcome(sent, tell(result))
        return result

    def _print_outcome(self, sent: int, told: str) -> None:
        answers = ", ".join(f"{r.method} {r.status}" for r in self._requests[sent:])
        outcome = Text.assemble((f"→ {answers}", "green"), "  ", told)
        self._console.print(Padding(outcome, INDENT, expand=False))


def source(function: Callable[..., object]) -> str:
    """Return the body of a step as one would write it: without the docstring and the `return`."""
    lines = inspect.getsource(function).splitlines()
    body = dedent("\n".join(lines[2:]))
    return body.replace("return await", "await")


async def walk_one_user(
    console: Console, client: DigitalOceanClient, requests: Sequence[RecordedRequest]
) -> None:
    """Lead a user of a Kafka cluster from create to delete; leaves nothing behind."""
    steps = Walk(console, requests)
    clusters = await steps.step(list_clusters, client, lambda found: f"{len(found)} clusters")
    cluster = next(c for c in clusters if Engine.of(c.engine) is Engine.KAFKA)
    users = client.databases.by_id(cluster.id).users
    app = users.by_username("demo-app")

    created = await steps.step(
        create,
        users,
        lambda user: f"{_rules(user)}, password={user.password}",
        before=f"users = client.databases.by_id(cluster.id).users  # {printable(cluster.name)}\n",
    )
    await steps.step(read, app, _rules, before='app = users.by_username("demo-app")\n')
    await steps.step(update, app, _rules)
    await steps.step(
        rotate,
        app,
        lambda user: "another password than before" if user.password != created.password else "",
    )
    await steps.step(delete, app, lambda _: "")
    try:
        await steps.step(read_again, app, _rules)
    except NotFound:
        return
    raise AssertionError("the sandbox still has the user that was deleted")


def _rules(user: DatabaseUser) -> str:
    acl = (user.settings.acl or ()) if user.settings else ()
    rules = ", ".join(f"{entry.topic}={entry.permission}" for entry in acl)
    return f"{user.name}: {rules}"
