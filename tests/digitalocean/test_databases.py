"""Each of DigitalOcean's eight operations against the sandbox, which speaks wire JSON only."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from dbusers import (
    ABSENT,
    APIError,
    BadRequest,
    Conflict,
    DigitalOceanClient,
    Forbidden,
    NotFound,
    RequestConfiguration,
    Response,
    RetryOption,
    UnexpectedBody,
    Unprocessable,
)
from dbusers.digitalocean import (
    DatabasesQuery,
    KafkaAcl,
    MongoUserSettings,
    MySQLAuthPlugin,
    MySQLSettings,
    OpenSearchAcl,
    ResetAuth,
    UserCreate,
    UserSettings,
    UsersRequestBuilder,
    UserUpdate,
)
from dbusers.options import OnResponse
from dbusers.testing import Fault, Sandbox
from tests.raw_server import RawServer, answer

UsersOf = Callable[[str], UsersRequestBuilder]


@pytest.fixture
async def digitalocean(sandbox: Sandbox) -> AsyncIterator[DigitalOceanClient]:
    async with sandbox.digitalocean(rate_limit=None) as client:
        yield client


@pytest.fixture
def users_of(sandbox: Sandbox, digitalocean: DigitalOceanClient) -> UsersOf:
    """The users of the first cluster of an engine."""

    def users(engine: str) -> UsersRequestBuilder:
        cluster = next(c for c in sandbox.fleet.digitalocean if c["engine"] == engine)
        return digitalocean.databases.by_id(cluster["id"]).users

    return users


# Reading


async def test_lists_clusters(sandbox: Sandbox, digitalocean: DigitalOceanClient) -> None:
    clusters = await digitalocean.databases.get()

    assert [c.id for c in clusters] == [c["id"] for c in sandbox.fleet.digitalocean]


async def test_lists_clusters_by_tag(sandbox: Sandbox, digitalocean: DigitalOceanClient) -> None:
    tag = next(tag for c in sandbox.fleet.digitalocean for tag in c["tags"] or [])
    query = RequestConfiguration(query_parameters=DatabasesQuery(tag_name=tag))

    clusters = await digitalocean.databases.get(query)
    assert clusters
    assert all(tag in (c.tags or ()) for c in clusters)
    nobody = RequestConfiguration(query_parameters={"tag_name": "nobody-has-it"})
    assert await digitalocean.databases.get(nobody) == []


async def test_reads_each_cluster(sandbox: Sandbox, digitalocean: DigitalOceanClient) -> None:
    for expected in sandbox.fleet.digitalocean:
        cluster = await digitalocean.databases.by_id(expected["id"]).get()

        assert (cluster.id, cluster.name) == (expected["id"], expected["name"])
        assert cluster.engine == expected["engine"]


async def test_reads_every_user_of_every_engine(
    sandbox: Sandbox, digitalocean: DigitalOceanClient
) -> None:
    read = 0
    for cluster in await digitalocean.databases.get():
        if cluster.engine in ("redis", "valkey"):
            continue
        users = digitalocean.databases.by_id(cluster.id).users
        for user in await users.get():
            one = await users.by_username(user.name).get()
            assert (one.name, one.role) == (user.name, user.role)
            read += 1

    assert read > 50


@pytest.mark.parametrize("page_size", [1, 7, 200])
async def test_every_page_is_read(page_size: int) -> None:
    async with (
        Sandbox(limits=False, page_size=page_size) as paged,
        Sandbox(limits=False) as whole,
        paged.digitalocean(rate_limit=None) as one,
        whole.digitalocean(rate_limit=None) as other,
    ):
        clusters = await one.databases.get()
        assert [c.id for c in clusters] == [c.id for c in await other.databases.get()]
        users = [
            await client.databases.by_id(clusters[0].id).users.get() for client in (one, other)
        ]
    assert [u.name for u in users[0]] == [u.name for u in users[1]]


async def test_pages_in_a_circle_end(server: RawServer, client: DigitalOceanClient) -> None:
    following = {"pages": {"next": f"{server.url}/v2/databases?page=2"}}
    server.plays(answer(200, {"databases": [], "links": following}))

    with pytest.raises(UnexpectedBody, match="circle"):
        await client.databases.get()
    assert len(server.requests) == 2


async def test_headers_and_observers_go_with_every_page() -> None:
    answers: list[Response] = []
    configuration = RequestConfiguration(
        headers={"x-trace": "7"}, options=[OnResponse(answers.append)]
    )
    async with Sandbox(limits=False, page_size=5) as sandbox, sandbox.digitalocean() as client:
        await client.databases.get(configuration)

    assert len(answers) == len(sandbox.requests) > 1
    assert all(request.headers["x-trace"] == "7" for request in sandbox.requests)


# Changing


@pytest.mark.parametrize(
    ("engine", "settings", "expected"),
    [
        ("pg", UserSettings(pg_allow_replication=True), {"pg_allow_replication": True}),
        (
            "opensearch",
            UserSettings(opensearch_acl=[OpenSearchAcl(index="logs-*", permission="read")]),
            {"opensearch_acl": [{"index": "logs-*", "permission": "read"}]},
        ),
        (
            "mongodb",
            UserSettings(mongo_user_settings=MongoUserSettings(["shop"], "readWrite")),
            {"mongo_user_settings": {"databases": ["shop"], "role": "readWrite"}},
        ),
    ],
)
async def test_creates_a_user_with_settings(
    sandbox: Sandbox, users_of: UsersOf, engine: str, settings: UserSettings, expected: Any
) -> None:
    created = await users_of(engine).post(UserCreate("app-01", settings=settings))

    assert created.name == "app-01"
    assert sandbox.requests[-1].json == {"name": "app-01", "settings": expected}
    (user,) = [user for user in await users_of(engine).get() if user.name == "app-01"]
    assert user.settings == settings


async def test_creates_a_kafka_user_whose_rights_get_ids(users_of: UsersOf) -> None:
    rights = [KafkaAcl(topic="orders", permission="consume")]

    created = await users_of("kafka").post(UserCreate("app-01", settings=UserSettings(acl=rights)))
    assert created.settings
    assert created.settings.acl
    assert created.settings.acl[0].id
    assert created.access_cert
    assert created.access_key


async def test_creates_a_mysql_user_with_its_plugin(users_of: UsersOf) -> None:
    plugin = MySQLSettings(MySQLAuthPlugin.NATIVE_PASSWORD)

    created = await users_of("mysql").post(UserCreate("app-01", mysql_settings=plugin))
    assert created.mysql_settings == plugin
    assert created.password


async def test_read_change_write_loses_nothing(sandbox: Sandbox, users_of: UsersOf) -> None:
    users = users_of("kafka")
    rights = [
        KafkaAcl(topic="orders", permission="consume"),
        KafkaAcl(topic="orders", permission="produce"),
    ]
    before = await users.post(UserCreate("app-01", settings=UserSettings(acl=rights)))
    assert before.settings
    assert before.settings.acl

    app = users.by_username("app-01")
    more = [*before.settings.acl, KafkaAcl(topic="audit", permission="admin")]
    after = await app.put(UserUpdate.keeping(await app.get(), acl=more))

    assert after.settings
    assert after.settings.acl
    assert after.settings.acl[:2] == before.settings.acl
    assert after.settings.acl[2].id
    sent = sandbox.requests[-1].json["settings"]["acl"]
    assert [acl.get("id") for acl in sent[:2]] == [acl.id for acl in before.settings.acl]


async def test_settings_that_a_read_leaves_out_are_absent_and_not_revoked() -> None:
    async with (
        Sandbox(limits=False, omit_settings_on_get=True) as sandbox,
        sandbox.digitalocean() as client,
    ):
        cluster = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "pg")
        users = client.databases.by_id(cluster["id"]).users
        await users.post(UserCreate("app-01", settings=UserSettings(pg_allow_replication=True)))
        user = await users.by_username("app-01").get()

    assert user.settings is ABSENT


async def test_an_update_replaces(users_of: UsersOf) -> None:
    users = users_of("pg")
    await users.post(UserCreate("app-01", settings=UserSettings(pg_allow_replication=True)))

    updated = await users.by_username("app-01").put(UserUpdate(settings=UserSettings()))
    assert not (updated.settings and updated.settings.pg_allow_replication)


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_an_update_may_answer_any_success(
    server: RawServer, client: DigitalOceanClient, status: int
) -> None:
    server.plays(answer(status, {"user": {"name": "app"}}))

    app = client.databases.by_id("c-1").users.by_username("app")
    assert (await app.put(UserUpdate(settings=UserSettings()))).name == "app"


async def test_rotates_a_secret(users_of: UsersOf) -> None:
    users = users_of("pg")
    created = await users.post(UserCreate("app-01"))

    rotated = await users.by_username("app-01").reset_auth.post()
    assert rotated.password
    assert rotated.password != created.password


async def test_rotates_a_secret_with_another_plugin(users_of: UsersOf) -> None:
    users = users_of("mysql")
    native = MySQLSettings("mysql_native_password")
    await users.post(UserCreate("app-01", mysql_settings=native))

    modern = MySQLSettings(auth_plugin="caching_sha2_password")
    rotated = await users.by_username("app-01").reset_auth.post(ResetAuth(mysql_settings=modern))
    assert rotated.mysql_settings == modern


async def test_a_reset_without_a_body_sends_an_empty_object(
    sandbox: Sandbox, users_of: UsersOf
) -> None:
    users = users_of("pg")
    await users.post(UserCreate("app-01"))

    await users.by_username("app-01").reset_auth.post()
    assert sandbox.requests[-1].body == b"{}"


async def test_deletes_a_user(users_of: UsersOf) -> None:
    users = users_of("pg")
    await users.post(UserCreate("app-01"))

    await users.by_username("app-01").delete()
    with pytest.raises(NotFound):
        await users.by_username("app-01").get()


async def test_a_create_is_not_read_again(sandbox: Sandbox, users_of: UsersOf) -> None:
    # A read straight after a create may answer 404: the create's answer is the truth.
    await users_of("pg").post(UserCreate("app-01"))

    assert [(r.method, r.status) for r in sandbox.requests] == [("POST", 201)]


# Refusals


async def test_redis_has_no_users(users_of: UsersOf) -> None:
    for engine in ("redis", "valkey"):
        with pytest.raises(APIError) as caught:
            await users_of(engine).get()
        assert 400 <= caught.value.status < 500
        assert not caught.value.retryable


async def test_a_name_that_is_taken_is_refused(users_of: UsersOf) -> None:
    await users_of("pg").post(UserCreate("app-01"))

    with pytest.raises((Conflict, Unprocessable, BadRequest)) as caught:
        await users_of("pg").post(UserCreate("app-01"))
    assert caught.value.message
    assert caught.value.request_id


async def test_a_token_without_the_scope_is_refused(sandbox: Sandbox, users_of: UsersOf) -> None:
    token = sandbox.add_digitalocean_token(["database:read"])
    cluster = next(c for c in sandbox.fleet.digitalocean if c["engine"] == "pg")

    async with sandbox.digitalocean(token=token) as reader:
        users = reader.databases.by_id(cluster["id"]).users
        assert all(user.password is ABSENT for user in await users.get())
        with pytest.raises(Forbidden):
            await users.post(UserCreate("app-01"))


async def test_a_delete_whose_answer_was_lost_is_done(sandbox: Sandbox, users_of: UsersOf) -> None:
    users = users_of("pg")
    await users.post(UserCreate("app-01"))
    sandbox.inject(Fault("/v2/*", "DELETE", cut="after"))

    instant = RequestConfiguration(options=[RetryOption(base_delay=0)])
    await users.by_username("app-01").delete(instant)
    assert "app-01" not in [user.name for user in await users.get()]


async def test_every_answer_tells_its_facts(users_of: UsersOf) -> None:
    answers: list[Response] = []

    await users_of("pg").get(RequestConfiguration(options=[OnResponse(answers.append)]))
    (found,) = answers
    assert found.status == 200
    assert found.request_id
    assert found.rate_limit is not None
    assert found.rate_limit.limit == 5000
    assert found.rate_limit.resets_at is not None
