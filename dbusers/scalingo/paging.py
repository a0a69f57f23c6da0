"""Scalingo's pages: `meta.pagination.next_page`, on the lists that have them."""

from typing import Any

import attrs

from dbusers.codec import Problem
from dbusers.request import RequestInformation


def next_page(document: Any, request: RequestInformation) -> RequestInformation | Problem | None:
    """Return the request for the page that `meta.pagination.next_page` names, None after the last.

    To be passed to `dbusers.paging.all_pages`.
    """
    found = document
    for path, key in (
        ("$", "meta"),
        ("$.meta", "pagination"),
        ("$.meta.pagination", "next_page"),
    ):
        if not isinstance(found, dict):
            return Problem((f"expected an object @ {path}",))
        found = found.get(key)
        if found is None:
            return None
    if type(found) is not int:
        return Problem(("expected a whole number @ $.meta.pagination.next_page",))
    return attrs.evolve(request, query_parameters={**request.query_parameters, "page": found})
