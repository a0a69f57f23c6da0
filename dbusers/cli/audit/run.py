"""`dbusers audit run`: the audit, and its reports."""

from typing import Annotated

import attrs
import typer

from dbusers.audit.report import parse_outputs
from dbusers.audit.run import Options, audit_again
from dbusers.audit.shards import parse_shard
from dbusers.audit.sources import Source
from dbusers.audit.store import Run, Store
from dbusers.cli.audit import options as shared
from dbusers.cli.audit.delivery import deliver
from dbusers.cli.audit.inputs import account_settings, existing_store, load_policy
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
    store: shared.StoreOption = shared.STORE,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the last run, which did not finish.")
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
                report = audit_again(opened, opened.find(from_run), judged_by, options)
                deliver(report, outputs, Voice(quiet=quiet))
        settings = account_settings(config, account or (), include or (), exclude or ())
        goes_on = resume or retry_failed
        with existing_store(store) if goes_on else Store.open(store) as opened:
            if goes_on:
                last = _last(opened, options, source, retry_failed=retry_failed)
                options = attrs.evolve(options, resume=last, retry_failed=retry_failed)
            report = read(settings, opened, judged_by, options, Voice(quiet=quiet))
            deliver(report, outputs, Voice(quiet=quiet))


def _last(store: Store, options: Options, source: Source | None, *, retry_failed: bool) -> Run:
    """Return the run to go on with. Raises `ConfigurationError` if there is nothing to go on with.

    Raises `InvalidRequest` where an option says otherwise than the run.
    """
    last = store.latest()
    if last is None:
        raise ConfigurationError(f"{store.path}: there is no run in this store to go on with")
    if last.complete:
        raise ConfigurationError(
            f"run {last.id} is complete: begin a new one, or report on it by --from {last.id}"
        )
    if last.finished is not None and not retry_failed:
        raise ConfigurationError(
            f"run {last.id} is over, but not all was read: --retry-failed reads the rest again"
        )
    if source is not None and source != last.source:
        raise InvalidRequest(f"run {last.id} goes on as it began, with --source {last.source}")
    if options.shard is not None and options.shard != last.shard:
        began = "without a shard" if last.shard is None else f"with --shard {last.shard}"
        raise InvalidRequest(f"run {last.id} goes on as it began, {began}")
    return last
