"""Scalingo's authentication, platform and database APIs, over one account's fleet.

The three hosts of the provider are one origin here; their paths do not collide.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import orjson

from dbusers.testing.limits import Budget, Window
from dbusers.testing.routes import NoSuchPath, Route, WrongMethod, find
from dbusers.testing.scalingo.bearers import PLATFORM, Bearers
from dbusers.testing.scalingo.fleet import WITH_USERS, Database, ScalingoFleet
from dbusers.testing.scalingo.passwords import chosen_password
from dbusers.testing.scalingo.problem import (
    Problem,
    answer_of_status,
    bad_request,
    forbidden,
    invalid,
    not_found,
    unauthorized,
)
from dbusers.testing.wire import Answer, Hidden, JsonObject, RecordedRequest

MINUTE_LIMIT = 60  # requests per 60 s, over all hosts; API reference, "Rate limiting"
PER_PAGE = 20  # entries on a page unless asked otherwise
MAX_PER_PAGE = 100  # entries

# The API's text and the guides contradict each other; a name that either accepts passes here.
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_]|-(?!-))*[A-Za-z0-9_]")
_NAME_LENGTHS = {"mysql": (6, 16)}
_DEFAULT_NAME_LENGTH = (6, 32)

_USERS_PATH = "/api/databases/{db}/users"
_USER_PATH = f"{_USERS_PATH}/{{username}}"


class ScalingoAPI:
    """The token chain, the inventory and the database users, as the provider answers them."""

    def __init__(self, fleet: ScalingoFleet, *, rng: Random, limits: bool) -> None:
        self._fleet = fleet
        self._rng = rng
        self._limits = limits
        self._budget = Budget(Window(MINUTE_LIMIT, 60))
        self._apps = {key: app for app in fleet.apps for key in (app["id"], app["name"])}
        self._databases = {database["id"]: database for database in fleet.databases}
        self._addons: dict[str, dict[str, JsonObject]] = {app["id"]: {} for app in fleet.apps}
        for addon in fleet.addons:
            self._addons[addon["app_id"]][addon["id"]] = addon
        self.bearers: Bearers = Bearers()
        # Where the APIs are reached, for the list of regions; the server says so once it listens.
        self.origin = ""
        self._routes: tuple[Route[Callable[..., Answer]], ...] = (
            Route("POST", "/v1/tokens/exchange", self._exchange_token),
            Route("GET", "/v1/regions", self._list_regions),
            Route("GET", "/v1/apps", self._list_apps),
            Route("GET", "/v1/apps/{app}/addons", self._list_addons),
            Route("POST", "/v1/apps/{app}/addons/{addon_id}/token", self._create_addon_token),
            Route("GET", "/v1/databases", self._list_dedicated),
            Route("GET", "/api/databases/{db}", self._get_database),
            Route("GET", _USERS_PATH, self._list_users),
            Route("POST", _USERS_PATH, self._create_user),
            Route("PATCH", _USER_PATH, self._update_user),
            Route("DELETE", _USER_PATH, self._delete_user),
            Route("POST", f"{_USER_PATH}/reset_password", self._reset_password),
            # The documentation says POST; the provider's Go client sends PATCH.
            Route("PATCH", f"{_USER_PATH}/reset_password", self._reset_password),
        )

    def database_token(self, database_id: str, now: float) -> Hidden:
        """Issue a bearer for one database; `KeyError` when there is none of this id."""
        return self.bearers.issue(self._databases[database_id]["id"], now)

    def answer(self, request: RecordedRequest) -> Answer:
        """Process the request: limit, route, bearer and then the operation itself."""
        if self._limits and self._budget.spend(request.time):
            return answer_of_status(429)
        try:
            route, parameters = find(self._routes, request.method, request.segments)
            return route.operation(request, *parameters)
        except NoSuchPath:
            return Answer.json(404, {"error": "not found"})
        except WrongMethod as wrong:
            allow = {"allow": ", ".join(wrong.allowed)}
            return Answer.json(405, {"error": "method not allowed"}, allow)
        except Problem as problem:
            return Answer.json(problem.status, problem.body, problem.headers)

    def scripted(self, request: RecordedRequest, status: int) -> Answer:
        """Make the provider's answer of this status, for a fault; it changes and counts nothing."""
        return answer_of_status(status)

    # The authentication host

    def _exchange_token(self, request: RecordedRequest) -> Answer:
        if _basic_credentials(request) != ("", self.bearers.api_token):
            raise unauthorized("invalid token")
        return Answer.json(200, {"token": self.bearers.issue(PLATFORM, request.time)})

    def _list_regions(self, request: RecordedRequest) -> Answer:
        self._authorize(request, PLATFORM)
        regions = [
            {
                "name": name,
                "display_name": display_name,
                "api": self.origin,
                "dashboard": f"https://dashboard.example.com/{name}",
                "database_api": self.origin,
                "ssh": f"ssh.{name}.example.com:22",
            }
            for name, display_name in (("osc-fr1", "Paris"), ("osc-secnum-fr1", "Paris SecNum"))
        ]
        return Answer.json(200, {"regions": regions})

    # The platform host

    def _list_apps(self, request: RecordedRequest) -> Answer:
        self._authorize(request, PLATFORM)
        if "page" not in request.query:
            return Answer.json(200, {"apps": self._fleet.apps})
        return _one_page("apps", self._fleet.apps, request)

    def _list_addons(self, request: RecordedRequest, app: str) -> Answer:
        self._authorize(request, PLATFORM)
        return Answer.json(200, {"addons": list(self._addons_of(app).values())})

    def _create_addon_token(self, request: RecordedRequest, app: str, addon_id: str) -> Answer:
        self._authorize(request, PLATFORM)
        addon = self._addons_of(app).get(addon_id)
        if addon is None:
            raise not_found("addon")
        token = self.bearers.issue(addon_id, request.time)
        return Answer.json(200, {"addon": {**addon, "token": token}})

    def _list_dedicated(self, request: RecordedRequest) -> Answer:
        self._authorize(request, PLATFORM)
        return _one_page("databases", self._fleet.dedicated, request)

    # The database host

    def _get_database(self, request: RecordedRequest, database_id: str) -> Answer:
        return Answer.json(200, {"database": self._database(request, database_id)})

    def _list_users(self, request: RecordedRequest, database_id: str) -> Answer:
        database = self._database_with_users(request, database_id)
        return Answer.json(200, {"database-users": list(database.users.values())})

    def _create_user(self, request: RecordedRequest, database_id: str) -> Answer:
        database = self._database_with_users(request, database_id)
        body = _database_user(request)
        password_fields = {"password", "password_confirmation"}
        _refuse_unknown(body, {"database_id", "name", "read_only", *password_fields})
        _check_database_id(body, database_id)
        name = _valid_name(body.get("name"), database["type_name"])
        if name in database.users:
            raise invalid("name", "has already been taken")
        read_only = body.get("read_only")
        if read_only is not None and not isinstance(read_only, bool):
            raise invalid("read_only", "must be a boolean")
        password = chosen_password(body, self._rng)
        user: JsonObject = {"name": name, "read_only": bool(read_only), "protected": False}
        _encrypt_password(user, database)
        database.users[name] = user
        return _user_with_password(201, user, password)

    def _update_user(self, request: RecordedRequest, database_id: str, name: str) -> Answer:
        database = self._database_with_users(request, database_id)
        user = _changeable_user(database, name)
        body = _database_user(request)
        _refuse_unknown(body, {"database_id", "password", "password_confirmation"})
        _check_database_id(body, database_id)
        password = chosen_password(body, self._rng)
        _encrypt_password(user, database)
        return _user_with_password(200, user, password)

    def _delete_user(self, request: RecordedRequest, database_id: str, name: str) -> Answer:
        database = self._database_with_users(request, database_id)
        _changeable_user(database, name)
        del database.users[name]
        return Answer(204)

    def _reset_password(self, request: RecordedRequest, database_id: str, name: str) -> Answer:
        database = self._database_with_users(request, database_id)
        user = _changeable_user(database, name)
        _encrypt_password(user, database)
        return _user_with_password(200, user, chosen_password({}, self._rng))

    # What the operations share

    def _authorize(self, request: RecordedRequest, audience: str) -> None:
        bearer = request.credentials("bearer").reveal()
        if not bearer:
            raise unauthorized("a bearer token is required")
        found = self.bearers.audience_of(bearer, request.time)
        if found is None or (found == PLATFORM) != (audience == PLATFORM):
            raise unauthorized("invalid or expired token")
        if found != audience:
            if audience not in self._databases:
                raise not_found("database")
            raise forbidden("this token is for another database", "wrong_database")

    def _addons_of(self, app: str) -> dict[str, JsonObject]:
        found = self._apps.get(app)
        if found is None:
            raise not_found("app")
        return self._addons[found["id"]]

    def _database(self, request: RecordedRequest, database_id: str) -> Database:
        self._authorize(request, database_id)
        return self._databases[database_id]

    def _database_with_users(self, request: RecordedRequest, database_id: str) -> Database:
        database = self._database(request, database_id)
        type_name = database["type_name"]
        if type_name not in WITH_USERS:
            raise bad_request(f"user management is not available for {type_name}")
        return database


