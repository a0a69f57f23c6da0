"""`dbusers audit run`: the audit, and its reports."""

from typing import Annotated

import attrs
import typer

from dbusers.audit.accounts.sources import Source
from dbusers.audit.report import parse_outputs
from dbusers.audit.run import Options, audit_again
from dbusers.audit.shards import parse_shard
from dbusers.audit.store import Run, Store
from dbusers.cli.audit import options as shared
from dbusers.cli.audit.delivery import deliver
from dbusers.cli.audit.inputs import (
    STORE,
    account_settings,
    existing_store,
    load_policy,
    named_run,
)
from dbusers.cli.audit.options import Level
from dbusers.cli.audit.reading import read
from dbusers.cli.audit.words import Voice, errors_in_lines
from dbusers.errors import ConfigurationError, InvalidRequest


def run(
    *,
    output: shared.ReportOption = None,
    policy: shared.PolicyOption = None,
    fail_on: shared.FailOnOption = Level.LOW,
    allow_incomplete: shared.AllowIncompleteOption = 0.0,
    config: shared.ConfigOption = None,
    account: shared.AccountOption = None,
    include: shared.IncludeOption = None,
    exclude: shared.ExcludeOption = None,
    source: shared.SourceOption = None,
    concurrency: shared.ConcurrencyOption = shared.DEFAULT_CONCURRENCY,
    shard: shared.ShardOption = None,
    store: shared.StoreOption = STORE,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with the last run if it did not finish; else begin one."
        ),
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Read again what the last run could not read.")
    ] = False,
    from_run: shared.FromOption = None,
    quiet: shared.QuietOption = False,
) -> None:
    """Read every user, judge them, and report.

    What could not be read is named, and makes the exit code 3.
    """
    voice = Voice(quiet=quiet)
    with errors_in_lines():
        outputs = parse_outputs(output or ())
        judged_by = load_policy(policy)
        options = Options(
            source or Source.USERS,
            concurrency,
            shard,
            fail_on=fail_on.severity,
            allow_incomplete=allow_incomplete,
        )
        if shard is not None:
            parse_shard(shard)
        if from_run is not None:
            if any((config, account, include, exclude, source, shard, resume, retry_failed)):
                raise InvalidRequest("--from reads nothing: leave out what says what to read")
            with existing_store(store) as opened:
                report = audit_again(opened, named_run(opened, from_run), judged_by, options)
                deliver(report, outputs, voice)
        settings = account_settings(config, account or (), include or (), exclude or ())
        with existing_store(store) if retry_failed else Store.open(store) as opened:
            if resume or retry_failed:
                last = _last(opened, options, source, voice, retry_failed=retry_failed)
                options = attrs.evolve(options, resume=last, retry_failed=retry_failed)
            report = read(settings, opened, judged_by, options, voice)
            deliver(report, outputs, voice)


def _last(
    store: Store, options: Options, source: Source | None, voice: Voice, *, retry_failed: bool
) -> Run | None:
    """Return the run to go on with; None if a new one is to begin.

    Raises `ConfigurationError` if there is nothing to be read again, `InvalidRequest` where an
    option says otherwise than the run.
    """
    last = store.latest()
    if retry_failed and (last is None or last.complete):
        told = f"{store.path} has no run yet" if last is None else f"run {last.id} is complete"
        raise ConfigurationError(f"{told}: there is nothing to read again")
    if last is None or (last.finished is not None and not retry_failed):
        # What was read then is not what is there now: it is not reported as if it were.
        voice.say("There is no run that did not finish: this is a new one.")
        return None
    if source is not None and source != last.source:
        raise InvalidRequest(f"run {last.id} goes on as it began, with --source {last.source}")
    if options.shard is not None and options.shard != last.shard:
        began = "without a shard" if last.shard is None else f"with --shard {last.shard}"
        raise InvalidRequest(f"run {last.id} goes on as it began, {began}")
    return last
