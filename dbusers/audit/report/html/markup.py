"""HTML elements in which all text is escaped, unless it is itself made here.

`tag("td", name)` escapes the name, because it is a `str`; `tag("tr", tag("td", name))` leaves the
cell as it is, because it is `Html`. So nothing has to be remembered where a page is written.
"""

import html
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlencode

from dbusers.audit.report.text import shown

LONGEST: Final = 400  # characters of anyone's text
VOID: Final = frozenset({"meta", "input"})


class Html(str):
    """Markup: a `str` that is not escaped again."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str | bool | None) -> Html:
    """Return an element.

    `class_` is the attribute `class`, `aria_label` is `aria-label`; True is an attribute without a
    value, None and False are none.
    """
    opened = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    return Html(opened if name in VOID else f"{opened}{joined(children)}</{name}>")


def joined(parts: Iterable[str]) -> Html:
    """Return several pieces of text or markup as one."""
    return Html("".join(part if isinstance(part, Html) else _escaped(part) for part in parts))


def filtered(**filters: str) -> str:
    """Return the link to the findings to which these filters fit, as `page.js` reads it."""
    return f"#{urlencode({name: shown(value) for name, value in filters.items()})}"


def _attribute(key: str, value: str | bool | None) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{_escaped(value)}"'


def _escaped(text: str) -> str:
    # In ASCII, so that the page is the same whatever standard output is encoded in.
    ascii_only = html.escape(shown(text, LONGEST)).encode("ascii", "xmlcharrefreplace")
    return ascii_only.decode()
