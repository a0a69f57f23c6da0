"""Checks of users whom nothing limits."""

from typing import Final

from dbusers.audit.checks import remedies
from dbusers.audit.findings import PASS, UNKNOWN, Check, Facts, Severity, Verdict, check, each_user
from dbusers.audit.records import Engine, GrantKind, UserRecord

KINDS: Final = (GrantKind.TOPIC, GrantKind.INDEX)


@check(
    "AC001",
    "No access rules",
    Severity.HIGH,
    engines={Engine.KAFKA, Engine.OPENSEARCH},
    rationale="What a user without rules may do is the cluster's default, everything or nothing: "
    "nobody has decided it for this user.",
    remedy="Name the topics or indexes that the user needs, or remove the user.",
    source='DigitalOcean API reference, "Update a Database User"',
    call=remedies.update('acl=[KafkaAcl("orders", "consume")]'),
    command="dbusers users update --acl orders=consume {database} {user}",
)
@each_user
def no_access_rules(facts: Facts, user: UserRecord) -> Verdict:
    """Fail a user whose list of rules is empty; the built-in one needs none."""
    if user.built_in:
        return PASS
    if user.grants is None:
        return UNKNOWN
    rules = [grant for grant in user.grants if grant.kind in KINDS]
    return Verdict.fail_if(not rules)


CHECKS: Final[tuple[Check, ...]] = (no_access_rules,)
