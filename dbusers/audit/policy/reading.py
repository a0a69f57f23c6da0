"""From TOML to what it says; every problem is noted with its line."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from types import MappingProxyType
from typing import TypeVar

from dbusers.audit.findings import (
    NO_POLICY,
    AllowedUser,
    Anchor,
    DatabasePolicy,
    Severity,
    Suppression,
)
from dbusers.audit.patterns import is_wild, matches, why_invalid
from dbusers.audit.policy.contents import CLASSES, FIELDS, REQUIRED, Contents, Entry, Selector
from dbusers.audit.toml.document import Document, Table, instead, shown

_T = TypeVar("_T")

LIMITS = ("max_writers", "may_replicate", "users")
LEVELS = {severity.name.lower(): severity for severity in Severity}
KNOWN_IDS = "`dbusers audit checks` lists them"


def read_contents(
    document: Document, judged: Iterable[str], of_the_policy: Iterable[str]
) -> Contents:
    """Return what a document says.

    `judged` are the ids of checks on databases, which can be suppressed, and `of_the_policy` of
    those on the policy itself, which cannot: mending it is as easy. Problems are left in the
    document; where there are any, what is returned is not to be used.
    """
    top = document.table
    top.only("defaults", "databases", "severities", "suppressions")
    suppressible = frozenset(judged)
    ids = suppressible | frozenset(of_the_policy)
    severities = _severities(top.table("severities"), ids)
    table = top.table("defaults")
    table.only(*LIMITS)
    anchor = table.anchor() if "defaults" in top else Anchor(document.file, 1)
    defaults = _limits(table, NO_POLICY, anchor, severities)
    return Contents(
        document.file,
        defaults,
        tuple(_entry(each, defaults, ids) for each in top.tables("databases")),
        tuple(_suppression(each, suppressible) for each in top.tables("suppressions")),
    )


def _entry(table: Table, defaults: DatabasePolicy, ids: frozenset[str]) -> Entry:
    table.only(*FIELDS, *LIMITS, "severities")
    patterns = {field: _patterns(table, field) for field in FIELDS if field in table}
    severities = defaults.severities
    if "severities" in table:
        own = _severities(table.table("severities"), ids)
        severities = MappingProxyType({**severities, **own})
    policy = _limits(table, defaults, table.anchor(), severities)
    return Entry(Selector(patterns), policy)


def _limits(
    table: Table, base: DatabasePolicy, anchor: Anchor, severities: Mapping[str, Severity]
) -> DatabasePolicy:
    """Return what `table` says, where it says nothing what `base` does."""
    max_writers = table.whole("max_writers")
    allowed = base.allowed
    if "users" in table:
        allowed = _in_order(chain(base.allowed or (), _users(table.table("users"))))
    may_replicate = base.may_replicate
    if "may_replicate" in table:
        may_replicate = frozenset(_patterns(table, "may_replicate"))
    return DatabasePolicy(
        allowed=allowed,
        max_writers=base.max_writers if max_writers is None else max_writers,
        may_replicate=may_replicate,
        severities=severities,
        anchor=anchor,
    )


def _users(table: Table) -> Iterable[AllowedUser]:
    table.only(*CLASSES, REQUIRED)
    for kind in (*CLASSES, REQUIRED):
        for position, pattern in enumerate(_patterns(table, kind)):
            anchor = table.anchor(kind, position)
            yield AllowedUser(pattern, kind, required=kind == REQUIRED, anchor=anchor)


def _in_order(allowed: Iterable[AllowedUser]) -> tuple[AllowedUser, ...]:
    """Sort so that the first pattern that matches a user tells their class.

    A name outranks a pattern: `report` among the readers is meant, whoever `*` is.
    """
    kinds = (*CLASSES, REQUIRED)
    return tuple(
        sorted(
            allowed,
            key=lambda user: (user.required, is_wild(user.pattern), kinds.index(user.kind)),
        )
    )


def _patterns(table: Table, name: str) -> tuple[str, ...]:
    found = table.texts(name) or ()
    for position, pattern in enumerate(found):
        _check_pattern(table, pattern, name, position)
    return found


def _check_pattern(table: Table, pattern: str, *key: str | int) -> None:
    wrong = why_invalid(pattern)
    if wrong is not None:
        table.problem(f"{shown(pattern)} is not a pattern: {wrong}", *key)


def _severities(table: Table, ids: frozenset[str]) -> Mapping[str, Severity]:
    found = {}
    for check in table.values:
        if check not in ids:
            table.problem(f"unknown check{_meant(check, ids)}", check)
            continue
        level = table.text(check)
        if level in LEVELS:
            found[check] = LEVELS[level]
        elif level is not None:
            table.problem(f"{shown(level)} is not a severity; allowed: {', '.join(LEVELS)}", check)
    return MappingProxyType(found)


def _suppression(table: Table, ids: frozenset[str]) -> Suppression:
    table.only("check", "database", "user", "reason", "expires")
    check = _wanted(table, "check", table.text, 'which check is meant, such as "PG002"')
    if check is not None:
        _check_pattern(table, check, "check")
        if not any(matches(check, each) for each in ids):
            what = f"no check on databases is called {shown(check)}{_meant(check, ids)}"
            table.problem(what, "check")
    reason = _wanted(table, "reason", table.text, "why it is accepted, and who says so")
    if reason is not None and not reason.strip():
        table.problem("is empty: say why it is accepted, and who says so", "reason")
    expires = _wanted(table, "expires", table.day, "the day from which it no longer counts")
    scope = {name: table.text(name) or "" for name in ("database", "user") if name in table}
    for name, pattern in scope.items():
        _check_pattern(table, pattern, name)
    return Suppression(check or "", reason or "", expires=expires, anchor=table.anchor(), **scope)


def _wanted(table: Table, name: str, read: Callable[[str], _T], what: str) -> _T:
    """Read what must be there, and note it if it is not."""
    if name not in table:
        table.problem(f"is missing: say {what}", name)
    return read(name)


def _meant(check: str, ids: frozenset[str]) -> str:
    return instead(check, ids, otherwise=KNOWN_IDS)
