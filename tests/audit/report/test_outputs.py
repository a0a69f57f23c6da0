"""Formats and files: what can be asked for, and that a file is there as a whole or not at all."""

import io
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from dbusers.audit.findings import Finding
from dbusers.audit.report import (
    FORMATS,
    Output,
    Report,
    parse_output,
    parse_outputs,
    save,
    write,
)
from dbusers.errors import ConfigurationError, InvalidRequest
from tests.audit.report.fleet import mixed, written


def broken() -> Report:
    """Return a report whose findings cannot be gone through to the end."""
    report = mixed()

    def findings() -> Iterator[Finding]:
        yield next(report.findings())
        raise RuntimeError("the store is gone")

    return attrs.evolve(report, findings=findings)


def saved(report: Report, *texts: str) -> str:
    out = io.StringIO()
    save(report, parse_outputs(texts), out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("table", Output("table")),
        ("sarif=report.sarif", Output("sarif", Path("report.sarif"))),
        ("html=a=b.html", Output("html", Path("a=b.html"))),
    ],
)
def test_an_output_is_a_format_and_where_it_goes(text: str, output: Output) -> None:
    assert parse_output(text) == output


@pytest.mark.parametrize("text", ["pdf", "", "=x", "Table", "sarif=", "model", "text=x"])
def test_what_is_no_output_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_output(text)


def test_an_unknown_format_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_output("pdf")

    assert str(refused.value) == (
        "unknown format 'pdf': there are "
        "table, jsonl, json, csv, markdown, html, sarif, ocsf, junit"
    )
    with pytest.raises(InvalidRequest):
        write(mixed(), "outputs", io.StringIO())


def test_a_table_is_what_is_written_without_a_wish() -> None:
    assert parse_outputs([]) == (Output("table"),)


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (["table", "json"], "two formats go to standard output"),
        (["csv=a", "json=./a"], "two formats go to"),
        (["json=no/such/a"], "there is no such folder"),
        (["json=."], "this is a folder"),
    ],
)
def test_outputs_that_cannot_be_are_refused_before_anything_is_read(
    texts: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(InvalidRequest, match=why):
        parse_outputs(texts)


def test_several_formats_are_written_at_once(tmp_path: Path) -> None:
    table = saved(mixed(), "table", f"json={tmp_path}/a.json", f"csv={tmp_path}/b.csv")

    assert table == written(mixed(), "table")
    assert (tmp_path / "a.json").read_bytes().decode() == written(mixed(), "json")
    assert (tmp_path / "b.csv").read_bytes().decode() == written(mixed(), "csv")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_report_that_breaks_off_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("yesterday's")

    with pytest.raises(RuntimeError, match="the store is gone"):
        saved(broken(), f"json={path}")

    assert path.read_text() == "yesterday's"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_grows_beside_its_place_so_that_it_can_be_moved_there(tmp_path: Path) -> None:
    report = mixed()
    seen = list[str]()

    def findings() -> Iterator[Finding]:
        seen.extend(path.name for path in tmp_path.iterdir())
        return report.findings()

    saved(attrs.evolve(report, findings=findings), f"csv={tmp_path}/report.csv")

    assert seen
    assert all(name.startswith(".dbusers-") for name in seen)


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "report.json"

    saved(mixed(), f"json={path}")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_keeps_its_permissions_and_a_link_what_it_points_to(tmp_path: Path) -> None:
    path, link = tmp_path / "report.json", tmp_path / "latest.json"
    path.write_text("yesterday's")
    path.chmod(0o644)
    link.symlink_to(path.name)

    saved(mixed(), f"json={link}")

    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert path.read_text() == written(mixed(), "json")


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    saved(mixed(), f"csv={path}")

    assert os.read(reader, 1_000_000).decode() == written(mixed(), "csv")
    assert stat.S_ISFIFO(path.stat().st_mode)
    os.close(reader)


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    outputs = parse_outputs([f"json={folder}/a.json"])
    folder.rmdir()

    with pytest.raises(ConfigurationError, match=r"a\.json: cannot be written: No such file"):
        save(mixed(), outputs, io.StringIO())


def test_a_format_loads_on_use_and_says_what_it_needs() -> None:
    code = (
        "import sys; sys.modules['rich'] = sys.modules['rich.console'] = None\n"
        "import io, dbusers.audit.report as report\n"
        "from dbusers.errors import ConfigurationError\n"
        "assert not [m for m in sys.modules if m.startswith('dbusers.audit.report.sarif')]\n"
        "try: report.write(None, 'table', io.StringIO())\n"
        "except ConfigurationError as error: print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout == "the format table needs rich: install dbusers[cli]\n"


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_can_be_written(name: str) -> None:
    assert written(mixed(), name)
