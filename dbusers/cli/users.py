"""`dbusers users`: list, get, create, update, delete and reset.

A command that takes something away asks first. The question stands between two connections to the
provider, not within one: a loop that waits for an answer would not hear an interrupt.
"""

import sys
from collections.abc import Awaitable, Callable
from getpass import getpass
from typing import Annotated, Any

import typer

from dbusers.cli import options
from dbusers.cli.accounts import Account, Target, account
from dbusers.cli.examples import examples
from dbusers.cli.exits import ExitCode, end, run
from dbusers.cli.output import Columns, Output, print_json, print_list, print_one, printable
from dbusers.cli.wishes import Wishes, rules
from dbusers.errors import InvalidRequest
from dbusers.secret import Secret

users: typer.Typer = typer.Typer(help="The users of a database.", no_args_is_help=True)


@users.command("list", epilog=examples("users list"))
def list_users(
    database: options.DatabaseArgument,
    *,
    provider: options.ProviderOption = None,
    url: options.UrlOption = None,
    app: options.AppOption = None,
    region: options.RegionOption = None,
    output: options.OutputOption = Output.TABLE,
    show_secrets: options.ShowSecretsOption = False,
) -> None:
    """List all users of a database, the built-in one included."""
    target = Target(provider, url, app, region)
    found, on = _with_account(target, lambda account: account.users(database))
    columns = _columns(on, show_secrets=show_secrets)
    print_list(found, columns, output, show_secrets=show_secrets)


@users.command("get", epilog=examples("users get"))
def get_user(
    database: options.DatabaseArgument,
    name: options.NameArgument,
    *,
    provider: options.ProviderOption = None,
    url: options.UrlOption = None,
    app: options.AppOption = None,
    region: options.RegionOption = None,
    output: options.OutputOption = Output.TABLE,
    show_secrets: options.ShowSecretsOption = False,
) -> None:
    """Show one user."""
    target = Target(provider, url, app, region)
    user, on = _with_account(target, lambda account: account.user(database, name))
    columns = _columns(on, show_secrets=show_secrets)
    print_one(user, columns, output, show_secrets=show_secrets)


@users.command("create", epilog=examples("users create"))
def create_user(
    database: options.DatabaseArgument,
    name: options.NameArgument,
    *,
    replication: options.ReplicationOption = None,
    auth_plugin: options.AuthPluginOption = None,
    acl: options.AclOption = None,
    index: options.IndexOption = None,
    mongo_database: options.MongoDatabaseOption = None,
    mongo_role: options.MongoRoleOption = None,
    read_only: Annotated[
        bool | None, typer.Option("--read-only", help="Scalingo: the user may only read.")
    ] = None,
    password_stdin: options.PasswordStdinOption = False,
    provider: options.ProviderOption = None,
    url: options.UrlOption = None,
    app: options.AppOption = None,
    region: options.RegionOption = None,
    output: options.OutputOption = Output.TABLE,
) -> None:
    """Create a user and show its password, this once.

    JSON output holds the password, and for Kafka the certificate and key.
    """
    target = Target(provider, url, app, region)
    wishes = _wishes(
        replication=replication,
        auth_plugin=auth_plugin,
        acl=acl,
        index=index,
        mongo_database=mongo_database,
        mongo_role=mongo_role,
        read_only=read_only,
        password_stdin=password_stdin,
    )
    user, on = _with_account(target, lambda account: account.create(database, name, wishes))
    _show_new_password(user, on, output)


@users.command("update", epilog=examples("users update"))
def update_user(
    database: options.DatabaseArgument,
    name: options.NameArgument,
    *,
    replication: options.ReplicationOption = None,
    acl: options.AclOption = None,
    index: options.IndexOption = None,
    mongo_database: options.MongoDatabaseOption = None,
    mongo_role: options.MongoRoleOption = None,
    password_stdin: options.PasswordStdinOption = False,
    yes: options.YesOption = False,
    provider: options.ProviderOption = None,
    url: options.UrlOption = None,
    app: options.AppOption = None,
    region: options.RegionOption = None,
    output: options.OutputOption = Output.TABLE,
) -> None:
    """Change a user's settings, or at Scalingo its password.

    At DigitalOcean, what is not named stays as it is. A list that is named is the whole list from
    then on: of --acl, --index or --mongo-database, what you do not repeat is taken away, after a
    question. At Scalingo the user gets a new password, which is shown this once.
    """
    target = Target(provider, url, app, region)
    wishes = _wishes(
        replication=replication,
        acl=acl,
        index=index,
        mongo_database=mongo_database,
        mongo_role=mongo_role,
        password_stdin=password_stdin,
    )
    change, _ = _with_account(target, lambda account: account.plan(database, name, wishes))
    if change.loses:
        _ask(f"{name} loses: {', '.join(change.loses)}. Update it?", yes=yes)
    user, on = _with_account(target, lambda account: account.update(database, name, change))
    if change.makes_a_password:
        _show_new_password(user, on, output)
    else:
        print_one(user, on.user_columns, output)


