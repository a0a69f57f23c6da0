"""Scalingo's pages: `meta.pagination.next_page`, on the lists that have them."""

from typing import Any

import attrs

from dbusers.adapter import Adapter
from dbusers.codec import Problem
from dbusers.request import RequestInformation
from dbusers.response import Response


async def all_pages(
    adapter: Adapter, request: RequestInformation, cls: Any, *keys: str
) -> tuple[list[Any], Response]:
    """Return the items of all pages of a list, and the answer with the last page.

    The list stands under one of `keys`.

    A page that is not fetched would be taken for things that do not exist.
    """
    items: list[Any] = []
    page = 1
    while True:
        response = await adapter.send(request)
        items += response.read(list[cls] | None, at=_key(response, keys)) or ()
        following = _next_page(response)
        if following is None:
            return items, response
        if following <= page:
            raise response.unexpected(Problem(("pages in a circle @ $.meta.pagination.next_page",)))
        page = following
        query = {**request.query_parameters, "page": page}
        request = attrs.evolve(request, query_parameters=query)


def _next_page(response: Response) -> int | None:
    found: Any = response.json()
    for key in ("meta", "pagination", "next_page"):
        if not isinstance(found, dict) or found.get(key) is None:
            return None
        found = found[key]
    if not isinstance(found, int) or isinstance(found, bool):
        raise response.unexpected(Problem(("expected a number @ $.meta.pagination.next_page",)))
    return found


def _key(response: Response, keys: tuple[str, ...]) -> str:
    document = response.json()
    found = (key for key in keys if isinstance(document, dict) and key in document)
    return next(found, keys[0])
