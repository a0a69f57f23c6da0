"""What the run found, as a table of figures; and what is not as promised."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tests.soak import audit
from tests.soak.leaks import Leaks
from tests.soak.run import Findings, Settings
from tests.soak.watch import Listener, Sample, not_flat, not_given_back

Row = tuple[str, str]


def failures(
    settings: Settings, findings: Findings, leaks: Leaks, listener: Listener
) -> Iterator[str]:
    """Yield what is not as promised, a line or a traceback each."""
    if findings.outcomes.calls != settings.requests:
        yield f"{findings.outcomes.calls} calls of {settings.requests} have ended"
    yield from (f"the sandbox failed: {mishap}" for mishap in findings.mishaps)
    yield from findings.outcomes.surprises
    fates = {
        place: audit.Fate(**fate)
        for site in findings.sites
        for place, fate in site["users"].items()
    }
    yield from audit.differences(findings.books, fates, _sum(findings, "resets"))
    yield from not_flat(findings.samples, findings.before, settings.concurrency)
    yield from not_given_back(findings.before, findings.after)
    yield from (f"a secret was shown: {line}" for line in leaks.found)
    yield from (f"complained: {line}" for line in listener.complaints)


def rows(findings: Findings, leaks: Leaks, listener: Listener) -> Iterator[Row]:
    """Yield the table, row by row."""
    outcomes = findings.outcomes
    faults, statuses = _sum(findings, "faults"), _sum(findings, "statuses")
    requests = sum(site["requests"] for site in findings.sites)
    spoilt = faults.total()
    limited = sum(count for name, count in faults.items() if name.startswith("429"))
    states = Counter(state for book in findings.books for _, _, state, _ in book.entries())
    yield "calls", f"{outcomes.calls:,}"
    yield "  values", f"{outcomes.values:,}"
    yield "  errors", f"{outcomes.errors.total():,}: {_counts(outcomes.errors)}"
    yield "  other exceptions and errors", f"{len(outcomes.surprises)}"
    yield "requests", f"{requests:,}"
    yield "  spoilt by a fault", f"{spoilt:,} ({spoilt / requests:.1%})"
    yield "  sent again after", _counts(outcomes.retries)
    yield "  429 by a fault, by a limit", f"{limited:,}, {statuses['429'] - limited:,}"
    yield "  bearers fetched", f"{sum(site['bearers'] for site in findings.sites):,}"
    yield "users asked for", f"{states.total():,}"
    yield "  by their answers", _counts({state.name.lower(): n for state, n in states.items()})
    yield from _series(findings)
    yield "texts searched for secrets", f"{leaks.searched:,}, with {len(leaks.found)} found"
    yield "lines logged", f"{listener.heard:,}"
    yield "time", f"{findings.seconds:.0f} s, {requests / findings.seconds:,.0f} requests/s"
    yield "faults", _counts(faults)


def _series(findings: Findings) -> Iterator[Row]:
    samples = (findings.before, *findings.samples, findings.after)

    def row(name: str, values: list[int | None]) -> Row:
        before, *during, after = ("-" if value is None else f"{value:,}" for value in values)
        return name, f"{before} → {' '.join(during)} → {after}"

    yield row("descriptors", [sample.descriptors for sample in samples])
    yield row("tasks", [sample.tasks for sample in samples])
    yield row("objects", [sample.objects for sample in samples])
    yield row("memory, MB", [_megabytes(sample) for sample in samples])


def _megabytes(sample: Sample) -> int | None:
    return None if sample.resident is None else round(sample.resident / 1e6)


def _sum(findings: Findings, key: str) -> Counter[str]:
    whole: Counter[str] = Counter()
    for site in findings.sites:
        whole.update(site[key])
    return whole


def _counts(counts: Mapping[str, Any]) -> str:
    ordered = sorted(counts.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{name} {count:,}" for name, count in ordered) or "none"
