"""`dbusers sandbox`: both APIs on a local port, until interrupted."""

import asyncio
import signal
from contextlib import suppress
from typing import Annotated

import typer

from dbusers.cli.exits import ExitCode, end
from dbusers.testing import Sandbox


def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same fleet.")] = 2026,
    databases: Annotated[int, typer.Option(min=0, help="Over both providers.")] = 20,
    users: Annotated[int, typer.Option(min=0, help="In all, built-in ones included.")] = 200,
) -> None:
    """Serve both APIs on this machine.

    The databases and users are made up. It prints what to export, so that this command and
    your own code use it instead of the real hosts, and serves until you press Ctrl-C.
    """
    try:
        served = Sandbox(seed=seed, databases=databases, users=users, port=port, record=False)
        asyncio.run(_serve(served))
    except ValueError as error:
        end(str(error), ExitCode.USAGE)
    except OSError as error:
        end(f"cannot listen on port {port}: {error.strerror}", ExitCode.FAILED)
    except KeyboardInterrupt:
        typer.echo("\nThe sandbox is closed.", err=True)


async def _serve(served: Sandbox) -> None:
    stopped = asyncio.Event()
    with suppress(NotImplementedError):  # Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with served:
        for name, value in served.environment.items():
            typer.echo(f"export {name}={value}")
        typer.echo(f"Serving on {served.url} until Ctrl-C; paste the above elsewhere.", err=True)
        await stopped.wait()
