"""JSON Lines, the canonical stream: all that is known of a run, one thing on each line.

Every line has a `type`, in this order: one `run`, then every `check`, `account`, `database` (with
its outcome and its users) and `finding`, and one `summary`. A stream without its last line was cut
off. The run's id and times stand in `run` and `summary` alone: the lines between are the same, byte
for byte, for two runs over the same fleet. How many requests were sent is left to the other
formats: a run that was resumed sent more, and has the same result all the same. Everything is
ASCII; names read back exactly as they came.
"""

from typing import TextIO

from dbusers.audit.report.model import Report
from dbusers.audit.report.values import encoded, run_value, sections, summary_value


def write(report: Report, out: TextIO) -> None:
    """Write the report as JSON Lines."""
    run = {"type": "run", **run_value(report), "complete": report.complete}
    for pace in run["pace"]:
        del pace["requests"]
    out.write(encoded(run) + "\n")
    for kind, values in sections(report):
        out.writelines(encoded({"type": kind, **value}) + "\n" for value in values)
    out.write(encoded({"type": "summary", **summary_value(report)}) + "\n")
