"""The options and arguments that several commands have."""

from typing import Annotated

import typer

from dbusers.cli.accounts import Provider
from dbusers.cli.completion import AUTH_PLUGINS, MONGO_ROLES, REGIONS, one_of
from dbusers.cli.output import Output

ProviderOption = Annotated[
    Provider | None,
    typer.Option(
        "--provider",
        "-p",
        help="Whose databases. Default: the one whose token is in the environment.",
        show_default=False,
    ),
]
UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="Another base URL, such as the sandbox's; for Scalingo, all hosts.",
    ),
]
AppOption = Annotated[
    str | None,
    typer.Option(
        "--app", metavar="APP", help="Scalingo: the app of the database. Default: it is looked for."
    ),
]
RegionOption = Annotated[
    str | None,
    typer.Option(
        "--region",
        metavar="REGION",
        help="Scalingo: the region, such as osc-fr1.",
        autocompletion=one_of(REGIONS),
    ),
]
OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="A table for people or JSON for programs.")
]
ShowSecretsOption = Annotated[
    bool,
    typer.Option(
        "--show-secrets",
        help="Show passwords and keys too; in JSON also fields that this version does not know.",
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before it is done.")]

DatabaseArgument = Annotated[
    str, typer.Argument(metavar="DATABASE", help="The id, as `dbusers databases list` shows it.")
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The name of the user.")]

ReplicationOption = Annotated[
    bool | None,
    typer.Option("--replication/--no-replication", help="PostgreSQL: the replication right."),
]
AclOption = Annotated[
    list[str] | None,
    typer.Option(
        "--acl",
        metavar="TOPIC=PERMISSION",
        help="Kafka: admin, consume, produce or produceconsume on a topic or pattern. Repeatable.",
    ),
]
IndexOption = Annotated[
    list[str] | None,
    typer.Option(
        "--index",
        metavar="INDEX=PERMISSION",
        help="OpenSearch: deny, admin, read, readwrite or write on an index or pattern. "
        "Repeatable.",
    ),
]
MongoDatabaseOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mongo-database",
        metavar="NAME",
        help="MongoDB: a database the role is for; admin is all. Repeatable.",
    ),
]
MongoRoleOption = Annotated[
    str | None,
    typer.Option(
        "--mongo-role",
        metavar="ROLE",
        help="MongoDB: readOnly, readWrite or dbAdmin.",
        autocompletion=one_of(MONGO_ROLES),
    ),
]
AuthPluginOption = Annotated[
    str | None,
    typer.Option(
        "--auth-plugin",
        metavar="PLUGIN",
        help="MySQL: caching_sha2_password, or the weak mysql_native_password.",
        autocompletion=one_of(AUTH_PLUGINS),
    ),
]
PasswordStdinOption = Annotated[
    bool,
    typer.Option(
        "--password-stdin",
        help="Scalingo: read the password from standard input. Default: one is generated.",
    ),
]
