"""Reads every user of every database of whole accounts, and judges them.

`records` says what an audit knows of databases and users, in words that fit every provider and
without a secret; `inventory` what it needs of a provider; `runner` reads whole accounts; `checks`
say what is wrong, and `judging` makes findings of that. Nothing here knows a provider:
`dbusers.digitalocean.inventory` and `dbusers.scalingo.inventory` bring them here.

    async with DigitalOceanClient() as client:
        async with aclosing(read_all([DigitalOceanInventory(client)])) as outcomes:
            async for outcome in outcomes:
                match outcome:
                    case Read():
                        findings = judge(Facts.of(outcome, now=datetime.now(UTC)))
                        failed = [f for f in findings if f.verdict is Verdict.FAIL]
                    case NotRead(database, error):
                        ...  # not read is not "fine"
"""

from dbusers.audit.checks import CHECKS
from dbusers.audit.findings import (
    Check,
    Facts,
    Finding,
    Judgement,
    Severity,
    Verdict,
    check,
    each_user,
)
from dbusers.audit.inventory import Inventory
from dbusers.audit.judging import judge
from dbusers.audit.records import (
    DatabaseRecord,
    Engine,
    Grant,
    GrantKind,
    Listed,
    NotListed,
    NotRead,
    Outcome,
    Read,
    Skipped,
    UserRecord,
)
from dbusers.audit.runner import read_all

__all__ = [
    "CHECKS",
    "Check",
    "DatabaseRecord",
    "Engine",
    "Facts",
    "Finding",
    "Grant",
    "GrantKind",
    "Inventory",
    "Judgement",
    "Listed",
    "NotListed",
    "NotRead",
    "Outcome",
    "Read",
    "Severity",
    "Skipped",
    "UserRecord",
    "Verdict",
    "check",
    "each_user",
    "judge",
    "read_all",
]
