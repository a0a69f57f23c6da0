"""The policy: who may exist in which database, within which limits, and what is accepted.

It is a TOML file, `dbusers-policy.toml`, in four parts; all of them may be left out:

    [defaults]                              # for every database
    max_writers = 3                         # users that may write
    users.readers = ["monitoring"]          # these may exist everywhere

    [[databases]]                           # the first one that fits a database governs it
    name = "orders-*"                       # what it fits; a list means any of these
    engine = "postgresql"
    tag = "production"
    max_writers = 2                         # replaces the default
    may_replicate = ["debezium"]            # who may have the replication right
    users.administrators = ["doadmin"]      # who may exist, by class; nobody else may
    users.applications = ["orders-app-*"]
    users.readers = ["report", "bi-*"]      # must be read-only
    users.required = ["orders-app-1"]       # must exist
    severities.PG002 = "critical"           # for these databases

    [severities]                            # low, medium, high or critical
    PG001 = "critical"

    [[suppressions]]                        # findings that are accepted, and until when
    check = "PG002"
    database = "orders-1"                   # a name or an id; all if left out
    user = "debezium"                       # all if left out
    reason = "change data capture, ticket 123"
    expires = 2027-01-01                    # the first day on which it no longer counts

Names are patterns (`dbusers.audit.patterns`). Of the entries under `[[databases]]` one governs a
database, the first that fits, as in a firewall: its line is the one that reports point to. The
users of `[defaults]` are added to its own; its limits replace those of `[defaults]`. Without any
`users`, the policy does not say who may exist; `users = {}` says that nobody may. What is unknown
of a database (no tags are told, say) fits no pattern.

`contents` holds what a file says, `reading` makes that of TOML, `policy` applies it, `stale` finds
what in it no longer serves, and `writing` writes a first policy from what exists.
"""

from dbusers.audit.policy.policy import Policy
from dbusers.audit.policy.stale import POLICY_CHECKS
from dbusers.audit.policy.writing import policy_of

__all__ = ["POLICY_CHECKS", "Policy", "policy_of"]
