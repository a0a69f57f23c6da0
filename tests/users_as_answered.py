"""A user as DigitalOcean answers it, and what those of four engines have besides."""

from typing import Any, Final

USER: Final[dict[str, Any]] = {"name": "app-01", "role": "normal", "password": "jge5lfxtzhx42iff"}
KINDS: Final[tuple[dict[str, Any], ...]] = (
    {"mysql_settings": {"auth_plugin": "caching_sha2_password"}},
    {"settings": {"pg_allow_replication": True}},
    {
        "settings": {
            "acl": [
                {"id": "5a8b2c", "topic": "orders", "permission": "consume"},
                {"id": "5a8b2d", "topic": "invoices.*", "permission": "produce"},
            ]
        }
    },
    {"settings": {"opensearch_acl": [{"index": "logs-*", "permission": "read"}]}},
)
