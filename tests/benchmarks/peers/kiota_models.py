"""Models as Kiota generates them for Python: each names, when asked, a setter for each key.

What writes them is left out: the benchmark reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from kiota_abstractions.api_error import APIError
from kiota_abstractions.serialization import AdditionalDataHolder, Parsable

Deserializers = dict[str, Callable[[Any], None]]


class Role(StrEnum):
    Primary = "primary"
    Normal = "normal"


class AuthPlugin(StrEnum):
    Mysql_native_password = "mysql_native_password"
    Caching_sha2_password = "caching_sha2_password"


class KafkaPermission(StrEnum):
    Admin = "admin"
    Consume = "consume"
    Produce = "produce"
    Produceconsume = "produceconsume"


class OpenSearchPermission(StrEnum):
    Deny = "deny"
    Admin = "admin"
    Read = "read"
    Readwrite = "readwrite"
    Write = "write"


class MongoRole(StrEnum):
    ReadOnly = "readOnly"
    ReadWrite = "readWrite"
    DbAdmin = "dbAdmin"


@dataclass
class Model(AdditionalDataHolder, Parsable):
    """What generated models repeat in every class."""

    additional_data: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def create_from_discriminator_value(cls, parse_node: Any) -> Self:
        if parse_node is None:
            raise TypeError("parse_node cannot be null.")
        return cls()

    def serialize(self, writer: Any) -> None:
        raise NotImplementedError


@dataclass
class MySQLSettings(Model):
    auth_plugin: AuthPlugin | None = None

    def get_field_deserializers(self) -> Deserializers:
        return {
            "auth_plugin": lambda n: setattr(self, "auth_plugin", n.get_enum_value(AuthPlugin)),
        }


@dataclass
class KafkaAcl(Model):
    id: str | None = None
    topic: str | None = None
    permission: KafkaPermission | None = None

    def get_field_deserializers(self) -> Deserializers:
        return {
            "id": lambda n: setattr(self, "id", n.get_str_value()),
            "permission": lambda n: setattr(self, "permission", n.get_enum_value(KafkaPermission)),
            "topic": lambda n: setattr(self, "topic", n.get_str_value()),
        }


@dataclass
class OpenSearchAcl(Model):
    index: str | None = None
    permission: OpenSearchPermission | None = None

    def get_field_deserializers(self) -> Deserializers:
        return {
            "index": lambda n: setattr(self, "index", n.get_str_value()),
            "permission": lambda n: setattr(
                self, "permission", n.get_enum_value(OpenSearchPermission)
            ),
        }


@dataclass
class MongoUserSettings(Model):
    databases: list[str] | None = None
    role: MongoRole | None = None

    def get_field_deserializers(self) -> Deserializers:
        return {
            "databases": lambda n: setattr(
                self, "databases", n.get_collection_of_primitive_values(str)
            ),
            "role": lambda n: setattr(self, "role", n.get_enum_value(MongoRole)),
        }


@dataclass
class UserSettings(Model):
    pg_allow_replication: bool | None = None
    opensearch_acl: list[OpenSearchAcl] | None = None
    acl: list[KafkaAcl] | None = None
    mongo_user_settings: MongoUserSettings | None = None

    def get_field_deserializers(self) -> Deserializers:
        return {
            "acl": lambda n: setattr(self, "acl", n.get_collection_of_object_values(KafkaAcl)),
            "mongo_user_settings": lambda n: setattr(
                self, "mongo_user_settings", n.get_object_value(MongoUserSettings)
            ),
            "opensearch_acl": lambda n: setattr(
                self, "opensearch_acl", n.get_collection_of_object_values(OpenSearchAcl)
            ),
            "pg_allow_replication": lambda n: setattr(
                self, "pg_allow_replication", n.get_bool_value()
            ),
        }


@dataclass
class DatabaseUser(Model):
    name: str | None = None
    role: Role | None = None
    password: str | None = None
    access_cert: str | None = None
    access_key: str | None = None
    mysql_settings: MySQLSettings | None = None
    settings: UserSettings | None = None
    mongo_user_settings: MongoUserSettings | None = None

    def get_field_deserializers(self) -> Deserializers:
        return {
            "access_cert": lambda n: setattr(self, "access_cert", n.get_str_value()),
            "access_key": lambda n: setattr(self, "access_key", n.get_str_value()),
            "mongo_user_settings": lambda n: setattr(
                self, "mongo_user_settings", n.get_object_value(MongoUserSettings)
            ),
            "mysql_settings": lambda n: setattr(
                self, "mysql_settings", n.get_object_value(MySQLSettings)
            ),
            "name": lambda n: setattr(self, "name", n.get_str_value()),
            "password": lambda n: setattr(self, "password", n.get_str_value()),
            "role": lambda n: setattr(self, "role", n.get_enum_value(Role)),
            "settings": lambda n: setattr(self, "settings", n.get_object_value(UserSettings)),
        }


@dataclass
class UserAnswer(Model):
    user: DatabaseUser | None = None

    def get_field_deserializers(self) -> Deserializers:
        return {"user": lambda n: setattr(self, "user", n.get_object_value(DatabaseUser))}


@dataclass
class UsersAnswer(Model):
    users: list[DatabaseUser] | None = None

    def get_field_deserializers(self) -> Deserializers:
        return {
            "users": lambda n: setattr(
                self, "users", n.get_collection_of_object_values(DatabaseUser)
            )
        }


@dataclass
class Error(APIError):
    """What the API answers where it refuses; never made here."""
