"""What was read and what was not, in words: every report begins with this."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import attrs

from dbusers.audit.records import DatabaseRecord
from dbusers.audit.report.model import NotReadDatabase, Report
from dbusers.audit.report.text import visible

NOT_REACHED: Final = "NotReached"


@attrs.frozen
class Missing:
    """Something of which nothing is known: a database, or databases of an account."""

    account: str
    provider: str
    error: str
    error_type: str
    database: DatabaseRecord | None = None
    retryable: bool = False

    @property
    def sentence(self) -> str:
        """Return what is missing and why, in one line."""
        if self.database is None:
            return f"all or part of account {visible(self.account)}: {visible(self.error)}"
        name, id_ = visible(self.database.name), visible(self.database.id)
        return f"database {name} ({id_}) of {visible(self.account)}: {visible(self.error)}"


def missing(report: Report) -> Iterator[Missing]:
    """Yield all that was not read: whole accounts first, then each database."""
    named = Counter(_account(one) for one in report.not_read if one.error_type == NOT_REACHED)
    for each in report.accounts:
        unnamed = each.not_reached - named[each.account, each.provider]
        if each.error is not None:
            yield Missing(each.account, each.provider, each.error, "NotListed")
        elif unnamed > 0:
            error = f"{_databases(unnamed)} not reached: the run ended before"
            yield Missing(each.account, each.provider, error, NOT_REACHED)
    for one in report.not_read:
        database = one.database
        yield Missing(
            database.account,
            database.provider,
            one.error,
            one.error_type,
            database,
            one.retryable,
        )


def headline(report: Report) -> str:
    """Return in one line whether the report can be trusted to be about everything."""
    total = report.total
    part = "" if report.shard is None else f"shard {report.shard} with "
    of_all = f"{part}{_databases(total.databases)} of {_accounts(len(report.accounts))}"
    read = f"{total.read:,} read, {total.skipped:,} without users to read"
    if report.complete:
        return f"Complete: {of_all}; {read}"
    gaps = [*_gaps(report)] or ["a run that did not finish"]
    return f"INCOMPLETE: {', '.join(gaps)}; nothing is known of them. {of_all}; {read}"


def findings_in_words(report: Report) -> str:
    """Return how many findings there are of each severity and kind, in one line."""
    tally = report.tally
    parts = [f"{count:,} {severity.name.lower()}" for severity, count in tally.failed.items()]
    parts.append(f"{tally.unknown:,} unknown")
    if tally.errors:
        parts.append(f"{tally.errors:,} not judged")
    if tally.suppressed:
        parts.append(f"{tally.suppressed:,} accepted by the policy")
    return ", ".join(parts)


def _gaps(report: Report) -> Iterator[str]:
    not_listed = sum(each.error is not None for each in report.accounts)
    if not_listed:
        yield f"{_accounts(not_listed)} not listed"
    tried = sum(one.error_type != NOT_REACHED for one in report.not_read)
    failed = max(report.total.failed, tried)
    if failed:
        yield f"{_databases(failed)} not read"
    not_reached = sum(each.not_reached for each in report.accounts)
    if not_reached:
        yield f"{_databases(not_reached)} not reached"
    if report.tally.errors:
        yield f"{report.tally.errors:,} checks of databases not judged"
    if report.interrupted:
        yield "a run that was interrupted"


def _account(one: NotReadDatabase) -> tuple[str, str]:
    return one.database.account, one.database.provider


def _databases(count: int) -> str:
    return f"{count:,} database" if count == 1 else f"{count:,} databases"


def _accounts(count: int) -> str:
    return f"{count:,} account" if count == 1 else f"{count:,} accounts"
