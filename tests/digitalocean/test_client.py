"""DigitalOcean's client: what it is made of, and how it reads errors."""

import pytest

from dbusers import DigitalOceanClient, RateLimit, Window
from dbusers.digitalocean.client import BASE_URL, WINDOWS


def test_the_budget_is_the_documented_one() -> None:
    # "5,000 requests per hour" and "250 requests per minute"; API reference, "Rate Limit".
    assert set(WINDOWS) == {Window(250, 60), Window(5000, 3600)}


def test_the_host_is_the_documented_one() -> None:
    assert BASE_URL == "https://api.digitalocean.com"


def test_a_client_can_be_made_without_a_loop_and_shows_no_token() -> None:
    client = DigitalOceanClient("canary", rate_limit=RateLimit([Window(1, 1)]))

    assert "canary" not in repr(client)


async def test_closing_comes_with_the_context_even_after_an_error() -> None:
    client = DigitalOceanClient("a-token")
    with pytest.raises(ZeroDivisionError):
        async with client:
            raise ZeroDivisionError

    with pytest.raises(Exception, match="closed"):
        await client.databases.get()
