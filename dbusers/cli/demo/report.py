"""What the demo says of the audit: what was read and what was not, then what is wrong."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dbusers.audit import Check, Finding, NotRead, Severity, Verdict
from dbusers.cli.demo.audit import Audit
from dbusers.cli.output import printable
from dbusers.digitalocean.client import WINDOWS as DIGITALOCEAN_WINDOWS
from dbusers.scalingo.client import WINDOWS as SCALINGO_WINDOWS

STYLES: Final = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "yellow",
    Severity.MEDIUM: "cyan",
    Severity.LOW: "dim",
}
A_MINUTE: Final = {
    "DigitalOcean": DIGITALOCEAN_WINDOWS[0].requests,
    "Scalingo": SCALINGO_WINDOWS[0].requests,
}


def print_coverage(console: Console, found: Audit, *, broken_on_purpose: str) -> None:
    """Print what was read, how fast and by how many requests, and all that was not."""
    lines = Table.grid(padding=(0, 2, 0, 0))
    read = f"{found.users:,} users of {found.read} databases in {found.seconds:.1f} s"
    lines.add_row(Text("Read", style="green"), Text(read, style="bold"))
    requests = ", ".join(
        f"{count} of {A_MINUTE[account]} a minute at {account}"
        for account, count in sorted(found.requests.items())
    )
    lines.add_row("Requests", requests)
    if found.skipped:
        engines = Counter(str(one.database.engine) for one in found.skipped)
        named = ", ".join(f"{printable(engine)} {count}" for engine, count in engines.items())
        skipped = f"{len(found.skipped)} databases without user management: {named}"
        lines.add_row("Skipped", skipped)
    for account in found.not_listed:
        failure = Text(f"{account.provider}: {printable(str(account.error))}")
        lines.add_row(Text("Not read", style="bold red"), failure)
    for one in found.not_read:
        failure = _why_not_read(one, on_purpose=one.database.id == broken_on_purpose)
        lines.add_row(Text("Not read", style="bold red"), failure)
    console.print(lines)


def _why_not_read(one: NotRead, *, on_purpose: bool) -> Text:
    database, error = one.database, one.error
    attempts = f", after {error.attempts} attempts" if error.attempts > 1 else ""
    text = Text(printable(f"{database.name}: {error.status or ''} {error.message}{attempts}."))
    if on_purpose:
        text.append(" It fails on purpose: what is not read is not fine.", style="dim")
    return text


def print_findings(console: Console, found: Audit) -> None:
    """Print a row for each check that fails, the worst first, and what they come to."""
    verdicts = Counter((finding.check, finding.verdict) for finding in found.findings)
    console.print()
    console.print(_table(verdicts, _examples(found.findings)))
    console.print()
    unknown = (
        "Unknown: the answer does not say, which is not the same as fine. DigitalOcean does not "
        "tell how PostgreSQL keeps a password; Scalingo tells that, and little else."
    )
    console.print(Text(unknown, style="dim"))
    console.print()
    wrong = Counter(f.severity for f in found.findings if f.verdict is Verdict.FAIL)
    told = ", ".join(f"{wrong[s]} {s.name.lower()}" for s in sorted(wrong, reverse=True))
    summary = Text.assemble((f"{wrong.total()} findings", "bold"), f" ({told}).")
    summary.append(" Where a database is open to the world, each counts one level worse.")
    if found.not_read or found.not_listed:
        summary.append(" Not all was read, so this audit is incomplete, and says so.")
    console.print(summary)
    console.print(
        Text.assemble(
            "\nNow you: ",
            ("dbusers sandbox", "bold cyan"),
            " serves these APIs for your own code, and ",
            ("dbusers --help", "bold cyan"),
            " has the rest.\n",
        )
    )


def _examples(findings: Iterable[Finding]) -> dict[Check, Finding]:
    """Return one failure of each check, the same in every run, whoever was read first."""
    examples: dict[Check, Finding] = {}
    for finding in sorted(findings, key=lambda f: (f.database.name, f.user or "")):
        if finding.verdict is Verdict.FAIL:
            examples.setdefault(finding.check, finding)
    return examples


def _table(verdicts: Counter[tuple[Check, Verdict]], examples: dict[Check, Finding]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, expand=True, padding=(0, 1, 0, 0))
    table.add_column("Check", no_wrap=True)
    table.add_column("Severity", no_wrap=True)
    table.add_column("What is wrong, and an example", ratio=1)
    table.add_column("Failed", justify="right", no_wrap=True)
    table.add_column("Unknown", justify="right", no_wrap=True)
    checks = {check for check, verdict in verdicts if verdict is Verdict.FAIL}
    for check in sorted(checks, key=lambda c: (-c.severity, -verdicts[c, Verdict.FAIL], c.id)):
        failed, unknown = verdicts[check, Verdict.FAIL], verdicts[check, Verdict.UNKNOWN]
        total = failed + unknown + verdicts[check, Verdict.PASS]
        style = STYLES[check.severity]
        table.add_row(
            check.id,
            Text(check.severity.name.lower(), style=style),
            _what(examples[check]),
            Text.assemble((str(failed), style), (f" of {total}", "dim")),
            Text(str(unknown) if unknown else "", style="dim"),
        )
    return table


def _what(example: Finding) -> Text:
    place = example.database.name
    where = place if example.user is None else f"{example.user} @ {place}"
    return Text.assemble(example.check.title, "\n", (printable(where), "dim"))
