"""The promise to whoever upgrades: what may be imported changes only where it is said."""

from tests.releases.surface import PUBLIC, surface


def test_the_public_surface_is_the_one_that_was_announced() -> None:
    before, now = PUBLIC.read_text().splitlines(), surface().splitlines()

    gone = [line for line in before if line not in now]
    new = [line for line in now if line not in before]
    assert (gone, new) == ([], []), (
        "the public surface changed: say so in CHANGELOG.md, see docs/releases.md for what may go "
        "and when, and write it anew with `python -m tests.releases.surface`"
    )
