import json

from dbusers.testing import Sandbox
from tests.cli.conftest import Run
from tests.cli.environments import digitalocean_environment, scalingo_environment


def test_a_table_has_every_cluster_in_a_line_of_its_own(
    digitalocean: Run, sandbox: Sandbox
) -> None:
    result = digitalocean("databases", "list")

    heading, *lines = result.stdout.splitlines()
    assert heading.split() == ["ID", "Name", "Engine", "Region", "Status"]
    assert [line.split()[:2] for line in lines] == [
        [cluster["id"], cluster["name"]] for cluster in sandbox.fleet.digitalocean
    ]


def test_json_has_the_providers_field_names_and_no_secret(
    digitalocean: Run, sandbox: Sandbox
) -> None:
    result = digitalocean("databases", "list", "-o", "json")

    clusters = json.loads(result.stdout)
    cluster = sandbox.fleet.digitalocean[0]
    assert clusters[0]["id"] == cluster["id"]
    assert clusters[0]["connection"]["host"] == cluster["connection"]["host"]
    assert not {"password", "uri"} & set(clusters[0]["connection"])
    assert cluster["connection"]["password"] not in result.stdout


def test_secrets_are_shown_on_request(digitalocean: Run, sandbox: Sandbox) -> None:
    result = digitalocean("databases", "list", "-o", "json", "--show-secrets")

    connection = sandbox.fleet.digitalocean[0]["connection"]
    assert json.loads(result.stdout)[0]["connection"]["password"] == connection["password"]


def test_scalingo_databases_are_listed_with_their_app(scalingo: Run, sandbox: Sandbox) -> None:
    result = scalingo("databases", "list")

    listed = {tuple(line.split()[:2]) for line in result.stdout.splitlines()[1:]}
    assert listed == {(d["id"], d["app_name"]) for d in sandbox.fleet.scalingo.databases}


def test_scalingo_databases_of_one_app(scalingo: Run, sandbox: Sandbox) -> None:
    app = sandbox.fleet.scalingo.databases[0]["app_name"]

    result = scalingo("databases", "list", "--app", app, "-o", "json")

    assert {database["app"] for database in json.loads(result.stdout)} == {app}


def test_the_url_of_the_command_line_comes_first(run: Run, sandbox: Sandbox) -> None:
    for environment, url in (
        (digitalocean_environment(sandbox), "DIGITALOCEAN_API_URL"),
        (scalingo_environment(sandbox), "SCALINGO_API_URL"),
    ):
        elsewhere = {**environment, url: "http://127.0.0.1:9"}

        result = run("databases", "list", "--url", sandbox.url, env=elsewhere)

        assert result.exit_code == 0


def test_an_empty_account_prints_an_empty_array_or_says_so(run: Run) -> None:
    with Sandbox(databases=0, users=0) as empty:
        environment = digitalocean_environment(empty)

        table = run("databases", "list", env=environment)
        array = run("databases", "list", "-o", "json", env=environment)

    assert (table.exit_code, table.stdout, table.stderr) == (0, "", "(none)\n")
    assert (array.exit_code, json.loads(array.stdout)) == (0, [])
