"""Which formats there are, where they go, and writing them there."""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import mkstemp
from types import MappingProxyType
from typing import Final, TextIO

import attrs

from dbusers.audit.report.model import Report
from dbusers.errors import ConfigurationError, InvalidRequest

FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "table": "tables for a terminal",
        "jsonl": "JSON Lines, the canonical stream: databases, users and findings",
        "json": "one JSON document with the same",
        "csv": "findings for a spreadsheet",
        "markdown": "for an issue, a pull request or a job's summary",
        "html": "one page to read and filter offline",
        "sarif": "SARIF 2.1.0, for code scanning",
        "ocsf": "OCSF Compliance Findings, for a SIEM",
        "junit": "JUnit XML, for the test view of a CI system",
    }
)


@attrs.frozen
class Output:
    """A format, and the file that it goes to; without one, to standard output."""

    format: str
    path: Path | None = None


def parse_output(text: str) -> Output:
    """Return what `FORMAT` or `FORMAT=PATH` asks for.

    Raises `InvalidRequest` for a format that there is not, or a path that is empty.
    """
    name, separator, path = text.partition("=")
    if name not in FORMATS:
        raise InvalidRequest(f"unknown format {name!r}: there are {', '.join(FORMATS)}")
    if separator and not path:
        raise InvalidRequest(f"{text}: the path is missing")
    return Output(name, Path(path) if path else None)


def parse_outputs(texts: Iterable[str]) -> tuple[Output, ...]:
    """Return what several of them ask for, "table" if there are none.

    Raises `InvalidRequest`, before anything was read, also where two would write to the same place,
    or the folder of one does not exist.
    """
    outputs = tuple(parse_output(text) for text in texts) or (Output("table"),)
    taken = set[Path | None]()
    for output in outputs:
        place = output.path.resolve() if output.path else None
        if place in taken:
            where = "standard output" if output.path is None else str(output.path)
            raise InvalidRequest(f"two formats go to {where}: give one of them a path of its own")
        if place and not place.parent.is_dir():
            raise InvalidRequest(f"{output.path}: there is no such folder")
        if place and place.is_dir():
            raise InvalidRequest(f"{output.path}: this is a folder")
        taken.add(place)
    return outputs


def write(report: Report, name: str, out: TextIO) -> None:
    """Write the report in one format.

    Raises `InvalidRequest` for a format that there is not, `ConfigurationError` where a library
    that it needs is not installed.
    """
    if name not in FORMATS:
        raise InvalidRequest(f"unknown format {name!r}: there are {', '.join(FORMATS)}")
    try:
        writer = import_module(f"dbusers.audit.report.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("dbusers"):
            raise
        raise ConfigurationError(
            f"the format {name} needs {error.name}: install dbusers[cli]"
        ) from None
    writer.write(report, out)


def save(report: Report, outputs: Iterable[Output], out: TextIO) -> None:
    """Write the report in several formats, to their files or to `out`.

    A file is there as a whole or as it was before. It can be read by its owner alone, unless it was
    there with other permissions: it tells where a fleet is weak. Raises `ConfigurationError` for
    one that cannot be written.
    """
    for output in outputs:
        if output.path is None:
            write(report, output.format, out)
            continue
        try:
            with _replacing(output.path) as file:
                write(report, output.format, file)
        except OSError as error:
            raise ConfigurationError(
                f"{output.path}: cannot be written: {error.strerror}"
            ) from error


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """Open a file that takes the place of `path` when all is written."""
    place = path.resolve()  # a link stays, and what it points to is replaced
    if place.exists() and not place.is_file():
        with place.open("w", encoding="utf-8", newline="") as device:  # a pipe, or /dev/stdout
            yield device
        return
    handle, name = mkstemp(dir=place.parent, prefix=".dbusers-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(handle)
        if place.exists():
            os.chmod(name, stat.S_IMODE(place.stat().st_mode))
        os.replace(name, place)
    except BaseException:
        os.unlink(name)
        raise