@users.command("delete", epilog=examples("users delete"))
def delete_user(
    database: options.DatabaseArgument,
    name: options.NameArgument,
    *,
    yes: options.YesOption = False,
    provider: options.ProviderOption = None,
    url: options.UrlOption = None,
    app: options.AppOption = None,
    region: options.RegionOption = None,
    output: options.OutputOption = Output.TABLE,
) -> None:
    """Remove a user, after a question."""
    _ask(f"Remove {name} from {database}? What logs in as it stops working.", yes=yes)
    target = Target(provider, url, app, region)
    _with_account(target, lambda account: account.delete(database, name))
    if output is Output.JSON:
        print_json({"database": database, "name": name, "removed": True})
    typer.echo(f"{printable(name)} is removed.", err=True)


@users.command("reset", epilog=examples("users reset"))
def reset_user(
    database: options.DatabaseArgument,
    name: options.NameArgument,
    *,
    auth_plugin: options.AuthPluginOption = None,
    yes: options.YesOption = False,
    provider: options.ProviderOption = None,
    url: options.UrlOption = None,
    app: options.AppOption = None,
    region: options.RegionOption = None,
    output: options.OutputOption = Output.TABLE,
) -> None:
    """Make a new password for a user.

    After a question: the old password is void at once. The new one is shown this once; JSON output
    holds it too.
    """
    wishes = _wishes(auth_plugin=auth_plugin)
    _ask(f"Make a new password for {name}? What logs in with the old one stops working.", yes=yes)
    target = Target(provider, url, app, region)
    user, on = _with_account(target, lambda account: account.reset(database, name, wishes))
    _show_new_password(user, on, output)


def _with_account(target: Target, call: Callable[[Account], Awaitable[Any]]) -> tuple[Any, Account]:
    """Return what `call` returns, and the account, closed, for its columns."""

    async def work() -> tuple[Any, Account]:
        async with account(target) as opened:
            return await call(opened), opened

    return run(work())


def _wishes(
    *,
    replication: bool | None = None,
    auth_plugin: str | None = None,
    acl: list[str] | None = None,
    index: list[str] | None = None,
    mongo_database: list[str] | None = None,
    mongo_role: str | None = None,
    read_only: bool | None = None,
    password_stdin: bool = False,
) -> Wishes:
    try:
        return Wishes(
            replication=replication,
            auth_plugin=auth_plugin,
            acl=rules(acl, "--acl"),
            index=rules(index, "--index"),
            mongo_databases=tuple(mongo_database) if mongo_database else None,
            mongo_role=mongo_role,
            read_only=read_only,
            password=_password() if password_stdin else None,
        )
    except InvalidRequest as error:
        end(str(error), ExitCode.USAGE)


def _password() -> Secret:
    """Return the password on standard input; where that is a terminal, without showing it."""
    if sys.stdin.isatty():
        password = Secret(getpass("Password: "))
    else:
        password = Secret(sys.stdin.readline().rstrip("\r\n"))
    if not password:
        raise InvalidRequest("--password-stdin: there is no password on standard input")
    return password


def _ask(question: str, *, yes: bool) -> None:
    """Return if the answer is yes; end the command otherwise."""
    if yes:
        return
    if not sys.stdin.isatty():
        end("this asks before it acts, and there is no terminal to ask on: --yes", ExitCode.USAGE)
    try:
        agreed = typer.confirm(printable(question), err=True)
    except (typer.Abort, KeyboardInterrupt):
        end("interrupted; nothing was changed", ExitCode.INTERRUPTED)
    if not agreed:
        end("nothing was changed", ExitCode.FAILED)


def _columns(account: Account, *, show_secrets: bool) -> Columns:
    if not show_secrets:
        return account.user_columns
    return {**account.user_columns, **account.secret_columns}


def _show_new_password(user: Any, account: Account, output: Output) -> None:
    print_one(user, _columns(account, show_secrets=True), output, show_secrets=True)
    typer.echo("The password is shown this once: keep it now.", err=True)
