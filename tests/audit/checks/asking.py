"""Asks one check about a database: what the tests of checks have in common."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dbusers import codec
from dbusers.audit import CHECKS, DatabaseRecord, Engine, Facts, Finding, UserRecord, judge
from dbusers.audit.findings import DatabasePolicy
from dbusers.digitalocean import DatabaseUser as DigitalOceanUser
from dbusers.digitalocean.inventory import user_record as digitalocean_record
from dbusers.scalingo import DatabaseUser as ScalingoUser
from dbusers.scalingo.inventory import user_record as scalingo_record

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
CHECK = {one.id: one for one in CHECKS}


def of_digitalocean(wire: Mapping[str, Any]) -> UserRecord:
    """Return what the audit knows of a user whom DigitalOcean answers so."""
    return digitalocean_record(codec.structure({"name": "app", **wire}, DigitalOceanUser))


def of_scalingo(wire: Mapping[str, Any]) -> UserRecord:
    """Return what the audit knows of a user whom Scalingo answers so."""
    return scalingo_record(codec.structure({"name": "app", **wire}, ScalingoUser))


def findings(
    check_id: str,
    engine: Engine,
    *users: UserRecord,
    policy: DatabasePolicy | None = None,
    before: tuple[UserRecord, ...] | None = None,
    partial: bool = False,
    **database: Any,
) -> list[Finding]:
    """Return what one check says of a database."""
    record = DatabaseRecord("A", "1", "one", engine=engine, **database)
    facts = Facts(
        record, users, NOW, policy=policy or DatabasePolicy(), before=before, partial=partial
    )
    return list(judge(facts, [CHECK[check_id]]))


def verdicts(check_id: str, engine: Engine, *users: UserRecord, **facts: Any) -> str:
    """Return what one check says, as `name: verdict` for each user, `-` for the database."""
    found = findings(check_id, engine, *users, **facts)
    return ", ".join(f"{one.user or '-'}: {one.verdict}" for one in found)
