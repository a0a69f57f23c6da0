"""Reading the JSON Lines that `report.jsonl` writes: what was read, without what was found.

Findings are judged anew from what was read, so only the lines about the run, its accounts and its
databases count, and the last one, which says that nothing was cut off.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from dbusers.audit.encoding.records import database_from_json, user_from_json
from dbusers.audit.encoding.values import flag, instance, maybe, moment, seconds, text, whole
from dbusers.audit.records import UserRecord
from dbusers.audit.report.model import AccountCoverage, DatabaseRow
from dbusers.audit.store.rows import Run
from dbusers.errors import ConfigurationError


def read_json_lines(
    path: Path,
) -> tuple[Run, Iterator[AccountCoverage | DatabaseRow]]:
    """Return the run of a file, and what was read: accounts, and databases with their outcome.

    Where a line does not say whether its users are `partial`, those of the source "users" are not.
    Raises `ConfigurationError`, which names file and line, for what is no such file, and at its end
    if it was cut off.
    """
    lines = _lines(path)
    number, value = next(lines, (1, {}))
    if value.get("type") != "run":
        raise ConfigurationError(f"{path}:{number}: this is neither a store nor a run's JSON Lines")
    try:
        run, paces = _run(value), _paces(value.get("pace", []))
    except ValueError as error:
        raise _wrong(path, number, error) from None
    return run, _items(path, run, paces, lines)


def _items(
    path: Path,
    run: Run,
    paces: Mapping[tuple[str, str], Mapping[str, Any]],
    lines: Iterator[tuple[int, Mapping[str, Any]]],
) -> Iterator[AccountCoverage | DatabaseRow]:
    for number, value in lines:
        try:
            match value.get("type"):
                case "account":
                    yield _account(value, paces)
                case "database":
                    yield _reading(run, value)
                case "summary":
                    break
        except ValueError as error:
            raise _wrong(path, number, error) from None
    else:
        raise ConfigurationError(f"{path}: cut off: its last line, the summary, is missing")
    for number, _ in lines:
        raise ConfigurationError(f"{path}:{number}: more follows the summary: merge single files")


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    number = 0
    try:
        with path.open("rb") as file:
            for line in file:
                number += 1
                yield number, instance(dict, orjson.loads(line), "line")
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    except orjson.JSONDecodeError:
        raise ConfigurationError(f"{path}:{number}: not JSON: was the file cut off?") from None
    except ValueError as error:
        raise _wrong(path, number, error) from None


def _wrong(path: Path, number: int, error: ValueError) -> ConfigurationError:
    return ConfigurationError(f"{path}:{number}: {error}")


def _run(value: Mapping[str, Any]) -> Run:
    return Run(
        number=0,
        id=text(value.get("run"), "run"),
        started=moment(value.get("started"), "started"),
        finished=maybe(value, "finished", moment),
        source=text(value.get("source"), "source"),
        version=text(value.get("version"), "version"),
        shard=maybe(value, "shard", text),
        filtered=flag(value.get("filtered", False), "filtered"),
    )


def _paces(value: object) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the plans of accounts; those of reports that have none are unknown."""
    paces: list[dict[str, Any]] = [
        instance(dict, one, "pace") for one in instance(list, value, "pace")
    ]
    return {_place(one): one for one in paces}


def _place(value: Mapping[str, Any]) -> tuple[str, str]:
    return text(value.get("account"), "account"), text(value.get("provider"), "provider")


def _account(
    value: Mapping[str, Any], paces: Mapping[tuple[str, str], Mapping[str, Any]]
) -> AccountCoverage:
    account, provider = _place(value)
    pace = paces.get((account, provider), {})
    return AccountCoverage(
        account=account,
        provider=provider,
        error=maybe(value, "error", text),
        planned=maybe(pace, "planned_requests", whole),
        floor=maybe(pace, "floor_seconds", seconds),
    )


def _reading(run: Run, value: Mapping[str, Any]) -> DatabaseRow:
    return DatabaseRow(
        database=database_from_json(value.get("database")),
        users=maybe(value, "users", _users),
        error=maybe(value, "error", text),
        error_type=maybe(value, "error_type", text),
        retryable=flag(value.get("retryable"), "retryable"),
        skipped=maybe(value, "skipped", text),
        partial=flag(value.get("partial", run.source != "users"), "partial"),
    )


def _users(value: object, key: str) -> tuple[UserRecord, ...]:
    return tuple(map(user_from_json, instance(list, value, key)))
