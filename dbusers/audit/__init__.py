"""Reads every user of every database of whole accounts, and judges them.

`records` says what an audit knows of databases and users, in words that fit every provider and
without a secret; `inventory` what it needs of a provider; `runner` reads whole accounts; `checks`
says what is wrong. Nothing here knows a provider: `dbusers.digitalocean.inventory` and
`dbusers.scalingo.inventory` bring them here.

    async with DigitalOceanClient() as client:
        async with aclosing(read_all([DigitalOceanInventory(client)])) as outcomes:
            async for outcome in outcomes:
                match outcome:
                    case Read():
                        failed = [f for f in judge(outcome) if f.verdict is Verdict.FAIL]
                    case NotRead(database, error):
                        ...  # not read is not "fine"
"""

from dbusers.audit.checks import CHECKS, Check, Finding, Severity, Verdict, check, judge
from dbusers.audit.inventory import Inventory
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
    "Finding",
    "Grant",
    "GrantKind",
    "Inventory",
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
    "judge",
    "read_all",
]
