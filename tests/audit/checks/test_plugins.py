"""Checks that installed packages add."""

from pathlib import Path
from typing import Protocol

import pytest

from dbusers.audit import CHECKS, Severity, Verdict, check, each_user
from dbusers.audit.checks import checks
from dbusers.errors import ConfigurationError


def _check(id_: str) -> object:
    return check(id_, "Title", Severity.LOW, rationale="Why.", remedy="What.", source="us")(
        each_user(lambda facts, user: Verdict.PASS)
    )


class Install(Protocol):
    """Installs a package with entry points."""

    def __call__(self, **names: str) -> None: ...


ONE, TWO, TAKEN = _check("ACME001"), _check("ACME002"), _check("KA001")
SEVERAL = [ONE, TWO]
SOMETHING = 7
EMPTY: tuple[object, ...] = ()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package whose entry points of these names point at names of this module."""

    def install(**names: str) -> None:
        metadata = tmp_path / "acme-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
        lines = (f"{name} = {__name__}:{attribute}" for name, attribute in names.items())
        (metadata / "entry_points.txt").write_text("\n".join(["[dbusers.checks]", *lines]))
        monkeypatch.syspath_prepend(tmp_path)

    return install


def test_without_plug_ins_there_are_the_checks_of_the_package(install: Install) -> None:
    install()

    assert checks() == CHECKS


@pytest.mark.parametrize(
    ("names", "added"),
    [
        ({"acme": "ONE"}, ["ACME001"]),
        ({"acme": "SEVERAL"}, ["ACME001", "ACME002"]),
        ({"b": "ONE", "a": "TWO"}, ["ACME002", "ACME001"]),
    ],
)
def test_plug_ins_are_added_by_name(
    install: Install, names: dict[str, str], added: list[str]
) -> None:
    install(**names)

    found = checks()

    assert found[: len(CHECKS)] == CHECKS
    assert [one.id for one in found[len(CHECKS) :]] == added


@pytest.mark.parametrize(
    ("attribute", "told"),
    [
        ("MISSING", "cannot be loaded: AttributeError"),
        ("SOMETHING", "is neither a Check nor several of them"),
        ("EMPTY", "is neither a Check nor several of them"),
        ("TAKEN", "have the id KA001"),
    ],
)
def test_a_broken_plug_in_is_named(install: Install, attribute: str, told: str) -> None:
    install(acme=attribute)

    with pytest.raises(ConfigurationError, match=told) as raised:
        checks()

    assert "acme" in str(raised.value)


def test_a_plug_in_that_is_installed_twice_is_refused(install: Install) -> None:
    install(acme="ONE", copy="SEVERAL")

    with pytest.raises(ConfigurationError, match="ACME001"):
        checks()


def test_every_check_says_what_why_and_what_to_do() -> None:
    assert len({one.id for one in CHECKS}) == len(CHECKS)
    for one in CHECKS:
        assert one.title
        assert one.source
        assert one.rationale.endswith(".")
        assert one.remedy.endswith(".")
        assert bool(one.call) is bool(one.command), one.id
