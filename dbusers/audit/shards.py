"""One audit on several machines: each reads a shard of the accounts, and the parts are merged.

A shard is a share of the tokens, since a token's rate limit is what takes the time. What the parts
found is merged from their stores (the last run of each) or from their reports as JSON Lines into
one run of another store, where it is judged as a whole.
"""

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Final

import attrs

from dbusers.audit.accounts.account import Account
from dbusers.audit.encoding.lines import read_json_lines
from dbusers.audit.records import Listed, NotListed
from dbusers.audit.report.model import AccountCoverage, DatabaseRow
from dbusers.audit.store import Store
from dbusers.audit.store.rows import Run
from dbusers.errors import ConfigurationError, DbusersError

SQLITE: Final = b"SQLite format 3\0"  # how the file of a store begins


def parse_shard(text: str) -> tuple[int, int]:
    """Return 2 and 4 for "2/4", the second of four shards; else raise `ConfigurationError`."""
    found = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text)
    if found and 1 <= int(found[1]) <= int(found[2]):
        return int(found[1]), int(found[2])
    raise ConfigurationError(
        f"{text!r} is no shard: write 1/3, 2/3 and 3/3 on the first, second and third machine"
    )


def shard_of(names: Iterable[str], number: int, of: int) -> frozenset[str]:
    """Return the names that a shard reads, counted from 1.

    Every name is in exactly one of the `of` shards, whatever their order, and no shard has two
    more than another. Raises `ValueError` for a shard that there is not.
    """
    if not 1 <= number <= of:
        raise ValueError(f"there is no shard {number}/{of}")
    return frozenset(sorted(set(names))[number - 1 :: of])


def accounts_of(shard: str | None, accounts: Iterable[Account]) -> list[Account]:
    """Return the accounts that are to be read: those of "2/4", say, or all of them for None.

    A token's budget cannot be shared between processes, so its accounts are in one shard. Raises
    `ConfigurationError` if two accounts have one name, or if that is no shard.
    """
    found = list(accounts)
    names = [account.name for account in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"two accounts have the name {twice[0]!r}")
    if shard is None:
        return found
    first_of_token: dict[Hashable, str] = {}
    for account in found:
        first_of_token.setdefault(account.token, account.name)
    firsts = shard_of(first_of_token.values(), *parse_shard(shard))
    return [account for account in found if first_of_token[account.token] in firsts]


@attrs.define
class _Part:
    """What one file holds: its run, and what was read, one account or database at a time."""

    path: Path
    run: Run
    rest: Iterator[AccountCoverage | DatabaseRow]


def merge(store: Store, paths: Sequence[str | Path]) -> Run:
    """Return a new run of the store with all that the runs in other files read, or add nothing.

    A shard that is missing makes the run incomplete, as an account that was not listed. Raises
    `ConfigurationError` for a file that is neither a store nor JSON Lines of an audit, or is cut
    off, and for files that do not belong together: of different versions or sources of users, of
    another number of shards, or with an account or a database in two of them.
    """
    if not paths:
        raise ConfigurationError("there is nothing to merge: name the files of the shards")
    with ExitStack() as files, store.all_or_nothing():
        parts = [_open(Path(path), files) for path in paths]
        missing = _missing_shards(parts)
        _require_the_same(parts)
        first = parts[0].run
        run = store.begin(
            min(part.run.started for part in parts),
            {},
            source=first.source,
            version=first.version,
            filtered=any(part.run.filtered for part in parts),
        )
        for shard in missing:
            error = DbusersError(f"shard {shard} is not among the files that were merged")
            store.add(run, NotListed("", error, account=f"shard {shard}"))
        _add_all(store, run, parts)
        ends = [part.run.finished for part in parts if part.run.finished]
        return store.finish(run, max(ends)) if len(ends) == len(parts) else run


def _add_all(store: Store, run: Run, parts: Iterable[_Part]) -> None:
    seen: dict[tuple[str, ...], Path] = {}
    for part in parts:
        for item in part.rest:
            if isinstance(item, AccountCoverage):
                name, provider = item.account, item.provider
                _refuse_twice(seen, part.path, f"account {name}", ("account", name, provider))
                store.add(run, _listing(item))
                if item.requests is not None:
                    store.add_requests(run, name, item.requests, item.seconds)
                if item.planned is not None and item.floor is not None:
                    store.set_plan(run, name, item.planned, item.floor)
            else:
                provider, database = item.database.provider, item.database.id
                key = ("database", provider, database)
                _refuse_twice(seen, part.path, f"database {database}", key)
                store.put(run, item)


def _refuse_twice(
    seen: dict[tuple[str, ...], Path], path: Path, what: str, key: tuple[str, ...]
) -> None:
    # Two accounts of one part may well see the same database; two parts overlap then.
    if seen.setdefault(key, path) is not path:
        raise ConfigurationError(f"{what} is in {seen[key]} and in {path}: merge each part once")


def _listing(account: AccountCoverage) -> Listed | NotListed:
    if account.error is None:
        return Listed(account.provider, (), account=account.account)
    return NotListed(account.provider, DbusersError(account.error), account=account.account)


def _missing_shards(parts: Sequence[_Part]) -> list[str]:
    """Return the shards that no part is; refuse those that are there twice, or of other splits."""
    shards: dict[str, Path] = {}
    for part in parts:
        if part.run.shard is None:
            continue
        other = shards.setdefault(part.run.shard, part.path)
        if other is not part.path:
            raise ConfigurationError(f"{other} and {part.path} are both shard {part.run.shard}")
    numbers = sorted({parse_shard(shard)[1] for shard in shards})
    if len(numbers) > 1:
        said = " and of ".join(map(str, numbers))
        raise ConfigurationError(f"the files are shards of {said}: merge those of one split")
    every = (f"{number}/{of}" for of in numbers for number in range(1, of + 1))
    return [shard for shard in every if shard not in shards]


def _require_the_same(parts: Sequence[_Part]) -> None:
    first = parts[0]
    for part in parts[1:]:
        for what in ("version", "source"):
            one, other = getattr(first.run, what), getattr(part.run, what)
            if one != other:
                raise ConfigurationError(
                    f"{first.path} has {what} {one!r} and {part.path} has {other!r}: "
                    "they cannot be merged"
                )


def _open(path: Path, files: ExitStack) -> _Part:
    try:
        with path.open("rb") as file:
            is_store = file.read(len(SQLITE)) == SQLITE
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    if not is_store:
        return _Part(path, *read_json_lines(path))
    part = files.enter_context(Store.open(path))
    run = part.latest()
    if run is None:
        raise ConfigurationError(f"{path}: there is no run in this store")
    return _Part(path, run, chain(part.coverage(run), part.databases(run)))
