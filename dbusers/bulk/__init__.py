"""One operation on many users or databases: bounded, each with one end, and nothing lost.

    async with Bulk(users, lambda user: user.reset_auth.post(), concurrency=20) as results:
        async for result in results:
            if isinstance(result, Done):
                ...

`results` has the three ends that an item may come to, and what may be said of an error; `run` has
`Bulk`, which brings each item to one of them. The pace is set by the client's own budget.
"""

from dbusers.bulk.results import (
    Done,
    Failed,
    HookFailed,
    Interrupted,
    NotStarted,
    Result,
    Summary,
    is_hopeless,
)
from dbusers.bulk.run import Bulk

__all__ = [
    "Bulk",
    "Done",
    "Failed",
    "HookFailed",
    "Interrupted",
    "NotStarted",
    "Result",
    "Summary",
    "is_hopeless",
]
