"""DigitalOcean's answers as the sandbox's options shape them: pages, and settings left out."""

from collections.abc import Iterable
from typing import Any

import aiohttp

from dbusers.testing import Sandbox


def ids(objects: Iterable[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in objects]


async def test_a_single_user_may_come_without_settings(session: aiohttp.ClientSession) -> None:
    async with Sandbox(omit_settings_on_get=True) as sandbox:
        pg = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "pg")
        name = list(pg.users)[1]
        headers = {"authorization": f"Bearer {sandbox.digitalocean_token}"}
        url = f"{sandbox.url}/v2/databases/{pg['id']}/users"
        async with session.get(url, headers=headers) as response:
            listed = (await response.json())["users"][1]
        async with session.get(f"{url}/{name}", headers=headers) as response:
            read = (await response.json())["user"]

    assert "settings" in listed
    assert read == {key: value for key, value in listed.items() if key != "settings"}


async def test_pages_link_to_each_other(session: aiohttp.ClientSession) -> None:
    async with Sandbox(page_size=4) as sandbox:
        headers = {"authorization": f"Bearer {sandbox.digitalocean_token}"}
        clusters: list[dict[str, Any]] = []
        pages = 0
        page: dict[str, Any] = {}
        url = f"{sandbox.url}/v2/databases"
        while url:
            async with session.get(url, headers=headers) as response:
                page = await response.json()
            assert page["meta"] == {"total": len(sandbox.fleet.digitalocean)}
            clusters += page["databases"]
            url = page["links"].get("pages", {}).get("next", "")
            pages += 1

        assert ids(clusters) == ids(sandbox.fleet.digitalocean)
        assert pages == 4
        assert page["links"]["pages"]["prev"].startswith(f"{sandbox.url}/v2/databases?")


async def test_a_page_has_the_size_asked_for(session: aiohttp.ClientSession) -> None:
    async with Sandbox(page_size=4) as sandbox:
        headers = {"authorization": f"Bearer {sandbox.digitalocean_token}"}
        url = f"{sandbox.url}/v2/databases"
        async with session.get(f"{url}?page=2&per_page=10", headers=headers) as response:
            page = await response.json()
        async with session.get(f"{url}?page=0", headers=headers) as response:
            status = response.status

        assert ids(page["databases"]) == ids(sandbox.fleet.digitalocean[10:])
        assert "next" not in page["links"]["pages"]
        assert status == 422
