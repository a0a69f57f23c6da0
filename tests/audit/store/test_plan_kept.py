from collections.abc import Iterator
from pathlib import Path

import pytest

from dbusers.audit.store import Store
from tests.audit.stored_fleet import STARTED, listed


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "audit.db") as opened:
        yield opened


def test_the_plan_is_kept_beside_what_was_sent_and_how_long_it_took(store: Store) -> None:
    run = store.begin(STARTED, {"prod": "DigitalOcean", "late": "Scalingo"})
    store.add(run, listed(2))
    store.set_plan(run, "prod", 3, 60.0)
    store.add_requests(run, "prod", 3, 61.5)

    again = store.resume(run)
    store.add_requests(again, "prod", 1, 0.5)

    late, prod = store.coverage(again)
    assert (prod.planned, prod.floor, prod.requests, prod.seconds) == (3, 60.0, 4, 62.0)
    assert (late.planned, late.floor, late.requests, late.seconds) == (None, None, None, 0.0)
