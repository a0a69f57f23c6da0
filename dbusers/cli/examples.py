"""Examples for the help of each command; `$DATABASE` is an id of `dbusers databases list`."""

from collections.abc import Mapping
from typing import Final

EXAMPLES: Final[Mapping[str, tuple[str, ...]]] = {
    "databases list": (
        "dbusers databases list",
        "dbusers databases list --provider scalingo --app my-app",
        "dbusers databases list --output json | jq -r '.[].id'",
    ),
    "users list": (
        "dbusers users list $DATABASE",
        "dbusers users list $DATABASE -o json --show-secrets",
    ),
    "users create": (
        "dbusers users create $DATABASE app-01",
        "dbusers users create $KAFKA app-01 --acl 'orders-*=consume'",
        "dbusers users create $MONGODB app --mongo-database a --mongo-role readOnly",
    ),
    "users get": (
        "dbusers users get $DATABASE app-01",
        "dbusers users get $DATABASE app-01 --output json",
    ),
    "users update": (
        "dbusers users update $DATABASE app-01 --replication",
        "dbusers users update $KAFKA app-01 --acl a=consume --acl b=produce --yes",
    ),
    "users reset": (
        "dbusers users reset $DATABASE app-01",
        "dbusers users reset $DATABASE app-01 --yes -o json | jq -r .password",
    ),
    "users delete": (
        "dbusers users delete $DATABASE app-01",
        "dbusers users delete $DATABASE app-01 --yes",
    ),
    "audit run": (
        "dbusers audit run -o table -o html=audit.html",
        "dbusers audit run --include engine=kafka --fail-on high",
        "dbusers audit run --from last -o jsonl=audit.jsonl",
    ),
    "audit plan": (
        "dbusers audit plan",
        "dbusers audit plan --source embedded --output json",
    ),
    "audit checks": ("dbusers audit checks", "dbusers audit checks -o json | jq -r '.[].id'"),
    "audit explain": ("dbusers audit explain KA001",),
    "audit init": (
        "dbusers audit init",
        "dbusers audit init --from last --policy who-may.toml",
    ),
    "audit runs": ("dbusers audit runs", "dbusers audit runs -o json | jq '.[-1]'"),
    "audit diff": ("dbusers audit diff previous last",),
    "audit merge": ("dbusers audit merge part-1.db part-2.db --store whole.db",),
    "config": ("dbusers config", "dbusers config -o json | jq '.[] | select(.problem)'"),
    "doctor": ("dbusers doctor", "dbusers doctor --output json"),
    "sandbox": ("dbusers sandbox", "dbusers sandbox --port 8080 --databases 5 --users 40"),
    "demo": ("dbusers demo",),
}


def examples(command: str) -> str:
    """Return the last part of a command's help, whose lines stay as they are."""
    return "\n  ".join(("\b\nExamples:", *EXAMPLES[command]))
