"""DigitalOcean's API for database users, over the fleet's clusters."""

import math
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable
from random import Random
from typing import Any
from uuid import UUID

import orjson
from attrs import evolve, frozen

from dbusers.testing.digitalocean.credentials import give_credentials
from dbusers.testing.digitalocean.fleet import Cluster
from dbusers.testing.digitalocean.paging import one_page
from dbusers.testing.digitalocean.problem import Problem, problem_body
from dbusers.testing.digitalocean.settings import (
    DEFAULT_AUTH_PLUGIN,
    MYSQL,
    UPDATABLE,
    WITHOUT_USERS,
    read_mysql_settings,
    read_settings,
    refuse_unknown,
)
from dbusers.testing.digitalocean.views import cluster_view, user_view
from dbusers.testing.limits import Budget, Window
from dbusers.testing.routes import NoSuchPath, Route, WrongMethod, find
from dbusers.testing.wire import Answer, Hidden, JsonObject, RecordedRequest, status_phrase

HOUR_LIMIT = 5_000  # requests per 3,600 s per token; API introduction, "Rate limit"
MINUTE_LIMIT = 250  # requests per 60 s per token; the same place
MAX_NAME_LENGTH = 63  # characters; PostgreSQL's limit for a role's name
VIEW_CREDENTIALS = "database:view_credentials"
ALL_SCOPES = frozenset(
    {
        "database:read",
        "database:create",
        "database:update",
        "database:delete",
        VIEW_CREDENTIALS,
    }
)

_CLUSTERS = "/v2/databases"
_CLUSTER = f"{_CLUSTERS}/{{database_cluster_uuid}}"
_USERS = f"{_CLUSTER}/users"
_USER = f"{_USERS}/{{username}}"

_READ_ONLY_FIELDS = frozenset({"role", "password", "access_cert", "access_key"})


@frozen
class Caller:
    """A request and what its token may do."""

    request: RecordedRequest
    scopes: frozenset[str]

    def view_of_cluster(self, cluster: Cluster) -> JsonObject:
        """Return what the caller gets to see of the cluster."""
        return cluster_view(cluster, sees_credentials=VIEW_CREDENTIALS in self.scopes)

    def view_of_user(
        self, user: JsonObject, cluster: Cluster, *, fresh: bool = False
    ) -> JsonObject:
        """Return what the caller gets to see of the user."""
        sees_credentials = VIEW_CREDENTIALS in self.scopes
        return user_view(user, cluster, sees_credentials=sees_credentials, fresh=fresh)


