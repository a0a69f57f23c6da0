"""Checks of MongoDB users: a role in the database `admin` is one in every database."""

from typing import Final

from dbusers.audit.checks import remedies
from dbusers.audit.checks.grants import holds
from dbusers.audit.findings import Check, Facts, Said, Severity, check, each_user
from dbusers.audit.records import Engine, GrantKind, UserRecord
from dbusers.audit.rights import ADMIN, READ, WRITE

ROLES: Final = 'DigitalOcean API reference, "Add a Database User"'
DATABASE: Final = GrantKind.DATABASE


def _create(role: str) -> str:
    settings = f'MongoUserSettings(databases=["orders"], role="{role}")'
    return remedies.create(f'"orders-app", settings=UserSettings(mongo_user_settings={settings})')


def _command(role: str) -> str:
    return (
        f"dbusers users create --mongo-database orders --mongo-role {role} {{database}} orders-app"
    )


@check(
    "MG001",
    "dbAdmin on the database admin",
    Severity.CRITICAL,
    engines={Engine.MONGODB},
    rationale="The database admin stands for all: the user can drop any collection of any of them.",
    remedy="Create another user with readWrite on its own databases, and remove this one.",
    source=ROLES,
    call=_create("readWrite"),
    command=_command("readWrite"),
)
@each_user
def db_admin_everywhere(facts: Facts, user: UserRecord) -> Said:
    """Fail `dbAdmin` on the database `admin`."""
    return holds(user, DATABASE, ADMIN)


@check(
    "MG002",
    "readWrite on the database admin",
    Severity.HIGH,
    engines={Engine.MONGODB},
    rationale="The database admin stands for all: the user can change every document of them.",
    remedy="Create another user with readWrite on its own databases, and remove this one.",
    source=ROLES,
    call=_create("readWrite"),
    command=_command("readWrite"),
)
@each_user
def read_write_everywhere(facts: Facts, user: UserRecord) -> Said:
    """Fail `readWrite` on the database `admin`."""
    return holds(user, DATABASE, WRITE)


@check(
    "MG003",
    "readOnly on the database admin",
    Severity.MEDIUM,
    engines={Engine.MONGODB},
    rationale="The database admin stands for all: the user can read every document of them.",
    remedy="Create another user with readOnly on the databases that it reads, and remove this one.",
    source=ROLES,
    call=_create("readOnly"),
    command=_command("readOnly"),
)
@each_user
def read_only_everywhere(facts: Facts, user: UserRecord) -> Said:
    """Fail `readOnly` on the database `admin`."""
    return holds(user, DATABASE, READ, unless=WRITE)


CHECKS: Final[tuple[Check, ...]] = (
    db_admin_everywhere,
    read_write_everywhere,
    read_only_everywhere,
)
