"""DigitalOcean's general rule of paging: `page`, `per_page` and absolute links."""

import math
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from dbusers.testing.digitalocean.problem import Problem
from dbusers.testing.wire import JsonObject, RecordedRequest

MAX_PER_PAGE = 200  # entries; API introduction, "Links & pagination"


def one_page(
    key: str, values: Sequence[Any], request: RecordedRequest, origin: str, page_size: int
) -> JsonObject:
    """Make the page that the request asks for, with its links and the total.

    `page_size` is what a page holds unless the request says `per_page`. Raises `Problem` 422 for
    numbers that are none.
    """
    try:
        page = request.positive("page", 1)
        per_page = min(request.positive("per_page", page_size), MAX_PER_PAGE)
    except ValueError as error:
        raise Problem(422, str(error)) from None
    last = max(1, math.ceil(len(values) / per_page))

    def link(number: int) -> str:
        query = {**request.query, "page": number, "per_page": per_page}
        return f"{origin}{request.path}?{urlencode(query)}"

    pages: dict[str, str] = {}
    if page > 1:
        pages |= {"first": link(1), "prev": link(page - 1)}
    if page < last:
        pages |= {"next": link(page + 1), "last": link(last)}
    shown = list(values[(page - 1) * per_page : page * per_page])
    return {
        key: shown or None,
        "links": {"pages": pages} if pages else {},
        "meta": {"total": len(values)},
    }
