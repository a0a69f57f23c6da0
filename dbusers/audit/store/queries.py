"""The SQL of the store; `file` has its tables."""
# ruff: noqa: S608  (these queries are put together of constants alone; every value is bound)

from typing import Final

RUN: Final = "number, id, started, finished, source, version, shard, filtered, complete"
OUTCOME: Final = "d.record, d.state, d.users, d.reason, d.error_type, d.retryable, d.partial"
COUNTERPART: Final = OUTCOME.replace("d.", "c.")
IN_ORDER: Final = "ORDER BY d.account, d.provider, d.id"

# Runs

RUNS: Final = f"SELECT {RUN} FROM runs ORDER BY number"
BEGIN: Final = f"""
    INSERT INTO runs (id, started, source, version, shard, filtered) VALUES (?, ?, ?, ?, ?, ?)
    RETURNING {RUN}
"""
RESUME: Final = f"UPDATE runs SET finished = NULL, complete = 0 WHERE number = ? RETURNING {RUN}"
FINISH: Final = f"""
    UPDATE runs SET finished = ?, complete =
        NOT EXISTS (SELECT 1 FROM accounts a WHERE a.run = number AND NOT a.listed)
        AND NOT EXISTS (SELECT 1 FROM databases d
                        WHERE d.run = number AND d.state IN ('listed', 'failed'))
    WHERE number = ? RETURNING {RUN}
"""
REMOVE: Final = """
    DELETE FROM runs
    WHERE number NOT IN (SELECT number FROM runs ORDER BY number DESC LIMIT ?)
    AND number IS NOT (SELECT max(number) FROM runs WHERE complete)
"""
HISTORY: Final = """
    SELECT number, runs.id, started, count(d.id),
           coalesce(sum(d.state IN ('listed', 'failed')), 0), drift
    FROM runs LEFT JOIN databases d ON d.run = number
    WHERE number <= ? GROUP BY number ORDER BY number
"""
SET_DRIFT: Final = "UPDATE runs SET drift = ? WHERE number = ?"
SEVERITIES: Final = "SELECT run, severity, findings FROM severities"
FORGET_SEVERITIES: Final = "DELETE FROM severities WHERE run = ?"
ADD_SEVERITY: Final = "INSERT INTO severities (run, severity, findings) VALUES (?, ?, ?)"

# Accounts

EXPECT: Final = "INSERT INTO accounts (run, account, provider) VALUES (?, ?, ?)"
SET_ACCOUNT: Final = """
    INSERT INTO accounts (run, account, provider, listed, error) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET listed = excluded.listed, error = excluded.error
"""
ADD_REQUESTS: Final = """
    UPDATE accounts SET requests = coalesce(requests, 0) + ?, seconds = seconds + ?
    WHERE run = ? AND account = ?
"""
SET_PLAN: Final = "UPDATE accounts SET planned = ?, floor = ? WHERE run = ? AND account = ?"
LISTED_ACCOUNTS: Final = "SELECT account FROM accounts WHERE run = ? AND listed"
COVERAGE: Final = """
    SELECT a.account, a.provider, count(d.id), coalesce(sum(d.state = 'read'), 0),
           coalesce(sum(d.state = 'failed'), 0), coalesce(sum(d.state = 'skipped'), 0),
           coalesce(sum(d.user_count), 0), a.listed, a.error,
           coalesce(a.requests + sum(d.requests), a.requests, sum(d.requests)),
           a.planned, a.floor, a.seconds + coalesce(sum(d.seconds), 0)
    FROM accounts a LEFT JOIN databases d USING (run, account, provider)
    WHERE a.run = ? GROUP BY a.account, a.provider ORDER BY a.account, a.provider
"""

# Databases

LIST: Final = """
    INSERT INTO databases (run, account, provider, id, record, state)
    VALUES (?, ?, ?, ?, ?, 'listed') ON CONFLICT DO NOTHING
"""
PUT: Final = """
    INSERT INTO databases (run, account, provider, id, record, state, users, user_count, partial,
                           reason, error_type, retryable, requests, seconds)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET record = excluded.record, state = excluded.state,
        users = excluded.users, user_count = excluded.user_count, partial = excluded.partial,
        reason = excluded.reason, error_type = excluded.error_type, retryable = excluded.retryable,
        requests = coalesce(requests + excluded.requests, requests, excluded.requests),
        seconds = seconds + excluded.seconds
"""
PENDING: Final = f"""
    SELECT d.record FROM databases d
    WHERE d.run = ? AND d.account = coalesce(?, d.account)
    AND (d.state = 'listed' OR (? AND d.state = 'failed')) {IN_ORDER}
"""
OUTCOMES: Final = f"""
    SELECT {OUTCOME} FROM databases d
    WHERE d.run = ? AND (NOT ? OR d.state = 'failed') {IN_ORDER}
"""
# With the users at the last complete run that read the database. One that was not complete is no
# base: its report may have been set aside for that, and with it the drift that it told of. A run
# that had no business with the database (another shard, a filter) is passed over.
FACTS: Final = f"""
    SELECT {OUTCOME},
        (SELECT b.users FROM databases b JOIN runs ON runs.number = b.run AND runs.complete
         WHERE b.provider = d.provider AND b.id = d.id AND b.run < d.run
         AND b.state = 'read' AND NOT b.partial ORDER BY b.run DESC LIMIT 1)
    FROM databases d WHERE d.run = ? {IN_ORDER}
"""
# The same of one database.
BEFORE: Final = """
    SELECT b.users FROM databases b JOIN runs ON runs.number = b.run AND runs.complete
    WHERE b.provider = ? AND b.id = ? AND b.run < ?
    AND b.state = 'read' AND NOT b.partial ORDER BY b.run DESC LIMIT 1
"""
# The same database in another run: under the same account, or else under any.
WITH_COUNTERPARTS: Final = f"""
    SELECT {OUTCOME}, {COUNTERPART} FROM databases d LEFT JOIN databases c ON c.rowid = coalesce(
        (SELECT o.rowid FROM databases o WHERE o.run = ? AND o.account = d.account
         AND o.provider = d.provider AND o.id = d.id),
        (SELECT min(o.rowid) FROM databases o WHERE o.provider = d.provider AND o.id = d.id
         AND o.run = ?))
    WHERE d.run = ? {IN_ORDER}
"""
