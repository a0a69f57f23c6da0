"""Checks of OpenSearch users."""

from typing import Final

from dbusers.audit.checks import remedies
from dbusers.audit.checks.grants import holds
from dbusers.audit.findings import Check, Facts, Said, Severity, check, each_user
from dbusers.audit.records import Engine, GrantKind, UserRecord
from dbusers.audit.rights import ADMIN, WRITE

INDEX: Final = GrantKind.INDEX
RULES: Final = 'DigitalOcean API reference, "Update a Database User"'


@check(
    "OS001",
    "Admin on all indexes",
    Severity.CRITICAL,
    engines={Engine.OPENSEARCH},
    rationale="The user can read, change and delete every index.",
    remedy="Name the indexes that the user needs, with read or write.",
    source=RULES,
    call=remedies.update('opensearch_acl=[OpenSearchAcl("logs-*", "read")]'),
    command="dbusers users update --index 'logs-*=read' {database} {user}",
)
@each_user
def admin_on_all_indexes(facts: Facts, user: UserRecord) -> Said:
    """Fail `admin` on a pattern that matches every index."""
    return holds(user, INDEX, ADMIN)


@check(
    "OS002",
    "Write on all indexes",
    Severity.HIGH,
    engines={Engine.OPENSEARCH},
    rationale="The user can change and delete the documents of every index, those to come "
    "included, and so the logs that would show it.",
    remedy="Name the indexes that the user writes to, with write or readwrite.",
    source=RULES,
    call=remedies.update('opensearch_acl=[OpenSearchAcl("logs-*", "write")]'),
    command="dbusers users update --index 'logs-*=write' {database} {user}",
)
@each_user
def write_on_all_indexes(facts: Facts, user: UserRecord) -> Said:
    """Fail `write` and `readwrite` on a pattern that matches every index."""
    return holds(user, INDEX, WRITE, unless=ADMIN)


CHECKS: Final[tuple[Check, ...]] = (admin_on_all_indexes, write_on_all_indexes)
