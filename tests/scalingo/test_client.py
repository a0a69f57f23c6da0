"""Scalingo's client: its hosts, its region, and where both come from."""

import pytest

from dbusers import ConfigurationError, ScalingoClient, Window
from dbusers.scalingo.client import WINDOWS


def urls_of(client: ScalingoClient) -> list[str]:
    information = [
        client.regions.to_get_request_information(),
        client.apps.to_get_request_information(),
        client.databases.by_id("ad-1").to_get_request_information(),
    ]
    return [request.url for request in information]


def test_the_budget_is_the_documented_one() -> None:
    # "60 requests per minute"; API documentation, "Rate limiting".
    assert (Window(60, 60),) == WINDOWS


def test_the_hosts_are_the_documented_ones() -> None:
    assert urls_of(ScalingoClient("t")) == [
        "https://auth.scalingo.com/v1/regions",
        "https://api.osc-fr1.scalingo.com/v1/apps",
        "https://db-api.osc-fr1.scalingo.com/api/databases/ad-1",
    ]


def test_the_region_chooses_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    secured = [
        "https://auth.scalingo.com/v1/regions",
        "https://api.osc-secnum-fr1.scalingo.com/v1/apps",
        "https://db-api.osc-secnum-fr1.scalingo.com/api/databases/ad-1",
    ]
    assert urls_of(ScalingoClient("t", region="osc-secnum-fr1")) == secured

    monkeypatch.setenv("SCALINGO_REGION", "osc-secnum-fr1")
    assert urls_of(ScalingoClient("t")) == secured
    assert urls_of(ScalingoClient("t", region="osc-fr1")) != secured


def test_the_variables_of_the_field_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCALINGO_API_TOKEN", "tk-us-x")
    monkeypatch.setenv("SCALINGO_AUTH_URL", "https://auth.example")
    monkeypatch.setenv("SCALINGO_API_URL", "https://api.example/")
    monkeypatch.setenv("SCALINGO_DB_URL", "https://db.example")

    assert urls_of(ScalingoClient()) == [
        "https://auth.example/v1/regions",
        "https://api.example/v1/apps",
        "https://db.example/api/databases/ad-1",
    ]


@pytest.mark.parametrize(
    "region", ["evil.example/", "x@evil.example", "a b", "../x", "x\r\n", "-", "é", "x:1", "x#"]
)
def test_a_region_cannot_name_another_host(region: str) -> None:
    with pytest.raises(ConfigurationError, match="region"):
        ScalingoClient("t", region=region)


@pytest.mark.parametrize("variable", ["SCALINGO_AUTH_URL", "SCALINGO_API_URL", "SCALINGO_DB_URL"])
def test_a_url_in_the_clear_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://scalingo.example")

    with pytest.raises(ConfigurationError, match=variable):
        ScalingoClient("t")


@pytest.mark.parametrize("argument", ["auth_url", "api_url", "database_api_url"])
def test_a_bad_argument_is_refused_by_name(argument: str) -> None:
    urls = {argument: "http://scalingo.example"}

    with pytest.raises(ConfigurationError, match=argument):
        ScalingoClient("t", **urls)  # type: ignore[arg-type]  # each of them is a text


def test_a_database_token_alone_is_enough_and_needs_no_variable() -> None:
    assert "canary" not in repr(ScalingoClient(database_token="canary"))
