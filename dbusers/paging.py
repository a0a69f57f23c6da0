"""Lists in pages: all of them, or an error.

A page that is not fetched would be taken for things that do not exist.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from dbusers.adapter import Adapter
from dbusers.codec import Problem
from dbusers.request import RequestInformation
from dbusers.response import Response

MOST_PAGES: Final = (
    10_000  # far more than an account has; without an end they would fill the memory
)

NextPage = Callable[[Any, RequestInformation], RequestInformation | Problem | None]
"""A provider's way to the next page, from a page's document and request; None: it was the last."""


@cache  # a type made anew takes as long as a list of one user
def _list_or_null(cls: Any) -> Any:
    return list[cls] | None


async def all_pages(
    adapter: Adapter, request: RequestInformation, next_page: NextPage, cls: Any, *keys: str
) -> tuple[list[Any], Response]:
    """Return the items of all pages, and the answer with the last one.

    The list stands under the first of `keys` that is there; null is an empty list.
    """
    items: list[Any] = []
    page = _list_or_null(cls)
    seen = {request.url}
    while True:
        response = await adapter.send(request)
        items += response.read(page, *keys) or ()
        following = next_page(response.json(), request)
        if following is None:
            return items, response
        if isinstance(following, RequestInformation) and following.url in seen:
            following = Problem(("the pages go in a circle @ $",))
        if len(seen) == MOST_PAGES:
            following = Problem((f"more than {MOST_PAGES} pages @ $",))
        if isinstance(following, Problem):
            raise response.unexpected(following)
        seen.add(following.url)
        request = following