def _basic_credentials(request: RecordedRequest) -> tuple[str, str] | None:
    encoded = request.credentials("basic").reveal()
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).partition(b":")
        return (user.decode(), password.decode()) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def _database_user(request: RecordedRequest) -> JsonObject:
    """Return the object under the root; a body of another type counts as none, as in Rails."""
    body: Any = None
    if request.has_json_type and request.body:
        try:
            body = request.revealed_json()
        except orjson.JSONDecodeError:
            raise bad_request("the request body is not valid JSON") from None
    user = body.get("database_user") if isinstance(body, dict) else None
    if not isinstance(user, dict):
        raise bad_request("param is missing or the value is empty: database_user")
    return user


def _refuse_unknown(body: JsonObject, known: set[str]) -> None:
    unknown = sorted(set(body) - known)
    if unknown:
        raise invalid(unknown[0], "is not a known parameter")


def _check_database_id(body: JsonObject, database_id: str) -> None:
    if body.get("database_id", database_id) != database_id:
        raise invalid("database_id", "is not the database of the path")


def _valid_name(name: object, type_name: str) -> str:
    if not isinstance(name, str) or not name:
        raise invalid("name", "can't be blank")
    shortest, longest = _NAME_LENGTHS.get(type_name, _DEFAULT_NAME_LENGTH)
    if not shortest <= len(name) <= longest:
        raise invalid("name", f"must have {shortest} to {longest} characters")
    if not _NAME.fullmatch(name):
        raise invalid("name", "must be letters, digits, underscores and single inner hyphens")
    return name


