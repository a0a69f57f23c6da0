"""The requests and the time of each account: the plan, and beside it the truth."""

from collections.abc import Iterator
from typing import Final

from dbusers.audit.report.model import AccountCoverage, Report
from dbusers.audit.report.text import duration

HEADINGS: Final = ("Account", "Planned", "Sent", "At least", "Took")
ABOUT: Final = (
    "Requests as planned and as sent, repeated ones included; the least time that the token's rate "
    "limit allows for the plan in one go, and the time that it took, without the pauses of a run "
    "that was resumed."
)


def paced(report: Report) -> Iterator[AccountCoverage]:
    """Yield the accounts, and all together, if it is known of any what it took or should take."""
    if any(each.planned is not None or each.requests is not None for each in report.accounts):
        yield from report.accounts
        if len(report.accounts) > 1:
            yield report.total


def cells(each: AccountCoverage) -> tuple[str, str, str, str]:
    """Return what stands beside an account; nothing for what is not known."""
    return (
        "" if each.planned is None else f"{each.planned:,}",
        "" if each.requests is None else f"{each.requests:,}",
        "" if each.floor is None else duration(each.floor),
        "" if each.requests is None else duration(each.seconds),
    )
