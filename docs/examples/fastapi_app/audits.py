"""The audit of all databases, as a stream of server-sent events.

One event for each outcome, as soon as it is there, and `summary` as the last: a stream that ends
without it was cut off. FastAPI sends a comment every 15 seconds in which nothing else comes, so
that proxies keep the connection. A reader who leaves ends the audit.
"""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.sse import EventSourceResponse, ServerSentEvent

from dbusers.audit import (
    Facts,
    Finding,
    Inventory,
    Listed,
    NotListed,
    NotRead,
    Outcome,
    Read,
    Skipped,
    Verdict,
    judge,
    read_all,
)
from dbusers.digitalocean.inventory import DigitalOceanInventory
from dbusers.fastapi import DigitalOcean, Scalingo, without_deadline
from dbusers.scalingo.inventory import ScalingoInventory

router = APIRouter()


async def all_outcomes(
    digitalocean: DigitalOcean, scalingo: Scalingo
) -> AsyncIterator[AsyncGenerator[Outcome, None]]:
    """Read both accounts, and stop when the request is over, however it ends."""
    accounts: list[Inventory] = [DigitalOceanInventory(digitalocean), ScalingoInventory(scalingo)]
    async with aclosing(read_all(accounts)) as outcomes:
        yield outcomes


Outcomes = Annotated[AsyncGenerator[Outcome, None], Depends(all_outcomes)]


@router.get("/audit", response_class=EventSourceResponse, dependencies=[Depends(without_deadline)])
async def audit(outcomes: Outcomes) -> AsyncIterator[ServerSentEvent]:
    """Yield how reading each database came out, and what is wrong there."""
    totals = Counter[str]()
    now = datetime.now(UTC)
    async for outcome in outcomes:
        event, data = _told(outcome, now)
        totals[event] += 1
        for key in ("databases", "users"):
            totals[key] += data.get(key, 0)
        totals.update(finding["severity"] for finding in data.get("findings", ()))
        yield ServerSentEvent(event=event, data=data)
    complete = not totals["not-read"] and not totals["not-listed"]
    yield ServerSentEvent(event="summary", data={"complete": complete, **totals})


def _told(outcome: Outcome, now: datetime) -> tuple[str, dict[str, Any]]:
    """Return the name of an outcome's event, and its data."""
    match outcome:
        case Listed():
            return "listed", {"provider": outcome.provider, "databases": len(outcome.databases)}
        case NotListed():
            return "not-listed", {"provider": outcome.provider, "error": _reason(outcome)}
        case NotRead():
            return "not-read", {**_place(outcome), "error": _reason(outcome)}
        case Skipped():
            return "skipped", {**_place(outcome), "reason": outcome.reason}
        case Read():
            found = judge(Facts.of(outcome, now=now))
            failed = [_finding(each) for each in found if each.verdict is Verdict.FAIL]
            return "read", {**_place(outcome), "users": len(outcome.users), "findings": failed}


def _place(outcome: Read | NotRead | Skipped) -> dict[str, Any]:
    return {"provider": outcome.database.provider, "database": outcome.database.name}


def _reason(outcome: NotListed | NotRead) -> str:
    # Its kind, and not its text: that is the provider's, and for the log.
    return type(outcome.error).__name__


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check.id,
        "title": finding.check.title,
        "severity": finding.severity.name.lower(),
        "user": finding.user,
    }
