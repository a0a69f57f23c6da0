"""The middle of the page: engines, accounts, users, runs and checks, as tables with bars.

All of it can be read without the script; the links in it are filters of the table of findings.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from dbusers.audit.findings import Severity, Verdict
from dbusers.audit.report.groups import Kind, grouped
from dbusers.audit.report.html.bars import SEVERITIES, bar, columns, figures, severity_parts
from dbusers.audit.report.html.markup import Html, filtered, joined, tag
from dbusers.audit.report.html.summary import EngineFigures, RiskyUser
from dbusers.audit.report.html.tables import table
from dbusers.audit.report.model import AccountCoverage, PastRun, Report
from dbusers.audit.report.values import severity_name

HEATS: Final = 5  # steps of colour
CHARTED: Final = 30  # the latest runs
LISTED: Final = 10
NOT_LISTED: Final = "not listed"
NONE: Final[Mapping[Kind, int]] = Counter()
UNDECIDED: Final = {Verdict.UNKNOWN: "unknown", Verdict.ERROR: "not judged"}


def heat_map(engines: Mapping[str, EngineFigures]) -> Html:
    """Return how many findings of each severity there are in the databases of each engine."""
    hottest = max(
        (found[s] for found in (e.found for e in engines.values()) for s in SEVERITIES),
        default=0,
    )
    rows = [
        (
            tag("a", name, href=filtered(engine=name)),
            engine.in_words,
            *(_heat(name, severity, engine, hottest) for severity in SEVERITIES),
            *(_undecided(name, verdict, engine.found[verdict]) for verdict in UNDECIDED),
        )
        for name, engine in sorted(engines.items(), key=_worst_first)
    ]
    severities = (severity_name(severity).capitalize() for severity in SEVERITIES)
    headings = ("Engine", "Databases read", *severities, "Unknown", "Not judged")
    return _section(
        "engines",
        "Severity by engine",
        table(headings, rows, caption="Findings by engine and severity", class_="heat"),
    )


def accounts(report: Report, found: Mapping[str, Counter[Severity]]) -> Html:
    """Return the findings of each account as a bar; the longest is the account with most."""
    missing = {each.account: _gap(each) for each in report.accounts}
    counts = {name: found.get(name, Counter()) for name in [*missing, *found]}
    most = max((found.total() for found in counts.values()), default=0)
    rows = [
        (
            tag("a", name, href=filtered(account=name)),
            "" if missing.get(name) == NOT_LISTED else _bar(of_account, most),
            missing.get(name, ""),
            "?" if missing.get(name) == NOT_LISTED else f"{of_account.total():,}",
        )
        for name, of_account in sorted(counts.items(), key=lambda item: -item[1].total())
    ]
    headings = ("Account", "By severity", "Missing", "Findings")
    return _section(
        "accounts",
        "Findings by account",
        table(headings, rows, caption="Findings by account", texts=3, class_="cards bars"),
    )


def riskiest(users: Sequence[RiskyUser]) -> Html:
    """Return the users with the worst findings."""
    if not users:
        content = tag("p", "No finding is about a user.")
    else:
        most = max(sum(user.failed.values()) for user in users)
        rows = [_risky(user, most) for user in users]
        headings = ("User", "Database", "Account", "By severity", "Checks")
        content = table(
            headings, rows, caption="Users with the worst findings", texts=5, class_="cards bars"
        )
    note = tag("p", "One critical finding outweighs any number of others.", class_="note")
    return _section("users", "Riskiest users", joined([note, content]))


def drift(history: Sequence[PastRun]) -> Html:
    """Return what earlier runs found, and how much had changed from one to the next."""
    runs = history[-CHARTED:]
    if len(runs) < 2:
        first = "There is no earlier run to compare with: drift shows from the second run on."
        return _section("drift", "Drift over runs", tag("p", first))
    most = max(sum(run.by_severity.values()) for run in runs)
    most_drift = max(run.drift for run in runs)
    found = columns([severity_parts(run.by_severity) for run in runs], most, "columns")
    changed = columns([[("drift", run.drift)] for run in runs], most_drift, "columns low")
    latest_first = [_past(run, most) for run in reversed(runs[-LISTED:])]
    headings = ("Run", "Findings by severity", "Changes", "Databases", "Not read")
    charts = (
        tag("figure", found, tag("figcaption", f"Findings of each run, at most {most:,}")),
        tag("figure", changed, tag("figcaption", f"Changes found, at most {most_drift:,}")),
    )
    past = table(
        headings, latest_first, caption="Runs, the latest first", texts=2, class_="cards bars runs"
    )
    return _section("drift", "Drift over runs", joined([*charts, past]))


def checks(report: Report) -> Html:
    """Return how each check came out, with what it is about."""
    found: dict[str, Counter[Kind]] = {}
    worst: dict[str, Severity] = {}
    for group in grouped(report, 0):
        found.setdefault(group.check.id, Counter())[group.kind] += group.total
        if group.kind is Kind.FAILED:
            worst.setdefault(group.check.id, group.severity)
    passed = {check: n for (check, verdict), n in report.counts.items() if verdict is Verdict.PASS}
    rows = [
        (
            tag("a", check.id, href=filtered(check=check.id)),
            _about(check.title, check.rationale, check.remedy),
            severity_label(worst.get(check.id, check.severity)),
            *(f"{found.get(check.id, NONE)[kind]:,}" for kind in Kind),
            f"{passed.get(check.id, 0):,}",
        )
        for check in sorted(
            report.checks,
            key=lambda check: (-worst.get(check.id, 0), -_failures(found, check.id), check.id),
        )
    ]
    kinds = ("Failed", "Not judged", "Unknown", "Accepted")
    headings = ("Check", "What", "Severity", *kinds, "Passed")
    return _section(
        "checks",
        "Checks",
        table(
            headings,
            rows,
            caption="Checks, the worst first",
            texts=3,
            class_="cards compact checks",
        ),
    )


def severity_label(severity: Severity) -> Html:
    """Return a severity as a word on its colour."""
    name = severity_name(severity)
    return tag("span", name, class_=f"severity {name}")


def _section(name: str, title: str, *content: str) -> Html:
    return tag("section", tag("h2", title), *content, id=name)


def _heat(name_of: str, severity: Severity, engine: EngineFigures, hottest: int) -> Html:
    count = engine.found[severity]
    if not count:
        return tag("span", "?" if engine.all_missing else "0", class_="none")
    step = math.ceil(HEATS * math.log1p(count) / math.log1p(hottest))
    name = severity_name(severity)
    link = filtered(engine=name_of, severity=name, kind="failed")
    label = f"{count:,} {name} in {name_of}"
    return tag("a", f"{count:,}", href=link, class_=f"cell {name} heat{step}", aria_label=label)


def _undecided(engine: str, verdict: Verdict, count: int) -> Html:
    if not count:
        return tag("span", "0", class_="none")
    return tag("a", f"{count:,}", href=filtered(engine=engine, kind=UNDECIDED[verdict]))


def _worst_first(item: tuple[str, EngineFigures]) -> tuple[int | str, ...]:
    name, engine = item
    return *(-engine.found[severity] for severity in SEVERITIES), name


def _failures(found: Mapping[str, Mapping[Kind, int]], check: str) -> int:
    return found.get(check, NONE).get(Kind.FAILED, 0)


def _gap(account: AccountCoverage) -> str:
    """Return what is not known of an account, "" if all of it is."""
    if account.error is not None:
        return NOT_LISTED
    unread = account.failed + account.not_reached
    return f"{unread:,} not read" if unread else ""


def _bar(counts: Mapping[Severity, int], longest: int) -> Html:
    parts = severity_parts(counts)
    return joined([bar(parts, longest), tag("span", figures(parts), class_="note")])


def _risky(user: RiskyUser, most: int) -> tuple[str, ...]:
    database = user.database
    link = filtered(database=database.id, user=user.name)
    return (
        tag("a", user.name or "(empty name)", href=link),
        database.name,
        database.account,
        _bar(user.failed, most),
        ", ".join(user.checks),
    )


def _past(run: PastRun, most: int) -> tuple[str, ...]:
    return (
        joined([f"{run.started:%Y-%m-%d %H:%M}", tag("span", run.id, class_="note")]),
        _bar(run.by_severity, most),
        f"{run.drift:,}",
        f"{run.databases:,}",
        f"{run.not_read:,}",
    )


def _about(title: str, rationale: str, remedy: str) -> Html:
    return tag("details", tag("summary", title), tag("p", rationale), tag("p", f"To do: {remedy}"))
