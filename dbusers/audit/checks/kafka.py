"""Checks of Kafka users: what their rules allow, and how long their certificates last."""

from datetime import timedelta
from typing import Final

from dbusers.audit.checks import remedies
from dbusers.audit.checks.grants import described, holds
from dbusers.audit.findings import (
    FAIL,
    PASS,
    UNKNOWN,
    Check,
    Facts,
    Judgement,
    Said,
    Severity,
    check,
    each_user,
)
from dbusers.audit.records import Engine, GrantKind, UserRecord
from dbusers.audit.rights import ADMIN, READ, WRITE, covers, rights_of

SOON: Final = timedelta(days=30)
TOPIC: Final = GrantKind.TOPIC
RULES: Final = 'DigitalOcean API reference, "Update a Database User"'
NAME_TOPICS: Final = remedies.update('acl=[KafkaAcl("orders", "consume")]')
NAME_TOPICS_COMMAND: Final = "dbusers users update --acl orders=consume {database} {user}"


@check(
    "KA001",
    "Admin on all topics",
    Severity.CRITICAL,
    engines={Engine.KAFKA},
    rationale="The user can read, change and delete every topic.",
    remedy="Name the topics that the user needs, with consume or produce.",
    source=RULES,
    call=NAME_TOPICS,
    command=NAME_TOPICS_COMMAND,
)
@each_user
def admin_on_all_topics(facts: Facts, user: UserRecord) -> Said:
    """Fail `admin` on a pattern that matches every topic."""
    return holds(user, TOPIC, ADMIN)


@check(
    "KA002",
    "Write on all topics",
    Severity.HIGH,
    engines={Engine.KAFKA},
    rationale="The user can put false messages into every topic, those to come included.",
    remedy="Name the topics that the user writes to, with produce.",
    source=RULES,
    call=remedies.update('acl=[KafkaAcl("orders", "produce")]'),
    command="dbusers users update --acl orders=produce {database} {user}",
)
@each_user
def write_on_all_topics(facts: Facts, user: UserRecord) -> Said:
    """Fail `produce` and `produceconsume` on a pattern that matches every topic."""
    return holds(user, TOPIC, WRITE, unless=ADMIN)


@check(
    "KA003",
    "Read on all topics",
    Severity.MEDIUM,
    engines={Engine.KAFKA},
    rationale="The user can read every message of every topic, those to come included.",
    remedy="Name the topics that the user reads, with consume.",
    source=RULES,
    call=NAME_TOPICS,
    command=NAME_TOPICS_COMMAND,
)
@each_user
def read_on_all_topics(facts: Facts, user: UserRecord) -> Said:
    """Fail `consume` and `produceconsume` on a pattern that matches every topic."""
    return holds(user, TOPIC, READ, unless=ADMIN)


@check(
    "KA004",
    "Admin on a topic",
    Severity.MEDIUM,
    engines={Engine.KAFKA},
    rationale="The user can delete the topic and change how long it keeps messages; what produces "
    "and consumes needs neither.",
    remedy="Give the user consume, produce or produceconsume on the topic instead.",
    source=RULES,
    call=remedies.update('acl=[KafkaAcl("orders", "produceconsume")]'),
    command="dbusers users update --acl orders=produceconsume {database} {user}",
)
@each_user
def admin_on_a_topic(facts: Facts, user: UserRecord) -> Said:
    """Fail `admin` on a pattern that does not match every topic."""
    return holds(user, TOPIC, ADMIN, for_all=False)


@check(
    "KA005",
    "Redundant rule",
    Severity.LOW,
    engines={Engine.KAFKA},
    rationale="Who takes the rule away believes that the right is gone, and another rule keeps it.",
    remedy="Keep the rule that is meant, and remove the other.",
    source=RULES,
    call=NAME_TOPICS,
    command=NAME_TOPICS_COMMAND,
)
@each_user
def redundant_rule(facts: Facts, user: UserRecord) -> Said:
    """Fail a rule that allows nothing which another rule of the user does not allow."""
    if user.built_in:
        return PASS
    if user.grants is None:
        return UNKNOWN
    rules = [grant for grant in user.grants if grant.kind is TOPIC]
    if len(rules) < 2:
        return PASS
    for number, rule in enumerate(rules):
        for other in rules[:number] + rules[number + 1 :]:
            if covers(other, rule):
                detail = f"{described(rule)} is covered by {described(other)}"
                return Judgement(FAIL, detail=detail)
    unclear = any(rule.pattern is None or rights_of(rule) is None for rule in rules)
    return UNKNOWN if unclear else PASS


@check(
    "KA006",
    "Client certificate expired or about to",
    Severity.HIGH,
    engines={Engine.KAFKA},
    rationale="What logs in with the certificate stops working on that day; where it does not, the "
    "server accepts what it should refuse.",
    remedy="Reset the user and give its application the new certificate, or remove the user.",
    source='Apache Kafka documentation, "Encryption and Authentication using SSL"',
    call=f"await {remedies.USER}.reset_auth.post()",
    command="dbusers users reset {database} {user}",
)
@each_user
def certificate_expires(facts: Facts, user: UserRecord) -> Said:
    """Fail a certificate that expired, and, less severely, one with under 30 days left."""
    expires = user.certificate_expires
    if expires is None:
        return UNKNOWN
    if expires <= facts.now:
        return Judgement(FAIL, detail=f"expired on {expires:%Y-%m-%d}")
    if expires - facts.now < SOON:
        detail = f"expires on {expires:%Y-%m-%d}"
        return Judgement(FAIL, detail=detail, severity=Severity.MEDIUM)
    return PASS


CHECKS: Final[tuple[Check, ...]] = (
    admin_on_all_topics,
    write_on_all_topics,
    read_on_all_topics,
    admin_on_a_topic,
    redundant_rule,
    certificate_expires,
)
