"""Names of database users as teams choose them."""

from itertools import product
from random import Random

_SERVICES = (
    "orders", "billing", "cart", "catalog", "search", "ledger", "mailer", "users", "stock",
    "pricing", "reviews", "media", "events", "reports", "payroll", "crm", "fraud", "tax",
)  # fmt: skip
_PURPOSES = ("api", "web", "worker", "ro", "etl", "cron", "batch", "admin", "bi", "backup")
_PAIRS = tuple(product(_SERVICES, _PURPOSES))


def unique_names(rng: Random, number: int, separator: str = "-") -> list[str]:
    """So many different names, in a random order; beyond the first 180 they carry a number."""
    names: list[str] = []
    suffix = ""
    while len(names) < number:
        pairs = rng.sample(_PAIRS, min(len(_PAIRS), number - len(names)))
        names += [f"{service}{separator}{purpose}{suffix}" for service, purpose in pairs]
        suffix = f"{separator}{len(names) // len(_PAIRS) + 1}"
    return names