def _changeable_user(database: Database, name: str) -> JsonObject:
    user = database.users.get(name)
    if user is None:
        raise not_found("database_user")
    if user["protected"]:
        raise forbidden("a protected user cannot be changed or removed", "protected_user")
    return user


def _encrypt_password(user: JsonObject, database: Database) -> None:
    # PostgreSQL stores a new password in the server's present way, whatever the old one's was.
    if database["type_name"] == "postgresql":
        user["dbms_attributes"] = {"password_encryption": "SCRAM-SHA-256"}


def _user_with_password(status: int, user: JsonObject, password: Hidden) -> Answer:
    # The documentation shows the user unrooted, the provider's own clients read it under this root.
    return Answer.json(status, {"database_user": {**user, "password": password}})


def _one_page(key: str, values: Sequence[JsonObject], request: RecordedRequest) -> Answer:
    try:
        page = request.positive("page", 1)
        per_page = min(request.positive("per_page", PER_PAGE), MAX_PER_PAGE)
    except ValueError as error:
        raise bad_request(str(error)) from None
    total_pages = max(1, math.ceil(len(values) / per_page))
    pagination = {
        "current_page": page,
        "prev_page": page - 1 if page > 1 else None,
        "next_page": page + 1 if page < total_pages else None,
        "total_pages": total_pages,
        "total_count": len(values),
    }
    shown = list(values[(page - 1) * per_page : page * per_page])
    return Answer.json(200, {key: shown, "meta": {"pagination": pagination}})
