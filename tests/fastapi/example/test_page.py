"""The example's page in a real browser, against its backend on a real port."""

import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import pytest
import pytest_asyncio
from fastapi import FastAPI
from playwright.async_api import Browser, Page, async_playwright, expect

from dbusers.testing import Fault, Sandbox
from tests.audit.report.chromium import NAMES
from tests.fastapi.serving import served

WIDE: Final = (1280, 900)
NARROW: Final = (390, 844)
PATIENCE: Final = 15_000  # milliseconds
HOSTILE: Final = "<img src=x onerror=alert(1)>"


pytestmark = pytest.mark.asyncio(loop_scope="module")  # one browser, and one loop, for all of them


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Start Chromium without a window; skip the tests where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the PATH")
    # Its sandbox does not work for root, which is who runs tests in a container.
    unboxed = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=found, args=unboxed)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(limits=False) as running:
        yield running


Open = Callable[..., AbstractAsyncContextManager[Page]]


@pytest.fixture
def opened(browser: Browser, app: FastAPI) -> Open:
    """Open the page; it must load nothing from elsewhere and, but for `complaints`, be silent."""

    @asynccontextmanager
    async def open_page(
        size: tuple[int, int] = WIDE, *, complaints: int = 0
    ) -> AsyncIterator[Page]:
        said, asked = list[str](), set[str]()
        async with served(app) as url:
            context = await browser.new_context(viewport={"width": size[0], "height": size[1]})
            page = await context.new_page()
            page.set_default_timeout(PATIENCE)
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.on("request", lambda request: asked.add(request.url))
            await page.goto(url)
            await expect(page.locator("optgroup")).to_have_count(2)
            yield page
            await context.close()
            assert {each for each in asked if not each.startswith(f"{url}/")} == set()
        assert len(said) == complaints, said

    expect.set_options(timeout=PATIENCE)
    return open_page


async def choose(page: Page, engine: str, provider: str = "DigitalOcean") -> None:
    option = page.locator(f'optgroup[label="{provider}"] option', has_text=f"({engine})").first
    await page.get_by_label("Database").select_option(await option.get_attribute("value"))


@pytest.mark.parametrize(("provider", "size"), [("DigitalOcean", WIDE), ("Scalingo", NARROW)])
async def test_a_user_is_created_rotated_and_removed(
    opened: Open, provider: str, size: tuple[int, int]
) -> None:
    async with opened(size) as page:
        await choose(page, "postgresql", provider)
        await page.get_by_label("New user").fill("reports-01")
        await page.get_by_role("button", name="Create").click()

        shown = page.locator("#password")
        await expect(shown).to_have_text(re.compile(r"^\S{12,}$"))
        first = await shown.inner_text()
        await expect(page.locator("#whose")).to_have_text("reports-01")
        await expect(page.get_by_role("cell", name="reports-01", exact=True)).to_be_visible()

        await page.get_by_role("button", name="Rotate the password of reports-01").click()
        await page.get_by_role("dialog").get_by_role("button", name="Rotate").click()
        await expect(shown).not_to_have_text(first)
        await page.get_by_role("button", name="I have stored it").click()
        await expect(shown).to_have_text("")

        await page.get_by_role("button", name="Delete reports-01").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(page.get_by_role("cell", name="reports-01", exact=True)).to_have_count(0)
        width = await page.locator("html").evaluate("element => element.scrollWidth")
        assert width <= size[0]


async def test_what_is_declined_or_impossible_is_not_done(opened: Open, sandbox: Sandbox) -> None:
    async with opened() as page:
        await choose(page, "postgresql")
        built_in = page.get_by_role("row", name="doadmin")
        await expect(built_in.get_by_role("button")).to_have_text(["Rotate"])

        for action in ("Delete", "Rotate"):
            await page.get_by_role("button", name=re.compile(f"^{action} ")).last.click()
            await page.get_by_role("button", name="Cancel").click()
            await page.get_by_role("button", name=re.compile(f"^{action} ")).last.click()
            await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)

    assert {each.method for each in sandbox.requests if each.path.startswith("/v2")} == {"GET"}


async def test_an_audit_says_how_far_it_is_what_it_found_and_what_it_could_not_read(
    opened: Open, sandbox: Sandbox
) -> None:
    async with opened() as page:
        start = page.get_by_role("button", name="Audit all databases")
        summary = page.locator("#summary")

        await start.click()
        await expect(summary).to_contain_text("Everything was read.")
        said = await summary.inner_text()
        assert re.match(r"\d+ findings on 200 users of 20 databases", said)
        assert int(said.split()[0]) == await page.locator("#findings tr").count() > 0
        await expect(start).to_be_enabled()
        await expect(page.get_by_role("button", name="Stop")).to_be_hidden()

        sandbox.inject(Fault("/v2/databases/*/users", status=403))
        await start.click()
        await expect(summary).to_contain_text("Not everything could be read")
        await expect(page.get_by_role("cell", name="Forbidden")).to_be_visible()

        sandbox.inject(Fault("/v1/apps", times=None, delay=60))
        await start.click()
        so_far = re.compile("^15 of 15 databases, and more are being listed …$")
        await expect(page.locator("#done")).to_have_text(so_far)
        await page.get_by_role("button", name="Stop").click()
        await expect(summary).to_have_text("Stopped: what is below is not all.")
        await expect(start).to_be_enabled()


async def test_a_provider_that_fails_leaves_the_other_usable_and_hostile_names_are_text(
    opened: Open, sandbox: Sandbox
) -> None:
    body = {"database_users": [{"name": HOSTILE, "read_only": True, "protected": False}]}
    sandbox.inject(Fault("/v2/databases", status=401, times=None))
    sandbox.inject(Fault("/api/databases/*/users", times=None, body=body))

    async with opened(complaints=1) as page:  # the browser's own, of the 502
        await expect(page.get_by_role("alert")).to_contain_text("DigitalOcean: The database")
        await choose(page, "postgresql", "Scalingo")
        await expect(page.get_by_role("cell", name=HOSTILE, exact=True)).to_be_visible()
        await expect(page.get_by_role("button", name=re.compile("^Rotate"))).to_have_count(1)
        assert await page.locator("img").count() == 0
