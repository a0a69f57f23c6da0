"""What can be wrong with databases and their users: each check is one pure function.

`CHECKS` are those of this package. A check says `UNKNOWN` where the record lacks what it takes to
know: not known is not "fine"; what is clearly wrong stays wrong, whatever else is unknown.

A check of your own is a function with a decorator, in any package installed beside this one:

    from dbusers.audit import Facts, Severity, UserRecord, Verdict, check, each_user

    @check(
        "ACME001",
        "A user named for a person",
        Severity.LOW,
        rationale="People leave; what they know by heart stays valid.",
        remedy="Give the person a role account.",
        source="Our rules for databases",
    )
    @each_user
    def named_for_a_person(facts: Facts, user: UserRecord) -> Verdict:
        return Verdict.fail_if("." in user.name)

It is found through an entry point, of a check or of several, in that package's `pyproject.toml`:

    [project.entry-points."dbusers.checks"]
    acme = "acme_audit:named_for_a_person"

`engines={Engine.KAFKA}` restricts it to engines; without `each_user` the function gets the whole
database and yields `Judgement`s, or a bare `Verdict` on it. It must not read anything but its
`Facts`, or judging a stored run again would not give the same. One that raises, or says anything
else, ends the audit by a `ConfigurationError` with its id; what was read is kept.
"""

from collections import Counter
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from dbusers.audit.checks import (
    access,
    drift,
    kafka,
    mongodb,
    mysql,
    opensearch,
    policy,
    postgresql,
    secrets,
    users,
    versions,
)
from dbusers.audit.findings import Check
from dbusers.errors import ConfigurationError

ENTRY_POINTS: Final = "dbusers.checks"

CHECKS: Final[tuple[Check, ...]] = (
    *postgresql.CHECKS,
    *mysql.CHECKS,
    *kafka.CHECKS,
    *opensearch.CHECKS,
    *mongodb.CHECKS,
    *access.CHECKS,
    *users.CHECKS,
    *policy.CHECKS,
    *drift.CHECKS,
    *secrets.CHECKS,
    *versions.CHECKS,
)


def checks() -> tuple[Check, ...]:
    """Return `CHECKS`, and those that installed packages add.

    Raises `ConfigurationError` for one that cannot be loaded, is no check, or has another's id.
    """
    installed = sorted(
        entry_points(group=ENTRY_POINTS), key=lambda entry: (entry.name, entry.value)
    )
    found = [*CHECKS, *(check for entry in installed for check in _load(entry))]
    twice = [id_ for id_, times in Counter(check.id for check in found).items() if times > 1]
    if twice:
        named = ", ".join(f"{entry.name} ({entry.value})" for entry in installed)
        raise ConfigurationError(
            f"several checks have the id {', '.join(twice)}; added checks come from {named}"
        )
    return tuple(found)


def _load(entry: EntryPoint) -> tuple[Check, ...]:
    where = f"the check {entry.name!r} of the entry point {entry.value!r}"
    try:
        loaded = entry.load()
    except Exception as error:  # importing another's module may raise anything
        raise ConfigurationError(
            f"{where} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if isinstance(loaded, Check):
        return (loaded,)
    found = tuple(loaded) if isinstance(loaded, Iterable) else ()
    if not found or not all(isinstance(one, Check) for one in found):
        raise ConfigurationError(f"{where} is neither a Check nor several of them")
    return found
