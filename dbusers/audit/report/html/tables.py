"""Tables: each in a region of its own, which scrolls where the screen is too narrow for it."""

from collections.abc import Sequence

from dbusers.audit.report.html.markup import Html, tag


def table(
    headings: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    *,
    caption: str,
    texts: int = 1,
    class_: str = "cards",
) -> Html:
    """Return a table; the cells after the first `texts` columns are figures.

    The first cell of each row is its heading.
    """
    body = (
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            *(
                tag("td", cell, class_="text" if number < texts else None, data_label=heading)
                for number, (heading, cell) in enumerate(zip(headings, row, strict=True))
                if number
            ),
        )
        for row in rows
    )
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption, class_="unseen"),
            heading_row(headings, texts),
            tag("tbody", *body),
            class_=class_,
        ),
        class_="scroll",
        tabindex="0",
        role="region",
        aria_label=caption,
    )


def heading_row(headings: tuple[str, ...], texts: int) -> Html:
    """Return the row with which a table begins."""
    cells = (
        tag("th", heading, scope="col", class_="text" if number < texts else None)
        for number, heading in enumerate(headings)
    )
    return tag("thead", tag("tr", *cells))
