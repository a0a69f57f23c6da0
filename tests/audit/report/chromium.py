"""Pages of a report in headless Chromium, which Debian has in its package `chromium`."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Dialog,
    Page,
    Request,
    ViewportSize,
    sync_playwright,
)

from dbusers.audit.report import Report
from tests.audit.report.fleet import written

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ON_A_PAGE: Final = 50  # findings
WINDOW: Final[ViewportSize] = {"width": 1280, "height": 900}

Open = Callable[..., Page]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium without a window; skip the tests where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the PATH")
    # Its sandbox does not work for root, which is who runs tests in a container.
    unboxed = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=[*unboxed, *quiet])
        yield launched
        launched.close()


@contextmanager
def pages(shared: Page, folder: Path) -> Iterator[Open]:
    """Open reports from files; when done, they must have asked for nothing and broken nothing.

    What the network was asked for, what the page's own policy refused and what its script raised
    all count. A `fragment` is put behind the address; options are those of a browser's context,
    and where there are some the page is not the `shared` one, which takes longer.
    """
    contexts, watched = list[BrowserContext](), list[Page]()
    asked, said = set[str](), list[str]()
    hears: dict[Any, Callable[[Any], None]] = {
        "request": lambda request: asked.add(_address(request)),
        "console": lambda message: said.append(message.text),
        "pageerror": lambda error: said.append(str(error)),
        "dialog": lambda dialog: _refused(dialog, said),
    }

    def opened(report: Report, fragment: str = "", **options: Any) -> Page:
        file = folder / f"{len(watched)}.html"
        file.write_text(written(report, "html"), encoding="ascii", newline="")
        page = shared
        if options:
            browser = shared.context.browser
            assert browser is not None
            contexts.append(browser.new_context(**({"viewport": WINDOW} | options)))
            page = contexts[-1].new_page()
        watched.append(page)
        for event, heard in hears.items():
            page.on(event, heard)
        page.goto(file.as_uri() + fragment)
        return page

    yield opened
    for page in watched:
        for event, heard in hears.items():
            page.remove_listener(event, heard)
    for context in contexts:
        context.close()
    assert asked == {(folder / f"{n}.html").as_uri() for n in range(len(watched))}
    assert said == []


def _address(request: Request) -> str:
    return request.url.partition("#")[0]


def _refused(dialog: Dialog, said: list[str]) -> None:
    said.append(f"dialog: {dialog.message}")
    dialog.dismiss()


def column(page: Page, label: str) -> list[str]:
    """Return the cells of one column of the findings that are shown."""
    return page.locator(f'#rows td[data-label="{label}"]').all_inner_texts()


def status(page: Page) -> str:
    return page.locator("#status").inner_text()


def choose(page: Page, name: str, value: str) -> None:
    page.locator(f"select[name={name}]").select_option(value)