class DigitalOceanAPI:
    """The eight operations on clusters and their users, as the provider answers them."""

    def __init__(
        self,
        clusters: Iterable[Cluster],
        *,
        rng: Random,
        limits: bool,
        page_size: int | None,
        omit_settings_on_get: bool,
    ) -> None:
        self._clusters = {cluster["id"]: cluster for cluster in clusters}
        self._rng = rng
        self._limits = limits
        self._page_size = page_size
        self._omit_settings_on_get = omit_settings_on_get
        self._scopes: dict[str, frozenset[str]] = {}
        self._budgets: defaultdict[str, Budget] = defaultdict(_new_budget)
        # Where the API is reached, for absolute links; the server says so once it listens.
        self.origin = ""
        self._routes: tuple[Route[Callable[..., Answer]], ...] = (
            Route("GET", _CLUSTERS, self._list_clusters, "database:read"),
            Route("GET", _CLUSTER, self._get_cluster, "database:read"),
            Route("GET", _USERS, self._list_users, "database:read"),
            Route("POST", _USERS, self._add_user, "database:create"),
            Route("GET", _USER, self._get_user, "database:read"),
            Route("PUT", _USER, self._update_user, "database:update"),
            Route("DELETE", _USER, self._delete_user, "database:delete"),
            # Not the scope of updating: so says the provider's own OpenAPI description.
            Route("POST", f"{_USER}/reset_auth", self._reset_auth, "database:create"),
        )

    def add_token(self, scopes: Iterable[str]) -> Hidden:
        """Add a token with these scopes and its own budget; `ValueError` for unknown scopes."""
        wanted = frozenset(scopes)
        if wanted - ALL_SCOPES:
            raise ValueError(f"unknown scopes: {', '.join(sorted(wanted - ALL_SCOPES))}")
        token = Hidden(f"dop_v1_{secrets.token_hex(32)}")
        self._scopes[token] = wanted
        return token

    def answer(self, request: RecordedRequest) -> Answer:
        """Process the request: token, limit, route, scope and then the operation itself."""
        request_id = self._new_id()
        try:
            if self._limits:
                _spend(self._budget(request), request.time)
            answer = self._operate(request)
        except Problem as problem:
            body = problem_body(problem.status, problem.message, request_id)
            answer = Answer.json(problem.status, body, problem.headers)
        return self._with_standard_headers(answer, request, request_id)

    def scripted(self, request: RecordedRequest, status: int) -> Answer:
        """Make the provider's answer of this status, for a fault; it changes and counts nothing."""
        request_id = self._new_id()
        answer = Answer(status)
        if status >= 400:
            body = problem_body(status, status_phrase(status) or "error", request_id)
            answer = Answer.json(status, body)
        return self._with_standard_headers(answer, request, request_id)

    def _budget(self, request: RecordedRequest) -> Budget:
        token = request.credentials("bearer").reveal()
        # Callers without a valid token share one budget, as they would by their address.
        return self._budgets[token if token in self._scopes else ""]

    def _with_standard_headers(
        self, answer: Answer, request: RecordedRequest, request_id: str
    ) -> Answer:
        hour, now = self._budget(request).windows[0], request.time
        remaining = 0 if answer.status == 429 else hour.remaining(now)
        standard = {
            "ratelimit-limit": str(hour.limit),
            "ratelimit-remaining": str(remaining),
            "ratelimit-reset": str(math.ceil(hour.frees_at(now))),
            "x-request-id": request_id,
        }
        return evolve(answer, headers={**standard, **answer.headers})

    def _operate(self, request: RecordedRequest) -> Answer:
        scopes = self._scopes.get(request.credentials("bearer").reveal())
        if scopes is None:
            raise Problem(401, "Unable to authenticate you")
        try:
            route, parameters = find(self._routes, request.method, request.segments)
        except NoSuchPath:
            raise Problem(404, "The resource you requested could not be found.") from None
        except WrongMethod as wrong:
            allow = {"allow": ", ".join(wrong.allowed)}
            raise Problem(405, f"{request.method} is not allowed here", allow) from None
        if route.scope not in scopes:
            raise Problem(403, f"You are missing the required permission {route.scope}")
        return route.operation(Caller(request, scopes), *parameters)

    # Clusters

    def _list_clusters(self, caller: Caller) -> Answer:
        clusters: Iterable[Cluster] = self._clusters.values()
        tag = caller.request.query.get("tag_name")
        if tag is not None:
            clusters = [cluster for cluster in clusters if tag in (cluster["tags"] or ())]
        return self._list(
            "databases", [caller.view_of_cluster(cluster) for cluster in clusters], caller
        )

    def _get_cluster(self, caller: Caller, cluster_id: str) -> Answer:
        return Answer.json(200, {"database": caller.view_of_cluster(self._cluster(cluster_id))})

    # Users

    def _list_users(self, caller: Caller, cluster_id: str) -> Answer:
        cluster = self._cluster_with_users(cluster_id)
        views = [caller.view_of_user(user, cluster) for user in cluster.users.values()]
        return self._list("users", views, caller)

    def _add_user(self, caller: Caller, cluster_id: str) -> Answer:
        cluster = self._cluster_with_users(cluster_id)
        body = _json_object(caller.request)
        user = self._new_user(body, cluster["engine"])
        if user["name"] in cluster.users:
            raise Problem(409, f"a user named {user['name']} already exists")
        cluster.users[user["name"]] = user
        return Answer.json(201, {"user": caller.view_of_user(user, cluster, fresh=True)})

    def _get_user(self, caller: Caller, cluster_id: str, name: str) -> Answer:
        cluster, user = self._user(cluster_id, name)
        view = caller.view_of_user(user, cluster)
        if self._omit_settings_on_get:
            view = {key: value for key, value in view.items() if key != "settings"}
        return Answer.json(200, {"user": view})

    def _update_user(self, caller: Caller, cluster_id: str, name: str) -> Answer:
        cluster, user = self._user(cluster_id, name)
        engine = cluster["engine"]
        body = _json_object(caller.request)
        refuse_unknown(body, {"settings"})
        if "settings" not in body:
            raise Problem(422, "settings is required")
        if engine not in UPDATABLE:
            raise Problem(422, f"updating a user is not supported for the engine {engine}")
        if user["role"] == "primary":
            raise Problem(422, "the primary user cannot be changed")
        user["settings"] = read_settings(body["settings"], engine, self._new_id)
        return Answer.json(201, {"user": caller.view_of_user(user, cluster)})

    def _delete_user(self, caller: Caller, cluster_id: str, name: str) -> Answer:
        cluster, user = self._user(cluster_id, name)
        if user["role"] == "primary":
            raise Problem(422, "the primary user cannot be deleted")
        del cluster.users[name]
        return Answer(204)

    def _reset_auth(self, caller: Caller, cluster_id: str, name: str) -> Answer:
        cluster, user = self._user(cluster_id, name)
        body = _json_object(caller.request)
        refuse_unknown(body, {"mysql_settings"})
        if body.get("mysql_settings") is not None:
            user["mysql_settings"] = read_mysql_settings(body["mysql_settings"], cluster["engine"])
        give_credentials(user, cluster["engine"], self._rng)
        if user["role"] == "primary":
            cluster.connect_as(user["password"])
        return Answer.json(200, {"user": caller.view_of_user(user, cluster, fresh=True)})

    # What the operations share

    def _cluster(self, cluster_id: str) -> Cluster:
        cluster = self._clusters.get(cluster_id)
        if cluster is None:
            raise Problem(404, "cluster not found")
        return cluster

    def _cluster_with_users(self, cluster_id: str) -> Cluster:
        cluster = self._cluster(cluster_id)
        if cluster["status"] == "creating":
            raise Problem(404, "cluster is not ready yet")
        if cluster["engine"] in WITHOUT_USERS:
            engine = cluster["engine"]
            raise Problem(412, f"user management is not supported for the engine {engine}")
        return cluster

    def _user(self, cluster_id: str, name: str) -> tuple[Cluster, JsonObject]:
        cluster = self._cluster_with_users(cluster_id)
        user = cluster.users.get(name)
        if user is None:
            raise Problem(404, "user not found")
        return cluster, user

    def _new_user(self, body: JsonObject, engine: str) -> JsonObject:
        read_only = sorted(_READ_ONLY_FIELDS & set(body))
        if read_only:
            raise Problem(422, f"{read_only[0]} is read-only")
        refuse_unknown(body, {"name", "mysql_settings", "settings", "readonly"})
        user: JsonObject = {"name": _valid_name(body.get("name")), "role": "normal"}
        if engine in MYSQL:
            user["mysql_settings"] = {"auth_plugin": DEFAULT_AUTH_PLUGIN}
        if body.get("mysql_settings") is not None:
            user["mysql_settings"] = read_mysql_settings(body["mysql_settings"], engine)
        given = body.get("settings")
        settings = read_settings({} if given is None else given, engine, self._new_id)
        if body.get("readonly") is not None:
            if engine != "mongodb" or not isinstance(body["readonly"], bool):
                raise Problem(422, "readonly must be a boolean, and is for the engine mongodb only")
            if body["readonly"]:
                settings.setdefault(
                    "mongo_user_settings", {"databases": ["admin"], "role": "readOnly"}
                )
        if settings:
            user["settings"] = settings
        give_credentials(user, engine, self._rng)
        return user

    def _list(self, key: str, values: list[Any], caller: Caller) -> Answer:
        if self._page_size is None:
            # The provider's server is written in Go, where an empty list may become null.
            return Answer.json(200, {key: values or None})
        page = one_page(key, values, caller.request, self.origin, self._page_size)
        return Answer.json(200, page)

    def _new_id(self) -> str:
        return str(UUID(int=self._rng.getrandbits(128), version=4))


def _new_budget() -> Budget:
    return Budget(Window(HOUR_LIMIT, 3_600), Window(MINUTE_LIMIT, 60))


def _spend(budget: Budget, now: float) -> None:
    wait = budget.spend(now)
    if wait:
        raise Problem(429, "API rate limit exceeded.", {"retry-after": str(wait)})


def _json_object(request: RecordedRequest) -> JsonObject:
    if not request.body:
        raise Problem(400, "a request body is required")
    if not request.has_json_type:
        raise Problem(415, "the content type must be application/json")
    try:
        body = request.revealed_json()
    except orjson.JSONDecodeError:
        raise Problem(400, "the request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise Problem(400, "the request body must be a JSON object")
    return body


def _valid_name(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise Problem(422, "name is required and must be a string")
    if len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise Problem(422, f"name must be at most {MAX_NAME_LENGTH} printable characters")
    return name
