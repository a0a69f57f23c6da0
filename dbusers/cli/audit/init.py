"""`dbusers audit init`: a first policy, written from what exists now."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dbusers.audit.accounts.configuration import AccountSettings
from dbusers.audit.policy import Policy, policy_of
from dbusers.audit.run import Options
from dbusers.audit.store import Run, Store
from dbusers.cli.audit import options as shared
from dbusers.cli.audit.inputs import (
    POLICY,
    STORE,
    account_settings,
    existing_store,
    named_run,
)
from dbusers.cli.audit.reading import read
from dbusers.cli.audit.words import Voice, counted, errors_in_lines
from dbusers.cli.exits import ExitCode, end
from dbusers.errors import ConfigurationError


def init(
    *,
    policy: Annotated[
        Path, typer.Option("--policy", metavar="FILE", help="Where it is written.")
    ] = POLICY,
    config: shared.ConfigOption = None,
    store: shared.StoreOption = STORE,
    from_run: shared.FromOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the policy that is there.")
    ] = False,
    quiet: shared.QuietOption = False,
) -> None:
    """Write a policy that allows who exists now.

    It reads all accounts, as an audit does, or takes what a run of the store has read (--from).
    Read the file before you rely on it: who should not be there is in it as well.
    """
    with errors_in_lines():
        if policy.exists() and not force:
            raise ConfigurationError(f"{policy} is there already: --force replaces it")
        if from_run is None:
            settings = account_settings(config)
            with Store.open(store) as opened:
                run = _read(settings, opened, Voice(quiet=quiet))
                _write(opened, run, policy, Voice(quiet=quiet))
        else:
            with existing_store(store) as opened:
                _write(opened, named_run(opened, from_run), policy, Voice(quiet=quiet))


def _read(settings: Sequence[AccountSettings], store: Store, voice: Voice) -> Run:
    report = read(settings, store, Policy(), Options(), voice)
    if report.interrupted:
        end(
            "interrupted, and no policy is written; `dbusers audit --resume` goes on, and then "
            f"`dbusers audit init --from {report.run_id}` writes it",
            ExitCode.INTERRUPTED,
        )
    return store.find(report.run_id)


def _write(store: Store, run: Run, path: Path, voice: Voice) -> None:
    """Write the policy; ends the command with 3 if it cannot be of everything."""
    # Of a database that was not read, or not in full, nobody knows who should be allowed.
    read_in_full = (
        (row.database, row.users)
        for row in store.databases(run)
        if row.users is not None and not row.partial
    )
    try:
        path.write_text(policy_of(read_in_full), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror}") from None
    users = sum(account.users for account in store.coverage(run))
    voice.say(f"{path} allows {counted(users, 'user')}: read it before you rely on it.")
    if not run.complete:
        end(
            f"run {run.id} is not complete: the policy says nothing of what it could not read, so "
            "all who are there will be findings",
            ExitCode.INCOMPLETE,
        )
