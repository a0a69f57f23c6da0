"""The accounts, the policy and the store that the options of a command name."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from dbusers.audit import patterns
from dbusers.audit.accounts.configuration import (
    AccountSettings,
    accounts_from_environment,
    accounts_from_file,
)
from dbusers.audit.accounts.selection import FIELDS, Selection
from dbusers.audit.checks import checks
from dbusers.audit.policy import Policy
from dbusers.audit.store import Run, Store
from dbusers.cli.audit.words import counted
from dbusers.errors import ConfigurationError, InvalidRequest

CONFIG: Final = Path("dbusers.toml")
POLICY: Final = Path("dbusers-policy.toml")
STORE: Final = Path("dbusers-audit.db")
PLACES: Final = {"last": 1, "previous": 2}  # of runs, counted from the newest


def account_settings(
    config: Path | None,
    names: Sequence[str] = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> list[AccountSettings]:
    """Return the accounts to be audited.

    Raises `ConfigurationError` for what is wrong with their configuration, `InvalidRequest` for a
    name that there is not, or a filter that is none.
    """
    config = config or _if_there(CONFIG)
    found = accounts_from_environment() if config is None else accounts_from_file(config)
    known = [each.name for each in found]
    for name in names:
        if name not in known:
            raise InvalidRequest(f"--account {name!r}: the accounts are {', '.join(known)}")
    included, excluded = _filters(include, "--include"), _filters(exclude, "--exclude")
    return [
        attrs.evolve(each, selection=_narrowed(each.selection, included, excluded))
        for each in found
        if not names or each.name in names
    ]


def load_policy(path: Path | None) -> Policy:
    """Return the policy of a file; without one, nobody's.

    Raises `ConfigurationError` for what is wrong in it.
    """
    path = path or _if_there(POLICY)
    return Policy() if path is None else Policy.load(path, checks())


def existing_store(path: Path) -> Store:
    """Open a store that is there. Raises `ConfigurationError` if it is not, and makes none."""
    if not path.exists():
        raise ConfigurationError(
            f"{path}: there is no such store; `dbusers audit` makes one, --store names another"
        )
    return Store.open(path)


def named_run(store: Store, name: str) -> Run:
    """Return a run by its id, by how that begins, or by its place: "last" or "previous".

    Raises `ConfigurationError` if there is none, or if several ids begin so.
    """
    if name not in PLACES:
        return store.find(name)
    runs = store.runs()
    if len(runs) < PLACES[name]:
        has = counted(len(runs), "run")
        raise ConfigurationError(f"{store.path} has {has}: there is no {name} one")
    return runs[-PLACES[name]]


def _if_there(path: Path) -> Path | None:
    return path if path.exists() else None


def _filters(texts: Iterable[str], option: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        field, _, pattern = text.partition("=")
        if field not in FIELDS or not pattern:
            raise InvalidRequest(
                f"{option} {text!r}: write FIELD=PATTERN; the fields are {', '.join(FIELDS)}"
            )
        wrong = patterns.why_invalid(pattern)
        if wrong is not None:
            raise InvalidRequest(f"{option} {text!r}: {wrong}")
        found[field] = (*found.get(field, ()), pattern)
    return found


def _narrowed(
    selection: Selection,
    include: Mapping[str, tuple[str, ...]],
    exclude: Mapping[str, tuple[str, ...]],
) -> Selection:
    excluded = dict(selection.exclude)
    for field, wanted in exclude.items():
        excluded[field] = (*excluded.get(field, ()), *wanted)
    return Selection({**selection.include, **include}, excluded)
