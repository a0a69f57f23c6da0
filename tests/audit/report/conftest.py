"""One browser for the tests of a module, and one page: both take longer to open than most tests.

Not one for the session: Playwright keeps an event loop running, beside which no other can.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.audit.report.chromium import WINDOW, Open, chromium, pages


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def shared_page(browser: Browser) -> Page:
    return browser.new_page(viewport=WINDOW)


@pytest.fixture
def open_page(shared_page: Page, tmp_path: Path) -> Iterator[Open]:
    with pages(shared_page, tmp_path) as opened:
        yield opened
