"""Rows as a picture: a dot for each client on a line for each row, ratios on a logarithmic axis."""

from html import escape
from itertools import count
from math import log
from typing import Final

import attrs

from tests.benchmarks.rounds import Quartiles
from tests.benchmarks.rows import OURS, Row

WIDTH, LEFT, RIGHT, TOP, LINE = 960, 410, 940, 60, 28  # pixels
TICKS: Final = (1, 0.5, 2, 5, 10, 20, 50, 100, 1.5, 3, 1.2)  # the first are shown before others
APART: Final = 50  # pixels between two ticks, at least
COLOURS: Final = {  # on light pages, and on dark ones
    "ink": ("#1a237e", "#e8eaf6"),
    "grid": ("#c5cae9", "#3a3f5c"),
    "client0": ("#3949ab", "#9fa8da"),
    "client1": ("#00796b", "#4db6ac"),
    "client2": ("#c75300", "#ffb74d"),
    "client3": ("#c2185b", "#f48fb1"),
}


@attrs.frozen
class _Axis:
    """Where a ratio stands, from left to right."""

    least: float
    most: float

    def x(self, ratio: float) -> float:
        share = log(ratio / self.least) / log(self.most / self.least)
        return LEFT + (RIGHT - LEFT) * share


def plot(title: str, rows: list[Row]) -> str:
    """Return an SVG of the rows with the most clients; whiskers are quartiles, bars are goals."""
    most = max(len(row.costs) for row in rows)
    rows = [row for row in rows if len(row.costs) == most]
    costs = [cost for row in rows for cost in row.costs.values()]
    goals = [row.goal for row in rows if row.goal is not None]
    axis = _Axis(
        least=min(0.95, *(cost.lower for cost in costs)),
        most=max(*(cost.upper for cost in costs), *goals) * 1.05,
    )
    colours = {name: f"client{n}" for n, name in enumerate(_clients(rows))}
    bottom = TOP + LINE * len(rows)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 30}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="14"><title>{escape(title)}</title>'
    )
    lines = [head, _style(), *_legend(colours), *_grid(axis, bottom)]
    for row, y in zip(rows, count(TOP + LINE // 2, LINE)):
        lines.append(_text(8, y + 5, row.what.replace("`", "")))
        if row.goal is not None:
            x = axis.x(row.goal)
            lines.append(f'<path class="ink" stroke-width="3" d="M{x:.1f} {y - 10}v20"/>')
        lines += [_dot(axis, cost, y, colours[name]) for name, cost in row.costs.items()]
    return "\n".join([*lines, "</svg>", ""])


def _clients(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys([OURS, *(name for row in rows for name in row.costs)]))


def _style() -> str:
    light, dark = (
        "".join(f".{name}{{fill:{pair[n]};stroke:{pair[n]}}}" for name, pair in COLOURS.items())
        for n in (0, 1)
    )
    dark = f"@media(prefers-color-scheme:dark){{{dark}}}"
    return f"<style>{light}{dark}text.ink{{stroke:none}}</style>"


def _legend(colours: dict[str, str]) -> list[str]:
    parts, x = [], LEFT
    for name, colour in colours.items():
        parts += [f'<circle class="{colour}" cx="{x}" cy="18" r="6"/>', _text(x + 12, 23, name)]
        x += 30 + 8 * len(name)
    parts.append(f'<path class="ink" stroke-width="3" d="M{x} 8v20"/>')
    return [*parts, _text(x + 8, 23, "our goal")]


def _grid(axis: _Axis, bottom: int) -> list[str]:
    places: dict[float, float] = {}
    for tick in TICKS:
        x = axis.x(tick)
        if LEFT <= x <= RIGHT and all(abs(x - other) >= APART for other in places.values()):
            places[tick] = x
    parts = []
    for tick, x in places.items():
        colour, label = ("ink", "floor") if tick == 1 else ("grid", f"{tick:g}")
        parts.append(f'<path class="{colour}" d="M{x:.1f} {TOP - 8}V{bottom}"/>')
        parts.append(_text(x, bottom + 20, label, anchor="middle"))
    return parts


def _dot(axis: _Axis, cost: Quartiles, y: int, colour: str) -> str:
    whisker = f"M{axis.x(cost.lower):.1f} {y}H{axis.x(cost.upper):.1f}"
    return (
        f'<path class="{colour}" stroke-width="2" d="{whisker}"/>'
        f'<circle class="{colour}" cx="{axis.x(cost.median):.1f}" cy="{y}" r="6"/>'
    )


def _text(x: float, y: int, text: str, anchor: str = "start") -> str:
    return f'<text class="ink" x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
