"""Bars, as SVG: its sizes are attributes, which a Content-Security-Policy without styles allows.

A bar says nothing that is not written beside it in figures, so it is hidden from screen readers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from dbusers.audit.findings import Severity
from dbusers.audit.report.html.markup import Html, joined, tag
from dbusers.audit.report.values import severity_name

Parts = Sequence[tuple[str, int]]  # a class of the style sheet, and how many
LEAST: Final = 0.6  # per cent of the width, so that one of ten thousand is still seen
SEVERITIES: Final = tuple(reversed(Severity))


def severity_parts(counts: Mapping[Severity, int]) -> Parts:
    """Return the parts of a bar of findings, the worst first."""
    return [(severity_name(severity), counts.get(severity, 0)) for severity in SEVERITIES]


def bar(parts: Parts, whole: int) -> Html:
    """Return a bar of several parts beside one another; `whole` is its full length."""
    return tag("svg", *_beside(parts, whole), class_="bar", aria_hidden="true")


def columns(stacks: Sequence[Parts], highest: int, class_: str) -> Html:
    """Return stacks of parts over a common ground, one for each run."""
    width = 100 / max(len(stacks), 8)
    rects = (
        rect
        for number, parts in enumerate(stacks)
        for rect in _above_each_other(parts, highest, left=width * (number + 0.15), width=width)
    )
    return tag("svg", *rects, class_=class_, aria_hidden="true")


def legend(parts: Iterable[tuple[str, str]]) -> Html:
    """Return what the colours of a bar mean: classes of the style sheet, and words."""
    keys = (tag("li", tag("i", class_=f"key {name}"), words) for name, words in parts)
    return tag("ul", *keys, class_="legend")


def _beside(parts: Parts, whole: int) -> Iterator[Html]:
    left = 0.0
    for name, count in parts:
        if count:
            width = max(100 * count / max(whole, 1), LEAST)
            yield _rect(name, left, 0, width, 100)
            left += width


def _above_each_other(parts: Parts, highest: int, *, left: float, width: float) -> Iterator[Html]:
    top = 100.0
    for name, count in reversed(parts):
        if count:
            height = max(100 * count / max(highest, 1), LEAST)
            top -= height
            yield _rect(name, left, top, width * 0.7, height)


def _rect(name: str, x: float, y: float, width: float, height: float) -> Html:
    sizes = {"x": x, "y": y, "width": width, "height": height}
    return tag("rect", class_=name, **{key: f"{size:.2f}%" for key, size in sizes.items()})


def figures(parts: Iterable[tuple[str, int]]) -> Html:
    """Return what a bar shows in words, without what is none of: "3 critical, 1 low"."""
    words = [f"{count:,} {name}" for name, count in parts if count]
    return joined([", ".join(words) or "none"])
