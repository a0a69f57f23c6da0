"""Makes findings of what checks say: what fits, how bad it is here, and what is accepted.

Most of what checks say is that nothing is wrong. That is counted, and no finding is made of it
unless somebody asks: `judge` yields them all, `wanting` those that reports show.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC
from itertools import repeat
from typing import Final

from dbusers.audit.checks import CHECKS
from dbusers.audit.findings import (
    ERROR,
    FAIL,
    PASS,
    SKIP,
    UNKNOWN,
    Check,
    EachUser,
    Facts,
    Finding,
    Judgement,
    Said,
    Severity,
    Suppression,
    Verdict,
    make_finding,
)
from dbusers.audit.patterns import matches
from dbusers.errors import ConfigurationError

ACCEPTABLE: Final = frozenset({FAIL, UNKNOWN})
SHOWN: Final = frozenset({FAIL, UNKNOWN, ERROR})

Counts = Counter[tuple[str, Verdict]]
"""How often checks said what, by the check's id."""


def judge(
    facts: Facts, checks: Iterable[Check] = CHECKS, *, used: set[Suppression] | None = None
) -> Iterator[Finding]:
    """Yield what each check that fits the database's engine says of it and its users.

    Where users were not read, each check that needs them says `ERROR`, or `SKIP` where there are
    none to read. A failure is one level worse where the database is open to the world; a severity
    that the policy states is final. Findings that the policy accepts are `suppressed`, and the
    suppressions by which they are get into `used`. Raises `ConfigurationError` for a check that
    raises anything, or says what no check may.
    """
    ruling = _Ruling(facts, used)
    for check in fitting(checks, facts):
        for place, said in enumerate(ruling.said(check)):
            _require(check, said)
            yield ruling.finding(check, place, said)


def wanting(
    facts: Facts, checks: Iterable[Check], counts: Counts, used: set[Suppression]
) -> Iterator[Finding]:
    """Yield of what `judge` does only what is to be shown; `counts` gets all of it.

    `checks` are those that fit the database's engine: see `fitting`.
    """
    ruling = _Ruling(facts, used)
    for check in checks:
        said = ruling.said(check)
        passed = said.count(PASS)
        if passed:
            counts[check.id, PASS] += passed
        if passed == len(said):  # as is the rule
            continue
        for place, each in enumerate(said):
            if each is PASS:
                continue
            _require(check, each)
            verdict = each if isinstance(each, Verdict) else each.verdict
            counts[check.id, verdict] += 1
            if verdict in SHOWN:
                yield ruling.finding(check, place, each)


def fitting(checks: Iterable[Check], facts: Facts) -> Iterator[Check]:
    """Yield the checks that are about databases of this engine."""
    return (check for check in checks if check.fits(facts.database))


class _Ruling:
    """What checks say of one database, and what the policy makes of it."""

    def __init__(self, facts: Facts, used: set[Suppression] | None) -> None:
        self._facts = facts
        self._database = facts.database
        self._policy = facts.policy
        self._in_force = _in_force(facts) if facts.policy.suppressions else ()
        self._used = used

    def said(self, check: Check) -> list[Said]:
        """Return what a check says: of each user in their order, or as it likes."""
        facts = self._facts
        if facts.users is None and check.needs_users:
            return [_of_no_users(facts)]
        try:
            if isinstance(check.judge, EachUser):
                return list(map(check.judge.judge, repeat(facts), facts.users or ()))
            return list(check.judge(facts))
        except Exception as error:  # another's check may raise anything
            raise ConfigurationError(
                f"the check {check.id} failed on the database {facts.database.name}: "
                f"{type(error).__name__}: {error}"
            ) from error

    def finding(self, check: Check, place: int, said: Said) -> Finding:
        """Return the finding of what a check says, which stands at `place` of it all."""
        policy = self._policy
        user, detail, severity, anchor = None, "", check.severity, policy.anchor
        by_hand = False
        if isinstance(said, Verdict):
            verdict = said
        else:
            verdict, user, detail, by_hand = said.verdict, said.user, said.detail, said.by_hand
            severity, anchor = said.severity or severity, said.anchor or anchor
        if isinstance(check.judge, EachUser) and self._facts.users:
            user = self._facts.users[place].name
        if verdict is FAIL and self._database.open_to_world is True:
            severity = severity.worse
        accepted = self._suppression(check, user, verdict) if self._in_force else None
        return make_finding(
            check,
            verdict,
            policy.severities.get(check.id, severity),
            self._database,
            user,
            detail,
            anchor,
            accepted.reason if accepted else None,
            by_hand,
        )

    def _suppression(self, check: Check, user: str | None, verdict: Verdict) -> Suppression | None:
        """Return the first one that accepts the verdict; that nothing was read is not accepted.

        The policy of a database holds only those for it, so their `database` is not looked at. What
        is said of the database as a whole is accepted only for all users.
        """
        if verdict not in ACCEPTABLE:
            return None
        for one in self._in_force:
            of_user = one.user == "*" or (user is not None and matches(one.user, user))
            if of_user and matches(one.check, check.id):
                if self._used is not None:
                    self._used.add(one)
                return one
        return None


def _require(check: Check, said: object) -> None:
    """Refuse what is no verdict and no judgement, before it is taken for one that is not bad."""
    if isinstance(said, Verdict):
        return
    if (
        isinstance(said, Judgement)
        and isinstance(said.verdict, Verdict)
        and isinstance(said.detail, str)
        and (said.user is None or isinstance(said.user, str))
        and (said.severity is None or isinstance(said.severity, Severity))
    ):
        return
    raise ConfigurationError(f"the check {check.id} says what is neither Verdict nor Judgement")


def _of_no_users(facts: Facts) -> Judgement:
    if facts.skipped is not None:
        return Judgement(SKIP, detail=facts.skipped)
    return Judgement(ERROR, detail=facts.error or "not read")


def _in_force(facts: Facts) -> tuple[Suppression, ...]:
    """Return the policy's suppressions that have not expired; `expires` is the first day after."""
    today = facts.now.astimezone(UTC).date()
    return tuple(
        one for one in facts.policy.suppressions if one.expires is None or today < one.expires
    )
