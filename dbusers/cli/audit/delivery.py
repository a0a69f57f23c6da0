"""Hands over the reports of a run, and ends the command as the run says."""

import sys
from collections.abc import Iterable
from typing import NoReturn

import typer

from dbusers.audit.report import ExitCode, Output, Report, save
from dbusers.cli.audit.words import Voice
from dbusers.cli.exits import ExitCode as Ending
from dbusers.cli.exits import end
from dbusers.errors import ConfigurationError


def deliver(report: Report, outputs: Iterable[Output], voice: Voice) -> NoReturn:
    """Write the reports, say what can be done about what is missing, and end the command.

    Raises `ConfigurationError` if one cannot be written, and says how to have it all the same.
    """
    again = f"--from {report.run_id}"
    try:
        for output in outputs:
            _write(report, output)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}; nothing is lost: {again} reports on it") from error
    except KeyboardInterrupt:
        end(f"interrupted while reporting; {again} does that again", Ending.INTERRUPTED)
    if report.interrupted:
        end("interrupted; the same command with --resume goes on", Ending.INTERRUPTED)
    if report.exit_code is ExitCode.INCOMPLETE:
        voice.say(_advice(report))
    raise typer.Exit(report.exit_code)


def _write(report: Report, output: Output) -> None:
    try:
        save(report, [output], sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # who has read enough (`| head`) does not change how the audit ends
    except OSError as error:
        raise ConfigurationError(f"standard output: {error.strerror}") from error


def _advice(report: Report) -> str:
    if report.finished is None:
        return f"Run {report.run_id} did not finish; --resume goes on with the last one."
    return "Not everything was read; the same command with --retry-failed reads the rest again."
