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


async def test_a_question_that_is_declined_changes_nothing(opened: Open, sandbox: Sandbox) -> None:
    async with opened() as page:
        await choose(page, "postgresql")
        for action in ("Delete", "Rotate"):
            await page.get_by_role("button", name=re.compile(f"^{action} ")).last.click()
            await page.get_by_role("button", name="Cancel").click()
            await page.get_by_role("button", name=re.compile(f"^{action} ")).last.click()
            await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)

    assert {each.method for each in sandbox.requests if each.path.startswith("/v2")} == {"GET"}


async def test_the_built_in_user_cannot_be_removed(opened: Open) -> None:
    async with opened() as page:
        await choose(page, "postgresql")
        row = page.get_by_role("row", name="doadmin")

        await expect(row.get_by_role("button")).to_have_text(["Rotate"])


async def test_an_audit_shows_its_progress_and_what_it_found(opened: Open) -> None:
    async with opened() as page:
        await page.get_by_role("button", name="Audit all databases").click()

        await expect(page.locator("#summary")).to_contain_text("Everything was read.")
        summary = await page.locator("#summary").inner_text()
        assert re.match(r"\d+ findings on 200 users of 20 databases", summary)
        assert int(summary.split()[0]) == await page.locator("#findings tr").count() > 0
        await expect(page.get_by_role("button", name="Audit all databases")).to_be_enabled()
        await expect(page.get_by_role("button", name="Stop")).to_be_hidden()


async def test_an_audit_is_watched_while_it_runs_and_stopped(
    opened: Open, sandbox: Sandbox
) -> None:
    sandbox.inject(Fault("/v2/databases/*/users", times=None, after=3, delay=60))

    async with opened() as page:
        await page.get_by_role("button", name="Audit all databases").click()
        await expect(page.locator("#done")).to_have_text(re.compile(r"^[1-9]\d* of 20 databases$"))
        await page.get_by_role("button", name="Stop").click()

        await expect(page.locator("#summary")).to_have_text("Stopped: what is below is not all.")
        await expect(page.get_by_role("button", name="Audit all databases")).to_be_enabled()


async def test_what_could_not_be_read_is_not_passed_over(opened: Open, sandbox: Sandbox) -> None:
    sandbox.inject(Fault("/v2/databases/*/users", status=403))

    async with opened() as page:
        await page.get_by_role("button", name="Audit all databases").click()

        await expect(page.locator("#summary")).to_contain_text("Not everything could be read")
        await expect(page.get_by_role("cell", name="Forbidden")).to_be_visible()


async def test_a_provider_that_fails_leaves_the_other_usable(
    opened: Open, sandbox: Sandbox
) -> None:
    sandbox.inject(Fault("/v2/databases", status=401, times=None))

    async with opened(complaints=1) as page:  # the browser's own, of the 502
        await expect(page.get_by_role("alert")).to_contain_text("DigitalOcean: The database")
        await choose(page, "postgresql", "Scalingo")
        await expect(page.get_by_role("button", name=re.compile("^Rotate"))).not_to_have_count(0)


async def test_a_hostile_name_stays_text(opened: Open, sandbox: Sandbox) -> None:
    cluster = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "pg")
    body = {"users": [{"name": HOSTILE, "role": "normal"}]}
    sandbox.inject(Fault(f"/v2/databases/{cluster['id']}/users", times=None, body=body))

    async with opened() as page:
        await choose(page, "postgresql")

        await expect(page.get_by_role("cell", name=HOSTILE, exact=True)).to_be_visible()
        assert await page.locator("img").count() == 0
