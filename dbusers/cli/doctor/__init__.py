"""`dbusers doctor`: whether what is configured works, and what to do where it does not.

`hosts` looks how far one gets with each host, `tokens` what each token can do; `answers` reads that
off one answer, and `diagnosis` is what all of them find.
"""

import asyncio
import platform
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp
import typer

from dbusers.auth import origin
from dbusers.cli import options
from dbusers.cli.audit.inputs import account_settings
from dbusers.cli.audit.options import AccountOption, ConfigOption
from dbusers.cli.audit.words import counted
from dbusers.cli.doctor.diagnosis import Finding, State, exit_code
from dbusers.cli.doctor.hosts import reach
from dbusers.cli.doctor.tokens import examine, misconfigured
from dbusers.cli.exits import run
from dbusers.cli.output import Columns, Output, print_json, print_list
from dbusers.cli.settings import base_urls
from dbusers.errors import ConfigurationError
from dbusers.proxy import proxies_for
from dbusers.version import __version__

VERSIONS: Final = {
    "dbusers": __version__,
    "python": platform.python_version(),
    "aiohttp": aiohttp.__version__,
}
COLUMNS: Final[Columns] = {
    "State": lambda finding: finding.state,
    "Account": lambda finding: finding.account or "",
    "Check": lambda finding: finding.check,
    "What was found": lambda finding: "; ".join(filter(None, (finding.found, finding.advice))),
}


def doctor(
    *,
    config: ConfigOption = None,
    account: AccountOption = None,
    output: options.OutputOption = Output.TABLE,
) -> None:
    """Say what works, what does not, and what to do about it.

    That is: the hosts, the tokens, what tokens may do, what is left of their limits, and the clock.
    It changes nothing, and sends two requests for each account, a few more for a long list. It
    looks at the accounts of dbusers.toml where there is one, else at those of the environment. The
    exit code is 1 where something fails, and 2 where that is the configuration or a token.
    """
    findings, requests = run(_diagnose(config, account))
    if output is Output.JSON:
        found = [_value(finding) for finding in findings]
        print_json({"versions": VERSIONS, "requests": requests, "findings": found})
    else:
        named = ", ".join(f"{name} {version}" for name, version in VERSIONS.items())
        typer.echo(f"{named}, {platform.system()} {platform.machine()}\n")
        print_list(findings, COLUMNS, output)
        typer.echo(f"\n{_summary(findings)} Sent: {counted(requests, 'request')}.")
    raise typer.Exit(exit_code(findings))


async def _diagnose(config: Path | None, names: Sequence[str] | None) -> tuple[list[Finding], int]:
    """Return what was found, hosts first, and how many requests that took."""
    try:
        accounts = account_settings(config, names or ())
    except ConfigurationError as error:
        return [misconfigured(error), *await _hosts(base_urls())], 0
    # One after the other: a token_command may ask its user for something.
    examined = [await examine(settings) for settings in accounts]
    hosts = await _hosts(url for each in examined for url in each.urls)
    findings = [finding for each in examined for finding in each.findings]
    return [*hosts, *findings], sum(each.requests for each in examined)


async def _hosts(urls: Iterable[str]) -> list[Finding]:
    """Return how far one gets with each host, each looked at once."""
    by_origin = {origin(url): url for url in urls}
    try:
        proxies = proxies_for(by_origin.values())
    except ConfigurationError as error:
        return [misconfigured(error)]
    reached = (reach(url, proxies.get(place)) for place, url in by_origin.items())
    return await asyncio.gather(*reached)


def _summary(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.state for finding in findings)
    if not counts[State.FAILED] and not counts[State.WARNING]:
        return "Nothing is wrong, and nothing was changed."
    failed, warnings = counts[State.FAILED], counts[State.WARNING]
    return f"{failed} failed, {warnings} to be looked at; nothing was changed."


def _value(finding: Finding) -> dict[str, Any]:
    return {
        "account": finding.account,
        "check": finding.check,
        "subject": finding.subject,
        "state": finding.state,
        "found": finding.found,
        "advice": finding.advice,
        "facts": dict(finding.facts),
    }
