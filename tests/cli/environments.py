"""The variables that lead the command to a sandbox, for one provider alone."""

from dbusers.testing import Sandbox


def digitalocean_environment(sandbox: Sandbox) -> dict[str, str]:
    return _of("DIGITALOCEAN_", sandbox)


def scalingo_environment(sandbox: Sandbox) -> dict[str, str]:
    return _of("SCALINGO_", sandbox)


def _of(provider: str, sandbox: Sandbox) -> dict[str, str]:
    return {name: v for name, v in sandbox.environment.items() if name.startswith(provider)}
