"""The part of docs/performance.md that is measured, and its pictures."""

from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = DOCS / "performance.md"
BEGIN: Final = "<!-- measured by `make bench`: begin -->\n"
END: Final = "<!-- measured by `make bench`: end -->\n"


def with_measured(page: str, measured: str) -> str:
    """Return the page with this between the markers, instead of what stands there."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert end, "the page has lost a marker"
    return f"{before}{BEGIN}\n{measured}\n\n{END}{after}"


def write(measured: str, pictures: dict[str, str]) -> None:
    """Write the page, and the pictures by their paths in docs/."""
    for path, picture in pictures.items():
        (DOCS / path).write_text(picture)
    PAGE.write_text(with_measured(PAGE.read_text(), measured))
