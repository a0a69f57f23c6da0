"""Open enumerations: the known values, in whatever spelling, and room for new ones."""

import pytest

from dbusers.digitalocean import KafkaPermission, MongoRole, OpenSearchPermission
from dbusers.openenum import OpenEnum
from dbusers.scalingo import PasswordEncryption


@pytest.mark.parametrize(
    ("spelling", "known"),
    [
        ("produceconsume", KafkaPermission.PRODUCECONSUME),
        ("produce_consume", KafkaPermission.PRODUCECONSUME),
        ("PRODUCE-CONSUME", KafkaPermission.PRODUCECONSUME),
        ("Produce Consume", KafkaPermission.PRODUCECONSUME),
        ("ADMIN", KafkaPermission.ADMIN),
        ("read_write", OpenSearchPermission.READWRITE),
        ("READ_ONLY", MongoRole.READ_ONLY),
        ("dbadmin", MongoRole.DB_ADMIN),
        ("scram-sha-256", PasswordEncryption.SCRAM_SHA_256),
        ("SCRAM_SHA_256", PasswordEncryption.SCRAM_SHA_256),
        ("md5", PasswordEncryption.MD5),
    ],
)
def test_spellings_seen_in_the_field_are_known(spelling: str, known: OpenEnum) -> None:
    assert type(known).of(spelling) is known


@pytest.mark.parametrize("unknown", ["", "delete", "produce,consume", "admin2"])
def test_a_new_value_is_none_of_the_known(unknown: str) -> None:
    assert KafkaPermission.of(unknown) is None


def test_a_member_is_its_text_on_the_wire() -> None:
    text: str = KafkaPermission.PRODUCECONSUME

    assert text == "produceconsume"
    assert f"{KafkaPermission.ADMIN}" == "admin"


def test_no_two_known_values_are_spelled_alike() -> None:
    for enumeration in OpenEnum.__subclasses__():
        for member in enumeration:
            assert enumeration.of(member) is member
