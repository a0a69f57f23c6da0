from collections.abc import Mapping

import pytest

from dbusers.audit import DatabaseRecord, Engine
from dbusers.audit.accounts.selection import Selection

ORDERS = DatabaseRecord(
    "A",
    "1",
    "orders-eu",
    engine=Engine.POSTGRESQL,
    region="fra1",
    tags=frozenset({"production", "team:data"}),
)
UNTAGGED = DatabaseRecord("A", "2", "orders-us", engine="influxdb", tags=frozenset())
OF_UNKNOWN = DatabaseRecord("A", "3", "carts[1]")


@pytest.mark.parametrize(
    ("include", "exclude", "taken"),
    [
        ({}, {}, "123"),
        ({"name": ("orders-*",)}, {}, "12"),
        ({"name": ("orders-??",)}, {}, "12"),
        ({"name": ("orders",)}, {}, ""),
        ({"name": ("carts[1]",)}, {}, "3"),
        ({"name": ("Orders-eu",)}, {}, ""),
        ({"name": ("carts*", "*-us")}, {}, "23"),
        ({"tag": ("production",)}, {}, "13"),
        ({"tag": ("staging", "team:*")}, {}, "13"),
        ({"engine": ("postgresql",)}, {}, "13"),
        ({"engine": ("postgresql",), "region": ("nyc*",)}, {}, "3"),
        ({"region": ("fra1",)}, {}, "123"),
        ({}, {"tag": ("production",)}, "23"),
        ({}, {"region": ("*",)}, "23"),
        ({}, {"engine": ("*",)}, "3"),
        ({"name": ("orders*",)}, {"name": ("*-us",)}, "1"),
        ({}, {"name": ("*-us",), "engine": ("postgresql",)}, "3"),
    ],
)
def test_patterns_take_what_matches_and_never_leave_out_what_is_unknown(
    include: Mapping[str, tuple[str, ...]], exclude: Mapping[str, tuple[str, ...]], taken: str
) -> None:
    selection = Selection(include, exclude)

    found = [each.id for each in (ORDERS, UNTAGGED, OF_UNKNOWN) if selection.takes(each)]

    assert "".join(found) == taken
